// Why SQLite fails: the causes of lock failures and of lost data, their signs and their cures.
//
// A result code says what SQLite could not do, not why: SQLITE_BUSY alone has more than twenty
// causes here, and waiting longer cures half of them only. This is the one table of them, from
// which docs/reference/causes.md, `turnstile explain` and `turnstile demo` are made.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/diagnose.h"
#include "turnstile/error.h"

namespace turnstile {

/// Why a call fails or data is lost, for any program that uses SQLite.
///
/// Threads: immutable.
struct Cause {
  std::string_view id;            ///< Stable, such as `upgrade-after-read`.
  std::string_view title;         ///< A clause.
  std::string_view sqlite_codes;  ///< Names with blanks between them; empty: it fails in silence.
  std::string_view error_codes;   ///< Of Error::code(), with blanks; empty: Turnstile rules it out.
  std::string_view meaning;       ///< What happens and why. Sentences, like all that follow.
  std::string_view signs;         ///< How to find out that it is this cause and no other.
  std::string_view cure;          ///< In SQLite in general.
  std::string_view turnstile;     ///< What becomes of it with Turnstile.
  std::string_view not_shown;     ///< Why no demonstration can force it; empty: there is one.
};

/// All of them, by subject. Threads: shared.
[[nodiscard]] std::span<const Cause> causes();

/// Null when there is none of that id. Threads: shared.
[[nodiscard]] const Cause* find_cause(std::string_view id);

/// A result code of SQLite. Threads: immutable.
struct ResultCode {
  int number = 0;
  std::string_view name;     ///< `SQLITE_BUSY_SNAPSHOT`.
  std::string_view message;  ///< What sqlite3_errstr() says, and so most drivers.
  std::string_view meaning;  ///< A sentence.
};

/// By number. Threads: shared.
[[nodiscard]] std::span<const ResultCode> result_codes() noexcept;

/// What explain() found in a text. Threads: immutable.
struct Explanation {
  const ResultCode* result = nullptr;    ///< Null when the text names none.
  const ErrorCodeInfo* error = nullptr;  ///< A code of Turnstile's; null when there is none.
  std::vector<const Cause*> causes;      ///< What may be behind it, the likelier ones first.
  std::size_t likelier = 0;  ///< How many of them the rest of the words speaks of, such as the
                             ///< statement that failed; 0 when it tells none from the others.
};

/// Finds out what `words` speak of: a result code by name or number (`BUSY`, `517`), a code of
/// Turnstile's, the id of a cause, a message of SQLite's (`database table is locked`), or a line of
/// a log with one of these in it. A statement in the same words tells which causes are likelier.
/// Nothing when there is none of these. Threads: shared.
[[nodiscard]] std::optional<Explanation> explain(std::string_view words);

/// What can be seen of a database and its directory without opening the database or its -shm,
/// which would drop the locks of this process.
///
/// Threads: immutable.
struct FileFacts {
  bool directory_exists = false;
  bool directory_writable = false;  ///< By this process's user.
  bool exists = false;
  bool writable = false;
  bool has_log = false;      ///< A `-wal` that is not empty.
  bool has_index = false;    ///< A `-shm`.
  bool has_journal = false;  ///< A `-journal` with a transaction in it.
  std::int64_t links = 0;    ///< Names of the file; more than one is dangerous.
  std::int64_t free_bytes = 0;
  std::string network_file_system;  ///< `nfs`, `smb`, ...; empty for a local one.
};

/// Threads: shared. Throws nothing but std::bad_alloc: what cannot be found out is left out.
[[nodiscard]] FileFacts file_facts(std::string_view path);

/// What is known of a failure of SQLite's, by the program that met it. All but the code or the
/// message may be left out; the more there is, the surer the answer. Threads: immutable.
struct FailureEvidence {
  int sqlite_code = 0;          ///< The extended code; 0 when data is missing without a failure.
  std::string message{};        ///< sqlite3_errmsg().
  std::string sql{};            ///< The statement that failed.
  std::string uri{};            ///< What the database was opened by, when that was a URI.
  std::string journal_mode{};   ///< `wal`, `delete`, ...
  bool in_transaction = false;  ///< A transaction was open before the statement.
  bool has_snapshot = false;    ///< It had read and not written (SQLITE_TXN_READ).
  bool has_open_statement = false;   ///< Another statement of the connection had not ended.
  bool commit_failed = false;        ///< A COMMIT of this process failed before, and is still open.
  bool joined_transaction = false;   ///< It was open, but not begun by whoever ran the statement.
  bool transaction_ended = false;    ///< A statement that failed had ended it before.
  bool exclusive_mode = false;       ///< The connection has PRAGMA locking_mode EXCLUSIVE.
  bool handler_replaced = false;     ///< The connection's busy handler was exchanged by another.
  bool interrupted = false;          ///< sqlite3_interrupt() was called while it waited.
  bool thread_has_writer = false;    ///< The same thread has another connection that writes.
  bool thread_has_reader = false;    ///< The same thread has another connection that reads.
  bool unfinished_writer = false;    ///< A connection of this process writes outside a transaction,
                                     ///< in a statement that was not run to its end.
  bool is_forked = false;            ///< The connection was opened before a fork().
  bool file_replaced = false;        ///< The path leads to another file than the connection has.
  bool copied = false;               ///< The file was copied or put in place by other than SQLite.
  bool descriptor_closed = false;    ///< The process opened and closed the file by itself.
  bool file_is_short = false;        ///< The file has fewer pages than its header says.
  int attached_databases = 0;        ///< Besides main and temp.
  int engines = 1;                   ///< Copies of SQLite in the process.
  std::optional<int> own_writers{};  ///< Connections of this process that have a write transaction.
  std::optional<std::chrono::milliseconds> busy_timeout{};
  std::chrono::milliseconds waited{0};
  std::int64_t pid = 0;           ///< The process that met it, to tell its locks from others'.
  std::vector<LockInfo> locks{};  ///< At the moment of the failure, from turnstile::locks().
  FileFacts file{};               ///< From file_facts().
  bool has_file = false;          ///< Whether `file` was filled in.
};

/// The cause of one failure. Threads: immutable.
struct Diagnosis {
  const Cause* cause = nullptr;  ///< Never null.
  std::string evidence;          ///< A sentence: what speaks for it, and who holds what.
};

/// Names the cause, or nothing where the evidence fits none. Threads: shared.
[[nodiscard]] std::optional<Diagnosis> diagnose_failure(const FailureEvidence& evidence);

/// The same for what this library threw; a Timeout tells who was in the way. Threads: shared.
[[nodiscard]] std::optional<Diagnosis> diagnose_failure(const Error& error);

}  // namespace turnstile
