#include "sqlite/raise.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"

namespace turnstile::sqlite {

namespace {

constexpr int primary(int result) noexcept {
  return result & 0xff;
}

Error::Details details_of(const Call& call, std::string_view code, std::string message) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.lane = call.lane;
  details.where = call.where;
  return details;
}

/// `: Permission denied (13)`, or nothing without an errno.
std::string system_text(int system_code) {
  if (system_code == 0) return {};
  return ": " + std::system_category().message(system_code) + " (" + std::to_string(system_code) +
         ")";
}

/// What SQLite said last, and who said it; taken before anything else is asked of the connection.
class Failure {
 public:
  Failure(const Connection& connection, int result, std::string_view sql,
          const FailureContext& context)
      : connection_(connection),
        result_(result),
        message_(sqlite3_errmsg(connection.handle())),
        sql_(sql),
        context_(context) {
    const int kind = primary(result);
    if (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)
      system_code_ = sqlite3_system_errno(connection.handle());
    const int offset = sqlite3_error_offset(connection.handle());
    if (offset >= 0 && !sql.empty())
      offset_ = context.statement_start + static_cast<std::size_t>(offset);
  }

  [[noreturn]] void raise() const;

 private:
  [[nodiscard]] Error::Details details(std::string_view code, std::string message) const {
    Error::Details details = details_of(connection_.call(), code, std::move(message));
    details.sqlite_code = result_;
    details.system_code = system_code_;
    details.sql = sql_;
    details.commit_state = context_.commit_state;
    return details;
  }
  [[nodiscard]] std::string file() const {
    const Connection::Config& config = connection_.config();
    if (config.path.empty()) return "the database";
    if (!config.uri || !config.path.starts_with("file:")) return config.path;
    return config.path.substr(5, config.path.find('?') - 5);
  }
  [[nodiscard]] bool someone_writes() const noexcept;

  [[noreturn]] void raise_storage(std::string_view code, const std::string& clause) const {
    throw StorageError(details(code, clause + system_text(system_code_)));
  }
  [[noreturn]] void raise_busy() const;
  [[noreturn]] void raise_open_statement() const;
  [[noreturn]] void raise_cannot_open() const;
  [[noreturn]] void raise_read_only() const;
  [[noreturn]] void raise_no_space() const;
  [[noreturn]] void raise_refused() const;
  [[noreturn]] void raise_not_understood() const;

  const Connection& connection_;
  int result_;
  std::string message_;
  std::string_view sql_;
  FailureContext context_;
  int system_code_ = 0;
  std::optional<std::size_t> offset_;
};

void Failure::raise() const {
  switch (primary(result_)) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
      raise_busy();
    case SQLITE_LOCKED:
      raise_open_statement();
    case SQLITE_INTERRUPT: {
      Error::Details interrupted =
          connection_.why_interrupted() == Interrupt::LogLimit
              ? details(code("READ_INTERRUPTED"),
                        "the read was interrupted, because it kept the write-ahead log, which has "
                        "reached its limit, from being started over")
              : details(code("INTERRUPTED"), "the running SQL was interrupted");
      interrupted.retry_is_safe = context_.commit_state == CommitState::NotCommitted;
      throw Cancelled(std::move(interrupted));
    }
    case SQLITE_CONSTRAINT:
      throw ConstraintError(details(code("CONSTRAINT"), message_));
    case SQLITE_CANTOPEN:
      raise_cannot_open();
    case SQLITE_PERM:
      raise_storage(code("DB_PERMISSION"), "the access to " + file() + " is not permitted");
    case SQLITE_READONLY:
      raise_read_only();
    case SQLITE_NOTADB:
      raise_storage(code("DB_NOT_A_DATABASE"),
                    file() + " is not a SQLite database, or it is encrypted");
    case SQLITE_CORRUPT:
      raise_storage(code("DB_CORRUPT"), file() + " is damaged: " + message_);
    case SQLITE_FULL:
      raise_no_space();
    case SQLITE_IOERR:
      if (system_code_ == ENOSPC || system_code_ == EDQUOT) raise_no_space();
      raise_storage(code("DB_IO"), "the system could not read or write " + file() +
                                       " or a file beside it (" + message_ + ")");
    case SQLITE_TOOBIG:
      throw MisuseError(details(code("VALUE_TOO_BIG"), message_));
    case SQLITE_AUTH:
      raise_refused();
    case SQLITE_ABORT:
      throw Error(details(code("TRANSACTION_LOST"),
                          "the transaction was rolled back while the statement was running"));
    case SQLITE_ERROR:
      // A function that the authorizer refuses is reported as an unknown one would be.
      if (!connection_.refusal().empty() && message_.starts_with("not authorized")) raise_refused();
      raise_not_understood();
    case SQLITE_MISMATCH:
      raise_not_understood();
    default:
      throw Error(details(code("ENGINE_ERROR"), "SQLite refused the operation: " + message_));
  }
}

/// Whether a statement of this connection has begun to write and has not ended; COMMIT is then
/// refused with SQLITE_BUSY, although nobody else is in the way.
bool Failure::someone_writes() const noexcept {
  sqlite3* const handle = connection_.handle();
  if (sqlite3_txn_state(handle, nullptr) != SQLITE_TXN_WRITE) return false;
  sqlite3_stmt* statement = nullptr;
  while ((statement = sqlite3_next_stmt(handle, statement)) != nullptr)
    if (sqlite3_stmt_busy(statement) != 0 && sqlite3_stmt_readonly(statement) == 0) return true;
  return false;
}

void Failure::raise_busy() const {
  if (connection_.interrupted()) {
    Error::Details details = this->details(
        code("INTERRUPTED"), "the call was interrupted while it waited for SQLite's lock");
    details.retry_is_safe = context_.commit_state == CommitState::NotCommitted;
    throw Cancelled(std::move(details));
  }
  if (someone_writes()) raise_open_statement();
  raise_timeout(connection_.call(), connection_.call().timeout_code, connection_.find_holder(),
                result_);
}

void Failure::raise_open_statement() const {
  throw MisuseError(details(code("STATEMENT_OPEN"),
                            "another statement of this transaction has not ended, and this one "
                            "cannot run beside it"));
}

void Failure::raise_cannot_open() const {
  const std::string clause = "cannot open " + file() + " or a file beside it";
  switch (system_code_) {
    case EACCES:
    case EPERM:
    case EROFS:
      raise_storage(code("DB_PERMISSION"), clause);
    case EISDIR:
      raise_storage(code("DB_IS_DIRECTORY"), clause);
    case ENOENT:
    case ENOTDIR:
      raise_storage(connection_.config().create ? code("DB_NO_DIRECTORY") : code("DB_NOT_FOUND"),
                    clause);
    case ENOSPC:
    case EDQUOT:
      raise_no_space();
    default:
      raise_storage(code("DB_OPEN_FAILED"), clause);
  }
}

void Failure::raise_read_only() const {
  if (result_ == SQLITE_READONLY_DBMOVED) {
    raise_storage(code("DB_FILE_REPLACED"),
                  file() +
                      " was deleted, or replaced by another file, while it was open; what was "
                      "written now would be lost with the former file");
  }
  if (connection_.config().read_only && result_ == SQLITE_READONLY)
    raise_storage(code("DB_READ_ONLY"), file() + " was opened read-only");
  if (result_ == SQLITE_READONLY_ROLLBACK || result_ == SQLITE_READONLY_RECOVERY) {
    raise_storage(code("DB_READ_ONLY"), file() +
                                            " was left in the middle of a transaction, which "
                                            "a read-only open cannot undo");
  }
  // SQLite opens a file that it may not write for reading only, and says so at the first write.
  if (result_ != SQLITE_READONLY || sqlite3_db_readonly(connection_.handle(), "main") == 1) {
    raise_storage(code("DB_PERMISSION"),
                  "the permissions of " + file() + " or of its directory do not allow to write");
  }
  throw MisuseError(details(code("READ_ONLY_TRANSACTION"),
                            "a statement that writes was run in a read transaction"));
}

void Failure::raise_no_space() const {
  Error::Details details = this->details(
      code("DB_DISK_FULL"), "there is no space left for " + file() + " or its write-ahead log" +
                                system_text(system_code_));
  details.retry_is_safe = context_.commit_state == CommitState::NotCommitted;
  throw StorageError(std::move(details));
}

void Failure::raise_refused() const {
  const std::string& reason = connection_.refusal();
  throw MisuseError(details(code("SQL_NOT_ALLOWED"),
                            "the statement is refused: " + (reason.empty() ? message_ : reason)));
}

void Failure::raise_not_understood() const {
  Error::Details details = this->details(code("SQL_ERROR"), message_);
  if (offset_) {
    details.sql_offset = offset_;
    details.message += position_in(sql_, *offset_);
  }
  throw Error(std::move(details));
}

std::string_view waited_for(std::string_view timeout_code, int sqlite_code) noexcept {
  if (primary(sqlite_code) == SQLITE_PROTOCOL) {
    return "a process that stands still in the middle of its work kept the write-ahead log's index "
           "locked for ";
  }
  if (timeout_code == code("CLOSE_TIMEOUT")) return "a closure did not end for ";
  if (timeout_code == code("OPEN_TIMEOUT")) return "others kept the file busy for ";
  if (sqlite_code != 0) return "SQLite's lock on the file was not to be had for ";
  if (timeout_code == code("WRITE_TIMEOUT")) return "it was not this call's turn to write for ";
  return "no reader came free for ";
}

}  // namespace

CommitState commit_state_after(int result) noexcept {
  return (result & 0xff) == SQLITE_IOERR ? CommitState::Unknown : CommitState::NotCommitted;
}

void raise(const Connection& connection, int result, std::string_view sql,
           const FailureContext& context) {
  connection.require_own_process();
  Failure(connection, result, sql, context).raise();
}

void raise_timeout(const Call& call, std::string_view timeout_code, Holder holder,
                   int sqlite_code) {
  const std::chrono::milliseconds waited = call.waited();
  Error::Details details =
      details_of(call, timeout_code,
                 std::string(waited_for(timeout_code, sqlite_code)) +
                     std::to_string(waited.count()) + " ms; " + holder.describe());
  details.sqlite_code = sqlite_code;
  details.retry_is_safe = true;
  throw Timeout(std::move(details), std::move(holder), waited);
}

void raise_system(std::string_view code, std::string_view what, int system_code, const Call& call) {
  Error::Details details = details_of(call, code, std::string(what) + system_text(system_code));
  details.system_code = system_code;
  throw StorageError(std::move(details));
}

void raise_misuse(std::string_view code, std::string message, const Call& call, std::string hint) {
  Error::Details details = details_of(call, code, std::move(message));
  details.hint = std::move(hint);
  throw MisuseError(std::move(details));
}

void raise_used_after_fork(const Call& call) {
  raise_misuse(code("USED_AFTER_FORK"),
               "this process is a child of the one that opened the database, and fork() has copied "
               "its connections but neither their locks nor their threads",
               call);
}

void raise_statement_misuse(const Connection& connection, std::string_view code,
                            std::string message, std::string_view sql, std::string hint,
                            std::optional<std::size_t> sql_offset) {
  Error::Details details = details_of(connection.call(), code, std::move(message));
  details.sql = sql;
  details.hint = std::move(hint);
  details.sql_offset = sql_offset;
  throw MisuseError(std::move(details));
}

std::string position_in(std::string_view sql, std::size_t offset) {
  const std::string_view before = sql.substr(0, std::min(offset, sql.size()));
  const auto line = std::ranges::count(before, '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
  const auto column = std::ranges::count_if(before.substr(line_start), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;  // Not the middle of a character.
  });
  return " at line " + std::to_string(line) + ", column " + std::to_string(column + 1);
}

void raise_unresolved_foreign_key(const Connection& connection) {
  Error::Details details =
      details_of(connection.call(), code("CONSTRAINT"),
                 "FOREIGN KEY constraint failed: at its end the transaction refers to a row that "
                 "is not there");
  details.sqlite_code = SQLITE_CONSTRAINT_FOREIGNKEY;
  throw ConstraintError(std::move(details));
}

void raise_closed(const Call& call) {
  throw Cancelled(
      details_of(call, code("CANCELLED"), "the database was closed while this call waited"));
}

void raise_stopped(const Call& call) {
  Error::Details details =
      details_of(call, code("CANCELLED"), "the caller asked to stop while the call waited");
  details.retry_is_safe = true;
  throw Cancelled(std::move(details));
}

}  // namespace turnstile::sqlite
