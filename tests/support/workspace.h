// A workspace in a directory of its own, with passwords that cost nothing.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/vault.h"

namespace turnstile::test {

inline constexpr std::string_view kPassword = "correct horse";
// What no file of a protected profile may hold.
inline constexpr std::string_view kCanary = "a very secret word 4711";

/// The cheapest key there is, and no waiting after a wrong password.
[[nodiscard]] inline WorkspaceOptions cheap_options(WorkspaceOptions options = {}) {
  options.database = with_notes(std::move(options.database));
  options.key_cost = {.passes = 1, .memory_bytes = 8192};
  options.throttle = std::chrono::milliseconds(0);
  return options;
}

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}
[[nodiscard]] inline std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The files below `directory` in which `needle` is found.
[[nodiscard]] inline std::vector<std::string> files_with(const std::filesystem::path& directory,
                                                         std::string_view needle) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    if (read_file(entry.path()).find(needle) != std::string::npos)
      found.push_back(std::filesystem::relative(entry.path(), directory).string());
  }
  return found;
}

/// All files below `directory` with their content, one text, to be compared.
[[nodiscard]] inline std::string picture_of(const std::filesystem::path& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const auto name = std::filesystem::relative(entry.path(), directory).string();
    const bool counts = entry.is_regular_file() && name.find("-gate") == std::string::npos &&
                        name.find("lock") == std::string::npos;
    files.push_back(counts ? name + " with " + fingerprint(entry.path()) : name);
  }
  std::ranges::sort(files);
  std::string all;
  for (const std::string& file : files)
    all += file + '\n';
  return all;
}

/// Threads: confined, but for what the log is told.
class WorkspacePlace {
 public:
  explicit WorkspacePlace(WorkspaceOptions options = {}) : options_(cheap_options(options)) {
    options_.log_sink = [this](const LogEvent& event) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::string(event.code) + ": " + event.message);
    };
  }

  [[nodiscard]] std::filesystem::path root() const { return directory_.path() / "workspace"; }
  [[nodiscard]] std::string outside(std::string_view name) const { return directory_.file(name); }
  [[nodiscard]] WorkspaceOptions& options() noexcept { return options_; }
  [[nodiscard]] Workspace open() const { return Workspace::open(root(), options_); }
  [[nodiscard]] std::filesystem::path folder(const ProfileInfo& profile) const {
    return root() / "profiles" / profile.id;
  }
  /// What begins with `code`.
  [[nodiscard]] std::vector<std::string> told(std::string_view code = {}) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const std::string& text : told_)
      if (text.starts_with(code)) found.push_back(text);
    return found;
  }

 private:
  TempDir directory_;
  WorkspaceOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::string> told_;
};

/// The name of the part of a profile that begins so, such as `database.`.
[[nodiscard]] inline std::filesystem::path part_of(const std::filesystem::path& folder,
                                                   std::string_view word) {
  for (const std::string& name : names_in(folder)) {
    if (name.starts_with(word) && name.find('.', word.size()) == std::string::npos &&
        name.find('-') == std::string::npos) {
      return folder / name;
    }
  }
  return {};
}

}  // namespace turnstile::test
