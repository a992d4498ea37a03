// SQLite as a program uses it that has no Turnstile: a connection, and what its failures look like.
#pragma once

#include <sqlite3.h>

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "demo/engine.h"
#include "demo/part.h"

namespace turnstile::cli::demo {

/// Milliseconds, where the whole of it is waited in vain.
inline constexpr int kShortTimeout = 50;

struct PlainOptions {
  int timeout_ms = 5000;  ///< Long enough, as one should think.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
  const char* vfs = nullptr;
  const Engine* engine = &own_engine();
};

/// The name of a result code, without looking at a connection.
[[nodiscard]] std::string name_of(int result);

/// Threads: confined.
class Plain {
 public:
  /// `name`: of a file in the part's directory, or a whole URI or path.
  Plain(Part& part, std::string_view name, const PlainOptions& options = {});
  ~Plain() { close(); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
  [[nodiscard]] const Engine& engine() const noexcept { return *options_.engine; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// What prepares the scene: throws when it fails.
  void must(std::string_view sql);
  [[nodiscard]] std::int64_t number(std::string_view sql);
  [[nodiscard]] std::string text(std::string_view sql);

  /// One operation of the work: counts it, and names the cause when it fails.
  bool work(std::string_view sql);
  /// Runs statements and counts nothing; the result of the last one.
  int run(std::string_view sql);

  // What the connection and the system say, for evidence.
  /// Whether it is open and has a transaction of that kind (SQLITE_TXN_WRITE).
  [[nodiscard]] bool is_in(int transaction) const noexcept;
  /// The path leads to another file than the one that is open, or to none.
  [[nodiscard]] bool has_moved() const noexcept;
  /// The file that is open has fewer pages than its header says.
  [[nodiscard]] bool is_short() const noexcept;
  /// It has a transaction, and the system knows of no lock of this process on the file itself.
  [[nodiscard]] bool has_lost_locks() const;

  /// The state of the connection in front of a call whose result counts.
  [[nodiscard]] FailureEvidence evidence(std::string_view sql);
  /// Counts what a call of SQLite's returned; true when it was no failure.
  bool count(FailureEvidence before, int result, std::chrono::steady_clock::time_point since);
  /// `lost` operations that were reported as done.
  void lost(std::int64_t lost, std::string_view what, std::string_view sql = {},
            std::string_view message = {});

  void close() noexcept;

 private:
  int step_all(sqlite3_stmt* statement, std::string& value) const;

  Part& part_;
  PlainOptions options_;
  std::string path_;
  std::string uri_;
  sqlite3* handle_ = nullptr;
  int open_result_ = SQLITE_OK;
  pid_t opened_by_ = 0;
};

/// A SELECT that has given its first row and is not at its end.
///
/// Threads: confined.
class OpenStatement {
 public:
  OpenStatement(Plain& connection, std::string_view sql);
  ~OpenStatement() { end(); }
  OpenStatement(const OpenStatement&) = delete;
  OpenStatement& operator=(const OpenStatement&) = delete;

  void end() noexcept;

 private:
  const Engine& engine_;
  sqlite3_stmt* statement_ = nullptr;
};

/// A VFS of that name: SQLite's own, but when a busy handler sleeps for the first time, `act` runs
/// in the middle of the wait.
///
/// Threads: confined. One at a time.
class ActingSleep {
 public:
  static constexpr const char* kVfs = "acting";

  explicit ActingSleep(std::function<void()> act);
  ~ActingSleep();
  ActingSleep(const ActingSleep&) = delete;
  ActingSleep& operator=(const ActingSleep&) = delete;

  /// The next wait is to act, too.
  void again() noexcept;

 private:
  std::function<void()> act_;
  sqlite3_vfs vfs_;
};

/// A table `counter(id, value)` of two rows, in a file with a write-ahead log.
void make_counter(Plain& connection, std::string_view journal_mode = "WAL");

// A table of rows that are only counted.
inline constexpr std::string_view kItemTable = "CREATE TABLE item(id INTEGER PRIMARY KEY)";
inline constexpr std::string_view kAddItem = "INSERT INTO item DEFAULT VALUES";
inline constexpr std::string_view kCountRows = "SELECT count(*) FROM item";

inline constexpr std::string_view kAddOne = "UPDATE counter SET value = value + 1 WHERE id = 1";
inline constexpr std::string_view kReadValue = "SELECT value FROM counter WHERE id = 1";

/// A process of another program with the file open, that does as it is told: the helper `shell`.
///
/// Threads: confined.
class Shell {
 public:
  /// What it does besides: see run_shell().
  explicit Shell(Part& part, std::string_view habit = "none");

  [[nodiscard]] pid_t pid() const noexcept { return helper_.pid(); }
  /// Throws when it fails.
  void must(std::string_view sql);
  /// The result's name, `SQLITE_OK` when it went well.
  std::string run(std::string_view sql);
  /// Runs it a third of a second from now.
  void later(std::string_view sql);
  /// Runs it, which its habit stops in the middle; returns then.
  void run_into_pause(std::string_view sql);
  /// Goes on from there: at once, or a third of a second from now.
  void go_on(bool at_once);
  void stop() { helper_.stop(); }
  void kill() { helper_.kill(); }

 private:
  Helper helper_;
};

/// That process. Habits: `pause-at-delete` stops in front of the deletion of a -wal or -journal,
/// `pause-at-recovery` while it recovers a log, `lock-index` holds the write lock of a log whose
/// index is not usable.
void run_shell(Part& part);

}  // namespace turnstile::cli::demo
