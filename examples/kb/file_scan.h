// What lies in a directory, without looking into it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kb {

/// A file as the directory describes it. Two equal states are taken for the same content.
struct FileState {
  std::string path;
  std::int64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  ///< Since 1970, as the file system has it.
};

/// Every regular file below `root`, sorted by path. Symbolic links are not followed, so that no
/// file is found twice; what may not be read is left out.
[[nodiscard]] std::vector<FileState> scan_files(const std::filesystem::path& root);

/// The state of one file at this moment; size -1 when it is not there.
[[nodiscard]] FileState look_at(const std::string& path);

}  // namespace kb
