// Walks a directory and names the regular files in it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "file_stamp.h"

namespace kb {

struct FoundFile {
  std::string path;  ///< Absolute, valid UTF-8.
  FileStamp stamp;
};

struct ScanResult {
  std::int64_t files = 0;
  std::int64_t unnameable = 0;  ///< Left out: a name that is not UTF-8 cannot be stored as text.
  std::string problem;          ///< Why the walk ended early; empty when it did not.
};

/// Threads: confined.
class Scanner {
 public:
  /// Throws std::filesystem::filesystem_error when there is no such directory.
  explicit Scanner(const std::filesystem::path& directory);

  /// The directory as an absolute path without links; all found paths begin with it.
  [[nodiscard]] const std::string& root() const noexcept { return root_; }

  /// Gives the files to `take` in handy batches. Links are not followed: what they point to is
  /// found where it is, and once. What may not be read is passed over.
  ScanResult walk(const std::function<void(const std::vector<FoundFile>&)>& take,
                  const std::stop_token& stop) const;

 private:
  std::string root_;
};

/// True when nothing is left at `path` that a walk would find. A path that cannot be looked at, in
/// a directory without permission, is not gone.
[[nodiscard]] bool is_gone(const std::string& path);

}  // namespace kb
