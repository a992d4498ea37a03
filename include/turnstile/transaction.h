// What a closure receives: a transaction. Everything goes through it, and nothing of it outlives
// the closure.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "turnstile/detail/function_ref.h"
#include "turnstile/schema.h"
#include "turnstile/statement.h"

struct sqlite3;

namespace turnstile {

namespace detail {
class Core;
class Session;
class WriteSession;
}  // namespace detail

/// A read transaction: one snapshot of the database from its first row to its last. It has no
/// member that writes, and a statement that would write is refused.
///
/// Threads: scoped.
class ReadTx {
 public:
  explicit ReadTx(detail::Session& session) noexcept : session_(session) {}
  ReadTx(const ReadTx&) = delete;
  ReadTx& operator=(const ReadTx&) = delete;

  /// Runs a query; `T...` are its columns' types. Text and blobs in `args` are copied.
  /// Throws Error (SQL_ERROR) with the position for SQL that does not parse, MisuseError, Timeout,
  /// StorageError.
  template <class... T, class... Args>
  [[nodiscard]] Rows<T...> query(std::string_view sql, const Args&... args) {
    return prepare(sql).template query<T...>(args...);
  }

  /// A statement to run several times.
  [[nodiscard]] Statement prepare(std::string_view sql);

  /// The lane through which the closure came in.
  [[nodiscard]] std::string_view lane() const noexcept;

 private:
  friend class WriteTx;
  friend class detail::Core;
  friend sqlite3* native_handle(ReadTx& tx);
  friend std::vector<SchemaDifference> compare_schema(ReadTx& tx, std::string_view sql,
                                                      ExtraObjects extra);

  detail::Session& session_;
};

class Savepoint;

/// A write transaction. It holds SQLite's write lock from the start (BEGIN IMMEDIATE), so that
/// what it reads cannot change before it writes. It commits when the closure returns and is rolled
/// back when the closure throws. What the closure does outside the database cannot be undone and
/// belongs into after_commit(). Temporary tables, views and triggers are its own: they are dropped
/// when the closure ends, and at a yield_point() that lets others go.
///
/// Threads: scoped.
class WriteTx final : public ReadTx {
 public:
  explicit WriteTx(detail::WriteSession& session) noexcept;

  /// Runs one statement to its end. Text and blobs are not copied. Throws ConstraintError,
  /// StorageError, MisuseError, Error; the transaction goes on unless the closure lets the
  /// exception through.
  template <class... Args>
  ExecuteResult execute(std::string_view sql, const Args&... args) {
    return prepare(sql).execute(args...);
  }

  /// Runs any number of statements without parameters.
  void execute_script(std::string_view sql);

  template <class... T, class... Args>
  [[nodiscard]] Rows<T...> query(std::string_view sql, const Args&... args) {
    return prepare(sql).template query<T...>(args...);
  }

  [[nodiscard]] Statement prepare(std::string_view sql);  ///< From the cache, if it is there.

  /// Starts a part that can be undone on its own. Savepoints nest and end in reverse order.
  [[nodiscard]] Savepoint savepoint();

  /// For long work, between two parts of it: when somebody waits and the lane's budget is used up,
  /// commits what was done so far, lets the others go first and begins a new transaction. True when
  /// it did: what came before stays, whatever becomes of the rest, and statements have to be
  /// prepared again. In a lane that shares transactions it does nothing. Throws MisuseError
  /// (YIELD_IN_SAVEPOINT), what COMMIT throws, and Timeout and StorageError for the new
  /// transaction.
  bool yield_point();

  /// Makes the write idempotent: records `key` in this transaction, and is true the first time.
  /// When it is false, a write with this key was committed before; the closure returns then without
  /// doing anything. Keys are 1 to 255 bytes of UTF-8, shared by all lanes and kept for good, in
  /// the table `turnstile_once`. Database::outcome_of() tells later whether a key is there.
  [[nodiscard]] bool once(std::string_view key);

  /// Runs `action` once, after COMMIT, on the thread of write() or, for a submitted closure, on one
  /// of the library's, when other writers may go on already; never after a rollback. What it throws
  /// does not undo the commit: write() throws it on with commit_state() Committed.
  void after_commit(std::function<void()> action);

 private:
  detail::WriteSession& write_session() noexcept;
};

/// A part of a write transaction, undone unless release() is called before it is destroyed.
///
/// Threads: scoped.
class Savepoint {
 public:
  explicit Savepoint(detail::WriteSession& session);
  Savepoint(Savepoint&& other) noexcept;
  Savepoint& operator=(Savepoint&&) = delete;
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  ~Savepoint();

  /// Keeps the part's changes (until the transaction's own end decides).
  void release();
  /// Undoes the part's changes.
  void rollback();

 private:
  void finish(bool undo);

  detail::WriteSession* session_;
  int number_ = 0;
};

}  // namespace turnstile
