// The one family of exceptions that the public interface throws.
//
// Handlers rarely differ by the kind of failure but by what can be done about it, so the answers to
// that (is a retry safe, was it committed, who is in the way) are properties of the base class, and
// a derived type exists only where a program would write a different handler. There is no "busy"
// or "locked" type on purpose: such a result never reaches the caller. What can reach it is a
// Timeout after the caller's own deadline, and that names who was in the way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

namespace turnstile {

/// Whether the work of a failed call is in the file.
enum class CommitState {
  NotCommitted,  ///< Nothing of it is in the file, now or later.
  Committed,     ///< It is in the file; what failed came afterwards.
  Unknown,       ///< COMMIT gave no answer (an I/O error): look before doing it again.
};

[[nodiscard]] std::string_view to_string(CommitState state) noexcept;  ///< In lower case.

/// Who held what a caller waited for. Fields that could not be found out are empty or zero.
///
/// Threads: immutable.
struct Holder {
  enum class Kind {  ///< Who that is.
    Unknown,         ///< Nobody could be found (it may have let go in the meantime).
    Thread,          ///< A thread of this process.
    Process,         ///< Another process, of this library or not.
  };

  Kind kind = Kind::Unknown;
  std::string lock{};          ///< What is held: `writer turn`, `gate`, `WAL write lock`, ...
  std::string lane{};          ///< The lane, when the holder uses this library.
  std::string thread{};        ///< The thread's name, when the holder uses this library.
  std::int64_t thread_id = 0;  ///< The kernel's thread id, as `top -H` shows it.
  std::int64_t pid = 0;        ///< The process id, in this process's pid namespace.
  std::string program{};       ///< The process's program name.
  std::chrono::system_clock::time_point since{};  ///< Start of possession; epoch when unknown.
  std::string where{};  ///< `file:line` of the call that holds it, for threads of this process.

  /// One clause for a message, such as `process 4711 (sqlite3) holds the WAL write lock`.
  [[nodiscard]] std::string describe() const;
};

/// The root of all exceptions of this library. Copying is cheap and does not throw.
///
/// Threads: immutable.
class Error : public std::exception {
 public:
  /// What an error consists of. Only `code` and `message` are always there.
  struct Details {
    std::string_view code{};  ///< One of error_codes(); must have static storage.
    std::string message{};    ///< One sentence without a full stop: what happened and why.
    std::string hint{};       ///< One sentence: what to do. Empty: the hint of the code.
    int sqlite_code = 0;      ///< SQLite's extended result code; 0 when SQLite was not asked.
    int system_code = 0;      ///< errno of the system call that failed; 0 when there was none.
    std::string sql{};        ///< The statement's text, without the values bound to it.
    std::optional<std::size_t> sql_offset{};  ///< Byte in `sql` at which the parser stopped.
    std::string lane{};                       ///< The lane whose call failed.
    std::source_location where = std::source_location::current();  ///< The caller's place.
    CommitState commit_state = CommitState::NotCommitted;
    bool retry_is_safe = false;
  };

  explicit Error(Details details);  ///< Keeps them all.
  // Moving would leave an object behind that what() could not answer for, so a move is a copy.
  Error(const Error&) noexcept = default;
  Error& operator=(const Error&) noexcept = default;
  ~Error() override = default;

  /// The message, with the code in front: `DB_NOT_FOUND: there is no file ...`.
  [[nodiscard]] const char* what() const noexcept override;

  /// A stable, upper-case name for programs, listed by error_codes().
  [[nodiscard]] std::string_view code() const noexcept;
  [[nodiscard]] std::string_view message() const noexcept;  ///< What happened, and why.
  [[nodiscard]] std::string_view hint() const noexcept;     ///< What to do.
  /// SQLite's extended result code (https://sqlite.org/rescode.html), 0 when there is none.
  [[nodiscard]] int sqlite_code() const noexcept;
  [[nodiscard]] int system_code() const noexcept;                        ///< errno, or 0.
  [[nodiscard]] std::string_view sql() const noexcept;                   ///< Without bound values.
  [[nodiscard]] std::optional<std::size_t> sql_offset() const noexcept;  ///< Where parsing stopped.
  [[nodiscard]] std::string_view lane() const noexcept;                  ///< Whose call failed.
  /// The call of this library that failed, in the caller's code.
  [[nodiscard]] const std::source_location& where() const noexcept;
  [[nodiscard]] CommitState commit_state() const noexcept;  ///< Of the call's work.
  /// True when the same call may be made again without doing anything twice.
  [[nodiscard]] bool retry_is_safe() const noexcept;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// The caller's deadline passed before it was its turn. Nothing was done; a retry is safe.
///
/// Threads: immutable.
class Timeout : public Error {
 public:
  Timeout(Details details, Holder holder, std::chrono::milliseconds waited);  ///< After `waited`.
  Timeout(const Timeout&) noexcept = default;
  Timeout& operator=(const Timeout&) noexcept = default;
  ~Timeout() override = default;

  /// Who was in the way when the deadline passed.
  [[nodiscard]] const Holder& holder() const noexcept;
  [[nodiscard]] std::chrono::milliseconds waited() const noexcept;  ///< How long that was.

 private:
  std::shared_ptr<const Holder> holder_;
  std::chrono::milliseconds waited_;
};

/// A bounded queue had no room; nothing was queued. Threads: immutable.
class QueueFull : public Error {
 public:
  using Error::Error;
};

/// The call was given up before it ran, by its caller or by Database::close(). Threads: immutable.
class Cancelled : public Error {
 public:
  using Error::Error;
};

/// A constraint of the schema refused the change (unique, foreign key, check, not null, type).
/// Threads: immutable.
class ConstraintError : public Error {
 public:
  using Error::Error;
};

/// The calling code is wrong: a write inside a write, a wrong number of parameters, a closed
/// database. Repeating the call cannot help. Threads: immutable.
class MisuseError : public Error {
 public:
  using Error::Error;
};

/// The file or the system under it: full, unreadable, not permitted, damaged, not a database.
/// Threads: immutable.
class StorageError : public Error {
 public:
  using Error::Error;
};

/// The schema cannot be brought to what the program needs. Threads: immutable.
class MigrationError : public Error {
 public:
  using Error::Error;
};

/// A profile cannot be unlocked, or not be what was asked of it: a wrong password, a damaged vault,
/// somebody else who has it. Threads: immutable.
class VaultError : public Error {
 public:
  using Error::Error;
};

/// One row of the table of codes, from which docs/reference/errors.md is checked.
///
/// Threads: immutable.
struct ErrorCodeInfo {
  std::string_view code;
  std::string_view meaning;  ///< One sentence.
  std::string_view hint;     ///< What to do when the error itself knows nothing better.
};

/// Every code that Error::code() can return, in alphabetical order.
[[nodiscard]] std::span<const ErrorCodeInfo> error_codes() noexcept;

}  // namespace turnstile
