#include "file_scan.h"

#include <sys/stat.h>

#include <algorithm>
#include <system_error>

namespace kb {

namespace fs = std::filesystem;

FileState look_at(const std::string& path) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  struct stat status {};
  FileState state{path, -1, 0};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return state;
  state.size_bytes = status.st_size;
  state.modified_ns = status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec;
  return state;
}

std::vector<FileState> scan_files(const fs::path& root) {
  std::vector<FileState> files;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(root, options, error), end; entry != end;
       entry.increment(error)) {
    if (error) break;
    FileState state = look_at(entry->path().string());
    if (state.size_bytes >= 0) files.push_back(std::move(state));
  }
  std::sort(files.begin(), files.end(),
            [](const FileState& a, const FileState& b) { return a.path < b.path; });
  return files;
}

}  // namespace kb
