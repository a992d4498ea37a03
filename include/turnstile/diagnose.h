// Looking at a database from outside, without opening it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "turnstile/metrics.h"

namespace turnstile {

/// A lock on a database, held by a process of this machine.
///
/// Threads: immutable.
struct LockInfo {
  std::string lock;  ///< In words: `writer turn`, `WAL write lock`, `WAL read mark 1`, ...
  /// SQLite's own name: `WRITE`, `CKPT`, `RECOVER`, `READ0` to `READ4` or `DMS` of the write-ahead
  /// log; `SHARED`, `RESERVED`, `PENDING` or `EXCLUSIVE` of the file
  /// (https://sqlite.org/walformat.html#wal_locks, https://sqlite.org/lockingv3.html). This
  /// library's order between processes is `TURN`.
  std::string name;
  std::string kind;      ///< `read` or `write`: shared with others of its kind, or not.
  std::int64_t pid = 0;  ///< 0 when the kernel does not say, as of another pid namespace.
  std::string program;   ///< Empty when the process is gone or hidden.

  // Of the call that has it, in a process that uses this library and shows it to this user. SQLite
  // tells the kernel only the process: for a read mark it is the oldest read.
  std::int64_t thread = 0;  ///< Kernel thread id; 0 when unknown.
  std::string thread_name;
  std::string lane;
  std::string sql;        ///< Its latest statement, values as `?`; long ones are cut.
  std::size_t calls = 0;  ///< Calls of the process that it may belong to; 0 when unknown.

  std::optional<std::chrono::milliseconds> since;  ///< How long it has been held, when known.
  bool since_is_least = false;                     ///< It may have been longer: see LockWatch.

  std::vector<std::int64_t> waiters;  ///< Processes that are known to wait for it, in their order.
  std::size_t waiting = 0;            ///< Calls of these that wait; at least one each.
};

/// Every lock that processes hold on the database at `path`: from the gate file, from /proc/locks,
/// and from what processes that use this library show in memory. Neither opens nor reads the
/// database's own files, so it cannot disturb them, and makes no file. A stranger that waits does
/// so by trying again, and cannot be seen. Throws StorageError (DB_NOT_FOUND) when there is no such
/// file.
[[nodiscard]] std::vector<LockInfo> locks(std::string_view path);

/// Looks at the same database again and again. A lock of a program that tells nothing gets the time
/// for which it was seen at every look, from the second look on.
///
/// Threads: confined.
class LockWatch {
 public:
  explicit LockWatch(std::string path) : path_(std::move(path)) {}  ///< On this database.

  /// As locks().
  [[nodiscard]] std::vector<LockInfo> look();

 private:
  using Clock = std::chrono::steady_clock;

  std::string path_;
  std::map<std::pair<std::int64_t, std::string>, Clock::time_point> first_seen_;
};

/// A call that has a connection at this moment. Threads: immutable.
struct CallInfo {
  std::string kind;  ///< `read` or `write`.
  std::string lane;
  std::int64_t thread = 0;  ///< Kernel thread id.
  std::string thread_name;
  std::chrono::milliseconds since{0};  ///< A write: since its closure began.
  std::string sql;                     ///< Its latest statement, values as `?`; long ones are cut.
};

/// A process that uses this library on a database, as it shows itself. Threads: immutable.
struct ProcessInfo {
  std::int64_t pid = 0;
  std::string program;
  std::chrono::milliseconds open_for{0};  ///< Since it opened the database.
  /// What its writer does: `idle`, `writing`, or what it waits for: `readers` (without a
  /// write-ahead log), `turn` (another process has it), `lock` (a stranger has SQLite's).
  std::string writer;
  std::size_t waiting_writes = 0;
  std::vector<CallInfo> calls;  ///< The oldest first.
  Metrics metrics;              ///< Of up to 48 lanes.
};

/// The processes that have the database at `path` open and show what they do, by process id. Those
/// of other users and of other versions do not; they are found by their locks. Throws as locks(),
/// and is as careful.
[[nodiscard]] std::vector<ProcessInfo> processes(std::string_view path);

/// What collectors are told of all of them, in the format of to_open_metrics(const Metrics&): the
/// same figures with the label `pid`, and the locks.
[[nodiscard]] std::string to_open_metrics(const std::vector<ProcessInfo>& processes,
                                          const std::vector<LockInfo>& locks);

}  // namespace turnstile
