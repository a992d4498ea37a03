#include "vault/file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "gate/file_locks.h"
#include "gate/proc_file.h"
#include "gate/sync_point.h"
#include "vault/raise.h"
#include "vault/text_record.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

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
  Holder holder;
  holder.lock = "profile lock";
  // What is written there may be of somebody who has ended long since.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(Byte::Use);
  lock.l_len = 1;
  if (::fcntl(file_.descriptor(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_WRLCK) return holder;
  std::array<char, 32> text{};
  const ssize_t size = ::pread(file_.descriptor(), text.data(), text.size(), 0);
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

namespace {

/// Whether an open file has the byte Use locked, as /proc/PID/fdinfo/FD says it in a line such as
/// `lock: 1: OFDLCK ADVISORY READ -1 08:01:4711 0 0`.
bool has_use(std::string_view fdinfo) {
  while (!fdinfo.empty()) {
    const std::string_view line = fdinfo.substr(0, fdinfo.find('\n'));
    fdinfo.remove_prefix(std::min(line.size() + 1, fdinfo.size()));
    const bool is_lock = line.starts_with("lock:") && line.find("OFDLCK") != line.npos;
    // Of neighbouring bytes that one file has locked the kernel makes one lock; the first counts.
    const std::size_t last = line.rfind(' ');
    if (!is_lock || last == line.npos || last == 0) continue;
    const std::size_t first = line.rfind(' ', last - 1);
    if (first != line.npos && line.substr(first + 1, last - first - 1) == "0") return true;
  }
  return false;
}

bool shares(std::int64_t pid, const struct stat& file) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::error_code error;
  for (fs::directory_iterator entry(process + "/fd", error), end; !error && entry != end;
       entry.increment(error)) {
    struct stat status {};
    if (::stat(entry->path().c_str(), &status) != 0) continue;
    if (status.st_dev != file.st_dev || status.st_ino != file.st_ino) continue;
    if (has_use(gate::read_proc_file(process + "/fdinfo/" + entry->path().filename().string())))
      return true;
  }
  return false;
}

}  // namespace

Holder FileLock::sharer() const {
  Holder holder;
  holder.lock = "profile lock";
  struct stat file {};
  if (::fstat(file_.descriptor(), &file) != 0) return holder;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const auto pid = parse_count(entry->path().filename().native());
    if (!pid || !shares(*pid, file)) continue;
    holder.kind = Holder::Kind::Process;
    holder.pid = *pid;
    holder.program = gate::program_of(*pid);
    if (*pid != ::getpid()) break;
  }
  return holder;
}

}  // namespace turnstile::vault
