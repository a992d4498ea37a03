#include "database/recovery/source_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database::recovery {

namespace {

[[noreturn]] void fail_to_open(const std::filesystem::path& path, int cause, const Call& call) {
  const bool forbidden = cause == EACCES || cause == EPERM;
  sqlite::raise_system(forbidden ? code("DB_PERMISSION") : code("DB_OPEN_FAILED"),
                       "cannot open '" + path.string() + "'", cause, call);
}

}  // namespace

SourceFile::SourceFile(std::filesystem::path path, const Call& call)
    : SourceFile(std::move(path), true, call) {}

SourceFile SourceFile::open_if_there(std::filesystem::path path, const Call& call) {
  return {std::move(path), false, call};
}

SourceFile::SourceFile(std::filesystem::path path, bool must_exist, const Call& call)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    if (errno == ENOENT && !must_exist) return;
    fail_to_open(path_, errno, call);
  }
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    const int cause = errno;
    ::close(descriptor_);
    fail_to_open(path_, cause, call);
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

SourceFile::~SourceFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SourceFile::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  while (!buffer.empty()) {
    const ssize_t count =
        ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw Damage("the system cannot read it: " + std::system_category().message(errno) + " (" +
                   std::to_string(errno) + ")");
    }
    if (count == 0) throw Damage("it lies past the end of the file");
    buffer = buffer.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

}  // namespace turnstile::database::recovery
