#include "scanner.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "text.h"

namespace kb {

namespace fs = std::filesystem;

Scanner::Scanner(const fs::path& directory) : root_(fs::canonical(directory).string()) {
  if (!fs::is_directory(root_)) {
    throw fs::filesystem_error("not a directory", directory,
                               std::make_error_code(std::errc::not_a_directory));
  }
}

ScanResult Scanner::walk(const std::function<void(const std::vector<FoundFile>&)>& take,
                         const std::stop_token& stop) const {
  // So many fit into a short transaction.
  constexpr std::size_t kBatch = 256;
  ScanResult result;
  std::vector<FoundFile> batch;
  std::error_code error;
  fs::recursive_directory_iterator entry(root_, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::end(entry) && !stop.stop_requested(); entry.increment(error)) {
    const std::string path = entry->path().string();
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (!is_valid_utf8(path)) {
      ++result.unnameable;
      continue;
    }
    ++result.files;
    batch.push_back({path, stamp_of(status)});
    if (batch.size() == kBatch) {
      take(batch);
      batch.clear();
    }
  }
  if (!batch.empty()) take(batch);
  if (error) result.problem = error.message();
  return result;
}

bool is_gone(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return !S_ISREG(status.st_mode);
  return errno == ENOENT || errno == ENOTDIR;
}

}  // namespace kb
