// Where a command tries a disk: a directory of its own below one that the user names.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace turnstile::cli {

/// Made and removed with this object. Threads: confined.
class TrialDirectory {
 public:
  /// `mib_per_minute`: what a run may fill besides what each one needs. Throws Failure when
  /// `parent` is no directory, has no room for that, or may not be written.
  TrialDirectory(const std::string& parent, std::string_view command, std::chrono::seconds length,
                 std::uintmax_t mib_per_minute);
  ~TrialDirectory();
  TrialDirectory(const TrialDirectory&) = delete;
  TrialDirectory& operator=(const TrialDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// It stays: there is something in it to look at.
  void keep() noexcept { is_kept_ = true; }

 private:
  std::filesystem::path path_;
  bool is_kept_ = false;
};

}  // namespace turnstile::cli
