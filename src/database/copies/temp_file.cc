#include "database/copies/temp_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <new>
#include <random>
#include <system_error>
#include <utility>

#include "database/copies/file_error.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMark = ".turnstile-";
constexpr std::string_view kEnd = ".tmp";

fs::path hidden_name(const fs::path& destination) {
  std::random_device random;
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%08x%08x", random(), random());
  return destination.parent_path() / ("." + destination.filename().string() + std::string(kMark) +
                                      text.data() + std::string(kEnd));
}

// Nobody has it, so that whoever made it is dead. To be found without a maker only lasts from its
// making to its locking, in which its maker notices the loss.
void remove_if_abandoned(const fs::path& path) noexcept {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor == -1) return;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
  ::close(descriptor);
}

}  // namespace

bool is_temp_name(std::string_view name) noexcept {
  return name.starts_with('.') && name.ends_with(kEnd) && name.find(kMark) != name.npos;
}

void remove_abandoned(const fs::path& directory) noexcept {
  try {
    std::error_code error;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
      if (is_temp_name(entry->path().filename().native())) remove_if_abandoned(entry->path());
    }
  } catch (const std::bad_alloc&) {
    return;  // The next one finds them.
  }
}

void raise_file_error(int cause, std::string_view what, const Call& call,
                      std::string_view otherwise) {
  const auto code = [&] {
    switch (cause) {
      case EACCES:
      case EPERM:
      case EROFS:
        return turnstile::code("DB_PERMISSION");
      case ENOENT:
      case ENOTDIR:
        return turnstile::code("DB_NO_DIRECTORY");
      case ENOSPC:
      case EDQUOT:
        return turnstile::code("DB_DISK_FULL");
      default:
        return otherwise;
    }
  }();
  sqlite::raise_system(code, what, cause, call);
}

TempFile::TempFile(fs::path destination, const Call& call)
    : destination_(std::move(destination)), call_(call) {
  remove_abandoned(destination_.parent_path());
  for (;;) {
    path_ = hidden_name(destination_);
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                         S_IRUSR | S_IWUSR);
    if (descriptor_ == -1)
      raise_file_error(errno, "cannot make a file in " + sqlite::quoted(destination_.parent_path()),
                       call_);
    struct stat status {};
    const bool is_locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    if (is_locked && ::fstat(descriptor_, &status) == 0 && status.st_nlink > 0) return;
    const int cause = errno;
    ::close(descriptor_);
    // Somebody who cleaned up may take it for abandoned, and have its lock then. Another failure is
    // one of the file system, which may have no such locks.
    if (!is_locked && cause != EWOULDBLOCK) {
      ::unlink(path_.c_str());
      descriptor_ = -1;
      raise_file_error(cause, "cannot lock a file in " + sqlite::quoted(destination_.parent_path()),
                       call_);
    }
  }
}

TempFile::~TempFile() {
  if (descriptor_ == -1) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

std::int64_t TempFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0)
    raise_file_error(errno, "cannot look at " + sqlite::quoted(path_), call_);
  return status.st_size;
}

void TempFile::imitate(const fs::path& model) {
  constexpr mode_t kPermissions = 0777;
  struct stat status {};
  if (::stat(model.c_str(), &status) != 0) return;
  // Who may not give files away keeps it; SQLite does the same for its own files.
  const bool given = ::fchown(descriptor_, status.st_uid, status.st_gid) == 0;
  const mode_t mode = status.st_mode & kPermissions;
  // To another group than the model's nothing is granted.
  if (::fchmod(descriptor_, given ? mode : mode & S_IRWXU) != 0)
    raise_file_error(errno, "cannot set the permissions of " + sqlite::quoted(path_), call_);
}

void TempFile::sync() {
  if (::fsync(descriptor_) != 0)
    raise_file_error(errno, "cannot bring " + sqlite::quoted(path_) + " to the medium", call_);
}

void TempFile::publish(bool overwrite, std::string_view if_there) {
  // Only with this flag the kernel itself looks whether the name is free. Where it cannot, a second
  // name for the file is refused in the same way.
  const auto rename = [&] {
    if (overwrite) return ::rename(path_.c_str(), destination_.c_str());
    const int renamed =
        ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_NOREPLACE);
    if (renamed == 0 || (errno != EINVAL && errno != ENOSYS)) return renamed;
    if (const int linked = ::link(path_.c_str(), destination_.c_str()); linked != 0) return linked;
    return ::unlink(path_.c_str());
  };
  if (rename() != 0) {
    const int cause = errno;
    if (cause == EEXIST)
      sqlite::raise_system(if_there, "there is a file " + sqlite::quoted(destination_), cause,
                           call_);
    raise_file_error(cause, "cannot rename a file to " + sqlite::quoted(destination_), call_);
  }
  // Before anybody of this process opens it: closing drops the locks that SQLite has on a file.
  ::close(std::exchange(descriptor_, -1));
  sync_directory(destination_.parent_path(), call_);
}

void sync_directory(const fs::path& directory, const Call& call) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor != -1 && ::fsync(descriptor) == 0;
  const int cause = errno;
  if (descriptor != -1) ::close(descriptor);
  // Some file systems cannot sync a directory, and order renames by themselves.
  if (!synced && cause != EINVAL)
    raise_file_error(cause, "cannot bring " + sqlite::quoted(directory) + " to the medium", call);
}

}  // namespace turnstile::database
