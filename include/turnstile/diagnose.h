// Looking at a database from outside, without opening it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile {

/// A lock on a database, held or waited for by a process of this machine.
///
/// Threads: immutable.
struct LockInfo {
  std::string lock;  ///< `writer turn`, `WAL write lock`, `WAL read mark`, `checkpoint lock`, ...
  std::string kind;  ///< `read` or `write`.
  std::int64_t pid = 0;
  std::string program;
  std::int64_t thread = 0;  ///< Kernel thread id; 0 when unknown, as for a foreign program.
  std::string lane;         ///< Empty for a foreign program.
  std::optional<std::chrono::milliseconds> since;  ///< How long it has been held, when known.
  std::string sql;                                 ///< Empty: not known from outside.
  std::vector<std::int64_t> waiters;               ///< Processes that wait for it, in their order.
};

/// Every lock that processes hold on the database at `path`, from the gate file and from
/// /proc/locks. Neither opens nor reads the database's own files, so it cannot disturb them.
/// Throws StorageError (DB_NOT_FOUND) when there is no such file.
[[nodiscard]] std::vector<LockInfo> locks(std::string_view path);

}  // namespace turnstile
