// The one place where result codes become exceptions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "turnstile/error.h"

struct sqlite3;

namespace turnstile::sqlite {

class Connection;

/// What SQLite cannot know of a failure. Threads: immutable.
struct FailureContext {
  /// Where in the text the statement begins that was given to SQLite.
  std::size_t statement_start = 0;
  /// Unknown for a COMMIT that gave no answer.
  CommitState commit_state = CommitState::NotCommitted;
};

/// What is known after COMMIT returned `result`, a failure: after an I/O error nobody knows whether
/// the log's last frame got to the medium.
[[nodiscard]] CommitState commit_state_after(int result) noexcept;

/// Throws what `result` means to the caller, with the connection's call and SQLite's own message.
/// BUSY and PROTOCOL become Timeout with the holder; LOCKED, which without shared cache is always
/// about the connection's own statements, becomes MisuseError; FULL, IOERR, CORRUPT, NOTADB,
/// CANTOPEN, READONLY and PERM become StorageError; CONSTRAINT becomes ConstraintError; INTERRUPT
/// becomes Cancelled; AUTH becomes MisuseError with the authorizer's reason; a statement that does
/// not parse gets its position. Must be called before the next call on the connection.
[[noreturn]] void raise(const Connection& connection, int result, std::string_view sql = {},
                        const FailureContext& context = {});

/// Throws the ConstraintError that COMMIT would be refused with.
[[noreturn]] void raise_unresolved_foreign_key(const Connection& connection);

/// The same for SQLITE_BUSY and for deadlines that pass outside SQLite. `timeout_code` is
/// WRITE_TIMEOUT, READ_TIMEOUT or OPEN_TIMEOUT.
[[noreturn]] void raise_timeout(const Call& call, std::string_view timeout_code, Holder holder,
                                int sqlite_code = 0);

/// Throws Cancelled for a call that waited while the database was closed.
[[noreturn]] void raise_closed(const Call& call);
/// Throws Cancelled for a call that its own stop token ended while it waited.
[[noreturn]] void raise_stopped(const Call& call);

/// Throws the StorageError for `system_code`, an errno: `what` is the clause before the system's
/// own text, such as `cannot open /x/app.db-gate`.
[[noreturn]] void raise_system(std::string_view code, std::string_view what, int system_code,
                               const Call& call = {});

/// Throws MisuseError.
[[noreturn]] void raise_misuse(std::string_view code, std::string message, const Call& call = {},
                               std::string hint = {});

/// Throws MisuseError (USED_AFTER_FORK).
[[noreturn]] void raise_used_after_fork(const Call& call = {});

/// MisuseError about a statement; `sql_offset` is the byte of `sql` that is to blame.
[[noreturn]] void raise_statement_misuse(const Connection& connection, std::string_view code,
                                         std::string message, std::string_view sql,
                                         std::string hint = {},
                                         std::optional<std::size_t> sql_offset = std::nullopt);

/// ` at line 1, column 10`: where byte `offset` of `sql` is. Columns count characters.
[[nodiscard]] std::string position_in(std::string_view sql, std::size_t offset);

}  // namespace turnstile::sqlite
