#include "gate/file_locks.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "gate/proc_file.h"

namespace turnstile::gate {
namespace {

// https://sqlite.org/fileformat2.html#the_lock_byte_page and, for the WAL index,
// https://sqlite.org/walformat.html#wal_locks
constexpr std::uint64_t kPendingByte = 0x40000000;
constexpr std::uint64_t kReservedByte = kPendingByte + 1;
constexpr std::uint64_t kSharedFirst = kPendingByte + 2;
constexpr std::uint64_t kSharedLast = kSharedFirst + 509;
constexpr std::uint64_t kWalWriteByte = 120;
constexpr std::uint64_t kWalCheckpointByte = 121;
constexpr std::uint64_t kWalRecoverByte = 122;
constexpr std::uint64_t kWalReadFirst = 123;
constexpr std::uint64_t kWalReadCount = 5;
constexpr std::uint64_t kWalIndexByte = 128;

constexpr std::string_view kWalWrite = "WAL write lock";
constexpr std::string_view kWalRecover = "WAL recovery lock";
constexpr std::string_view kWalIndex = "WAL index lock";
constexpr std::string_view kWalRead = "WAL read mark ";
constexpr std::string_view kShared = "shared lock";
constexpr std::string_view kReserved = "reserved lock";
constexpr std::string_view kPending = "pending lock";
constexpr std::string_view kExclusive = "exclusive lock";

// One line of /proc/locks (https://man7.org/linux/man-pages/man5/proc_locks.5.html).
struct Line {
  std::uint64_t number = 0;  // The same for a lock and for those that wait for it.
  bool waiting = false;
  std::string_view kind;  // POSIX, OFDLCK, FLOCK, LEASE, ...
  bool exclusive = false;
  std::int64_t pid = 0;
  FileIdentity file;
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  [[nodiscard]] bool covers(std::uint64_t from, std::uint64_t to) const noexcept {
    return first <= to && from <= last;
  }
};

// Takes the next word off the front of `text`.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

// `fd:01:4711`: the device in hexadecimal, the inode in decimal digits.
bool parse_identity(std::string_view text, FileIdentity& file) {
  const std::size_t first = text.find(':');
  const std::size_t second = first == text.npos ? first : text.find(':', first + 1);
  return second != text.npos && parse_number(text.substr(0, first), file.device_major, 16) &&
         parse_number(text.substr(first + 1, second - first - 1), file.device_minor, 16) &&
         parse_number(text.substr(second + 1), file.inode);
}

std::optional<Line> parse_line(std::string_view text) {
  Line line;
  std::string_view number = next_word(text);
  if (number.empty() || number.back() != ':') return std::nullopt;
  number.remove_suffix(1);
  line.kind = next_word(text);
  if (line.kind == "->") {
    line.waiting = true;
    line.kind = next_word(text);
  }
  next_word(text);  // ADVISORY, or the state of a lease.
  line.exclusive = next_word(text) == "WRITE";
  const std::string_view pid = next_word(text);
  const std::string_view file = next_word(text);
  const std::string_view first = next_word(text);
  const std::string_view last = next_word(text);
  if (!parse_number(number, line.number) || !parse_number(pid, line.pid) ||
      !parse_identity(file, line.file) || !parse_number(first, line.first)) {
    return std::nullopt;
  }
  if (last == "EOF")
    line.last = std::numeric_limits<std::uint64_t>::max();
  else if (!parse_number(last, line.last))
    return std::nullopt;
  // -1 stands for locks that belong to an open file instead of a process.
  line.pid = std::max<std::int64_t>(line.pid, 0);
  return line;
}

FileLock lock_of(const Line& line, std::string name, std::string_view words) {
  FileLock lock;
  lock.name = std::move(name);
  lock.lock = words;
  lock.exclusive = line.exclusive;
  lock.pid = line.pid;
  return lock;
}

// SQLite has the other bytes too while it has EXCLUSIVE, which says it all. The kernel joins
// neighbours of one owner into one line, such as RESERVED and PENDING.
void add_database_locks(const Line& line, std::vector<FileLock>& locks) {
  const auto add = [&](std::string name, std::string_view words) {
    locks.push_back(lock_of(line, std::move(name), words));
    locks.back().blocks_writers = line.exclusive;
  };
  if (line.covers(kSharedFirst, kSharedLast))
    return line.exclusive ? add("EXCLUSIVE", kExclusive) : add("SHARED", kShared);
  if (line.covers(kReservedByte, kReservedByte)) add("RESERVED", kReserved);
  if (line.covers(kPendingByte, kPendingByte)) add("PENDING", kPending);
}

// Each byte is a lock of its own.
void add_wal_locks(const Line& line, std::vector<FileLock>& locks) {
  const auto add = [&](std::uint64_t byte, std::string name, std::string_view words,
                       bool in_the_way_of_writers) {
    if (!line.covers(byte, byte)) return;
    locks.push_back(lock_of(line, std::move(name), words));
    locks.back().blocks_writers = line.exclusive && in_the_way_of_writers;
  };
  add(kWalWriteByte, "WRITE", kWalWrite, true);
  add(kWalCheckpointByte, "CKPT", "checkpoint lock", false);
  add(kWalRecoverByte, "RECOVER", kWalRecover, true);
  for (std::uint64_t mark = 0; mark < kWalReadCount; ++mark) {
    const std::string number = std::to_string(mark);
    add(kWalReadFirst + mark, "READ" + number, std::string(kWalRead) + number, false);
  }
  // Exclusive only while a process sets up the -shm file, which everybody else waits for.
  add(kWalIndexByte, "DMS", kWalIndex, true);
}

// Calls `use` with every line that can be understood; the others are of no kind known here.
template <typename Use>
void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const std::optional<Line> line = parse_line(text.substr(0, end))) use(*line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

using IsFile = std::function<bool(const Line&)>;

std::vector<FileLock> collect(std::string_view text, const IsFile& is_database,
                              const IsFile& is_shm) {
  std::vector<FileLock> locks;
  // The locks of the last line of a holder, which the lines of those that wait for it follow.
  std::uint64_t number = 0;
  std::size_t first = 0;
  for_each_line(text, [&](const Line& line) {
    if (line.kind != "POSIX" && line.kind != "OFDLCK") return;
    if (line.waiting) {
      for (std::size_t i = first; number == line.number && i < locks.size(); ++i)
        locks[i].waiters.push_back(line.pid);
      return;
    }
    number = line.number;
    first = locks.size();
    if (is_database(line))
      add_database_locks(line, locks);
    else if (is_shm(line))
      add_wal_locks(line, locks);
  });
  return locks;
}

bool is_same(const FileIdentity& left, const FileIdentity& right) {
  return left.inode != 0 && left.inode == right.inode && left.device_major == right.device_major &&
         left.device_minor == right.device_minor;
}

// Without opening the file; no inode when it does not exist.
FileIdentity identify(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return FileIdentity{.device_major = major(status.st_dev),
                      .device_minor = minor(status.st_dev),
                      .inode = status.st_ino};
}

// By the names of its descriptors, which are read without touching the files.
bool has_open(std::int64_t pid, const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::directory_iterator descriptors("/proc/" + std::to_string(pid) + "/fd", error);
  while (!error && descriptors != std::filesystem::directory_iterator()) {
    std::error_code gone;
    if (std::filesystem::read_symlink(descriptors->path(), gone) == path && !gone) return true;
    descriptors.increment(error);
  }
  return false;
}

// Matches lines on `path`. Some file systems (btrfs, overlayfs) show programs another device than
// the kernel uses itself; there the inode has to do, if the process has the file open.
IsFile matcher(const std::filesystem::path& path, const FileIdentity& file) {
  return [path, file](const Line& line) {
    return is_same(line.file, file) || (file.inode != 0 && line.file.inode == file.inode &&
                                        line.pid != 0 && has_open(line.pid, path));
  };
}

std::filesystem::path shm_of(const std::filesystem::path& path) {
  return path.native() + "-shm";
}

// How likely `lock` is what a caller waits for; 0: not at all.
int suspicion(const FileLock& lock, bool for_readers, bool has_wal) {
  if (lock.exclusive && lock.lock == kWalWrite) return for_readers ? 0 : 5;
  if (lock.exclusive && (lock.lock == kWalRecover || lock.lock == kWalIndex)) return 4;
  if (lock.exclusive && (lock.lock == kExclusive || lock.lock == kPending)) return 3;
  if (lock.exclusive && lock.lock == kReserved) return for_readers ? 0 : 2;
  // With a rollback journal a reader keeps a commit out. With a write-ahead log every connection
  // has this lock for as long as it is open.
  return lock.lock == kShared && !has_wal && !for_readers ? 1 : 0;
}

}  // namespace

std::vector<FileLock> parse_locks(std::string_view proc_locks, const FileIdentity& database,
                                  const FileIdentity& shm) {
  return collect(
      proc_locks, [&](const Line& line) { return is_same(line.file, database); },
      [&](const Line& line) { return is_same(line.file, shm); });
}

std::vector<FileLock> file_locks(const std::filesystem::path& path) {
  const std::string text = read_proc_file("/proc/locks");
  const std::filesystem::path shm = shm_of(path);
  std::vector<FileLock> locks =
      collect(text, matcher(path, identify(path)), matcher(shm, identify(shm)));
  for (FileLock& lock : locks)
    lock.program = program_of(lock.pid);
  return locks;
}

namespace {

template <class IsWanted>
Holder most_suspect(const std::filesystem::path& path, bool for_readers,
                    const IsWanted& is_wanted) {
  const bool has_wal = identify(shm_of(path)).inode != 0;
  int highest = 0;
  Holder holder;
  for (const FileLock& lock : file_locks(path)) {
    const int level = suspicion(lock, for_readers, has_wal);
    if (level <= highest || !is_wanted(lock)) continue;
    highest = level;
    holder.kind = Holder::Kind::Process;
    holder.lock = lock.lock;
    holder.pid = lock.pid;
    holder.program = lock.program;
  }
  return holder;
}

}  // namespace

Holder find_foreign_holder(const std::filesystem::path& path, bool for_readers) {
  const std::int64_t own_pid = ::getpid();
  return most_suspect(path, for_readers,
                      [own_pid](const FileLock& lock) { return lock.pid != own_pid; });
}

Holder find_stranger(const std::filesystem::path& path) {
  Holder foreign = find_foreign_holder(path, false);
  if (foreign.kind != Holder::Kind::Unknown) return foreign;
  return most_suspect(
      path, false, [](const FileLock& lock) { return lock.exclusive && lock.lock == kWalWrite; });
}

std::vector<Holder> find_foreign_readers(const std::filesystem::path& path) {
  std::vector<Holder> readers;
  const std::int64_t own_pid = ::getpid();
  for (const FileLock& lock : file_locks(path)) {
    // A mark is held exclusively only while its number is changed.
    if (lock.exclusive || lock.pid == own_pid || !lock.lock.starts_with(kWalRead)) continue;
    if (std::ranges::any_of(readers, [&](const Holder& each) { return each.pid == lock.pid; }))
      continue;
    Holder holder;
    holder.kind = Holder::Kind::Process;
    holder.lock = lock.lock;
    holder.pid = lock.pid;
    holder.program = lock.program;
    readers.push_back(std::move(holder));
  }
  return readers;
}

std::int64_t find_flock_holder(const std::filesystem::path& path, const FileIdentity& file) {
  const IsFile is_file = matcher(path, file);
  std::int64_t holder = 0;
  for_each_line(read_proc_file("/proc/locks"), [&](const Line& line) {
    if (line.kind == "FLOCK" && !line.waiting && line.exclusive && is_file(line)) holder = line.pid;
  });
  return holder;
}

}  // namespace turnstile::gate
