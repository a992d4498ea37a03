// Files and directories, for tests of what is on the disk. A file is never read while a database
// has it open in this process: closing it would drop the locks that SQLite has on it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace turnstile::test {

[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Tells contents apart without filling a test's output with them.
[[nodiscard]] inline std::string fingerprint(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  return std::to_string(content.size()) + " bytes with the hash " +
         std::to_string(std::hash<std::string>()(content));
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

/// The names in a directory, sorted.
[[nodiscard]] inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// What the process has open in a directory and below it, one entry a descriptor.
[[nodiscard]] inline std::vector<std::string> open_files_in(
    const std::filesystem::path& directory) {
  std::vector<std::string> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (target.starts_with(directory.string() + "/")) open.push_back(std::move(target));
  }
  return open;
}

/// How many descriptors the process has of a file, without opening one more.
[[nodiscard]] inline std::ptrdiff_t descriptors_of(const std::filesystem::path& file) {
  return std::ranges::count(open_files_in(file.parent_path()), file.string());
}

}  // namespace turnstile::test
