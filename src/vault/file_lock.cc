#include "vault/file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "vault/raise.h"
#include "vault/text_record.h"

namespace turnstile::vault {

namespace {

int open_lock_file(const std::filesystem::path& path, const Call& call) {
  const int descriptor =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor == -1) raise_write("cannot open the lock", path, errno, call);
  return descriptor;
}

short type_of(FileLock::Mode mode) noexcept {
  switch (mode) {
    case FileLock::Mode::None:
      return F_UNLCK;
    case FileLock::Mode::Shared:
      return F_RDLCK;
    case FileLock::Mode::Exclusive:
      return F_WRLCK;
  }
  return F_UNLCK;
}

}  // namespace

FileLock::FileLock(std::filesystem::path path, const Call& call)
    : path_(std::move(path)), file_([&] { return open_lock_file(path_, call); }) {}

bool FileLock::try_change(Mode mode, Byte byte) {
  struct flock lock {};
  lock.l_type = type_of(mode);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  if (::fcntl(file_.descriptor(), F_OFD_SETLK, &lock) == 0) {
    if (mode == Mode::Exclusive && byte == Byte::Use) sign();
    return true;
  }
  if (errno == EAGAIN || errno == EACCES) return false;
  raise_write("cannot lock", path_, errno, Call{});
}

// The system can wait for such a lock, but not with a deadline.
bool FileLock::change(Mode mode, Byte byte, const Call& call) {
  constexpr std::chrono::milliseconds kLongest{20};
  std::chrono::milliseconds pause{1};
  while (!try_change(mode, byte)) {
    gate::sync_point("FileLock:waiting");
    if (call.deadline.expired()) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongest);
  }
  return true;
}

bool FileLock::is_in_place() const noexcept {
  struct stat mine {};
  struct stat there {};
  return ::fstat(file_.descriptor(), &mine) == 0 && ::stat(path_.c_str(), &there) == 0 &&
         mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

// Only a message depends on it, so that it may fail.
void FileLock::sign() const noexcept {
  const std::string text = std::to_string(::getpid()) + '\n';
  if (::ftruncate(file_.descriptor(), 0) != 0) return;
  static_cast<void>(::pwrite(file_.descriptor(), text.data(), text.size(), 0));
}

Holder FileLock::owner() const {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file_.descriptor(), text.data(), text.size(), 0);
  Holder holder;
  holder.lock = "profile lock";
  if (size <= 0) return holder;
  std::string_view digits(text.data(), static_cast<std::size_t>(size));
  digits = digits.substr(0, digits.find('\n'));
  const auto pid = parse_count(digits);
  if (!pid || *pid == 0) return holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = *pid;
  holder.program = gate::program_of(*pid);
  return holder;
}

}  // namespace turnstile::vault
