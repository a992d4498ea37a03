// One connection to SQLite, used by one thread at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/authorizer.h"
#include "sqlite/call.h"
#include "sqlite/fork_guard.h"
#include "sqlite/protection.h"
#include "sqlite/shown_sql.h"
#include "sqlite/statement_cache.h"
#include "sqlite/touched.h"
#include "turnstile/error.h"
#include "turnstile/sql_definitions.h"
#include "turnstile/statement.h"

struct sqlite3;
struct sqlite3_stmt;

namespace turnstile::sqlite {

/// A checkpoint's outcome (https://sqlite.org/c3ref/wal_checkpoint_v2.html).
struct CheckpointResult {
  bool busy = false;       ///< Somebody else checkpoints, or a reader or writer was in the way.
  int log_frames = -1;     ///< Frames in the log; -1: it did nothing, whatever it returned.
  int copied_frames = -1;  ///< Of these, now in the file.
  int code = 0;            ///< SQLite's result code.
};
/// Restart also sees to it that the next write starts the log over. None waits for anybody.
enum class CheckpointMode { Passive, Restart, Truncate };

/// Why a connection's SQL is stopped.
enum class Interrupt : std::uint8_t {
  None,
  Asked,     ///< By the user, or by close().
  LogLimit,  ///< It reads, and the write-ahead log has reached its limit.
};

/// RAII over sqlite3*. Opened with NOMUTEX and extended result codes; never in shared cache.
/// It waits for SQLite's locks itself, until the deadline of the current call: SQLite's own busy
/// timeout cannot be cancelled and would not know the time the call has waited already.
///
/// SQL comes in two kinds. The library's own is run by execute() and the verbs below; application
/// SQL comes through prepare() and is watched by the authorizer.
///
/// In a child of fork() it refuses to work (USED_AFTER_FORK; SQLITE_MISUSE where a result code is
/// returned) and ends nothing: what the child closes or rolls back is the parent's.
///
/// Threads: confined; interrupt() is shared.
class Connection {
 public:
  struct Config {
    std::string path{};  ///< A path or a `file:` URI.
    bool create = false;
    bool read_only = false;
    bool uri = false;
    std::string vfs{};
    std::size_t statement_cache_size = 128;
    /// Asked when a lock held by somebody else outlasts the deadline. May be empty.
    std::function<Holder(bool writes)> find_holder{};
    /// Null for a plain database.
    std::shared_ptr<Protection> protection{};
    /// Null: none. What another connection must have to read the same file.
    std::shared_ptr<const SqlDefinitions> definitions{};
  };

  /// Opens with the busy handler in place before the first statement. `call` is the current call
  /// until the next set_call(). Throws StorageError, Error (EXTENSION_FAILED).
  Connection(Config config, const Call& call);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }
  [[nodiscard]] const Config& config() const noexcept { return config_; }

  /// The call that errors and waits refer to from now on. It must outlive its use. With null,
  /// nothing is waited for.
  void set_call(const Call* call) noexcept {
    call_ = call;
    if (shown_sql_ != nullptr) hide_sql();
  }
  [[nodiscard]] const Call& call() const noexcept;

  /// From now on the latest statement of application SQL shows there, until the call's end. Null:
  /// nowhere.
  void show_sql_in(ShownSql* place) noexcept {
    shown_sql_ = place;
    shown_ = nullptr;
  }

  [[nodiscard]] bool forked() const noexcept { return fork_guard_.forked(); }
  /// Throws MisuseError (USED_AFTER_FORK) in a child of fork().
  void require_own_process() const {
    if (forked()) raise_used_after_fork();
  }

  // Application SQL.

  /// Throws Error (SQL_ERROR with the position), MisuseError (SQL_NOT_ALLOWED).
  [[nodiscard]] Statement prepare(std::string_view sql);
  /// The tables that the query reads, also through views. Throws as prepare().
  [[nodiscard]] std::vector<std::string> tables_read_by(std::string_view sql);
  /// All statements of `sql`, one after the other; none may have parameters. Those before the one
  /// that fails have been run.
  void execute_script(std::string_view sql);

  // The library's own SQL.

  /// Runs all statements of `sql`; throws on any failure. What SQLite refuses with BUSY without
  /// asking the busy handler, such as the switch to WAL, is not tried again.
  void execute(const std::string& sql);
  /// The first column of the first row; empty, or 0, when there is no row.
  [[nodiscard]] std::string query_text(const std::string& sql);
  [[nodiscard]] std::int64_t query_integer(const std::string& sql);

  // What closures leave behind (connection_loan.cc).

  /// The handle, for use by somebody else until take_back().
  [[nodiscard]] sqlite3* lend();
  [[nodiscard]] bool is_lent() const noexcept { return lent_; }
  /// The call that it was lent to, or was last.
  [[nodiscard]] const std::source_location& lent_at() const noexcept { return lent_at_; }
  /// Ends the loan, with no transaction open: the library's own handlers are in force again, and
  /// hooks of others are gone. False when the connection is no longer what it was before the first
  /// loan; it should be replaced then.
  [[nodiscard]] bool take_back();
  /// Becomes what `fresh` is, another connection to the same file that was set up in the same way;
  /// `fresh` has the former handle then. Neither may be in use.
  void take_over(Connection& fresh) noexcept;

  /// Drops all temporary objects, of which there are none while nobody has made one. Returns
  /// whether there were any. Throws what SQLite says.
  bool drop_temporary_objects();

  // Transactions. All return a result code, so that the caller decides what to do next. Statements
  // end with the transaction: commit() and rollback() take them back from their users first.

  [[nodiscard]] int begin_deferred() noexcept;
  /// Takes the write lock; waits for strangers until the call's deadline. BUSY_SNAPSHOT, which
  /// nothing has happened before, is tried again. READONLY_DBMOVED when the file has_moved().
  [[nodiscard]] int begin_immediate() noexcept;
  /// On failure the transaction may still be open, and is to be rolled back.
  [[nodiscard]] int commit() noexcept;
  /// Never fails: there is no transaction afterwards, whatever SQLite says of it.
  void rollback() noexcept;
  [[nodiscard]] bool in_transaction() const noexcept;
  /// Throws MisuseError (TRANSACTION_LOST) when a begin succeeded and SQLite has rolled back since
  /// by itself, as it does when the disk is full: what came now would be committed on its own.
  void require_transaction() const;

  // The savepoint around a closure that shares its transaction; there is one at a time.

  void open_savepoint();     ///< Throws what SQLite says.
  void release_savepoint();  ///< Keeps what was done since. Throws what SQLite says.
  /// Undoes what was done since, and ends it; false when SQLite cannot, or has no transaction.
  [[nodiscard]] bool undo_savepoint() noexcept;
  /// True when COMMIT would fail because of a deferred foreign key
  /// (https://sqlite.org/c3ref/c_dbstatus_options.html, DEFERRED_FKS).
  [[nodiscard]] bool has_unresolved_foreign_keys() const noexcept;

  /// What application SQL has written to since begin_immediate().
  [[nodiscard]] Touched& touched() noexcept { return touched_; }
  /// The same before COMMIT, when it is complete. A changed schema counts as all tables.
  [[nodiscard]] const Touched& all_touched();

  /// Has the write-ahead log on the medium when it returns, as a commit with synchronous=FULL does.
  [[nodiscard]] int sync_log() noexcept;

  /// Takes all statements back from their users and ends their executions; the transaction goes
  /// on. Returns how many were executing.
  int reclaim_statements() noexcept { return forked() ? 0 : statements_->reclaim(); }

  /// The same, and ends a transaction that is still open, and statements that somebody prepared
  /// through the native handle and left running. True when there was nothing to repair.
  bool clean_up() noexcept;

  /// True when the file was deleted, or another one has its name. SQLite itself looks only where
  /// there is no write-ahead log. Costs one stat().
  [[nodiscard]] bool has_moved() const noexcept;

  /// Does nothing when the file has moved: the log that is there by its name may be another
  /// program's by now, who would lose what were copied to the former file.
  [[nodiscard]] CheckpointResult checkpoint(CheckpointMode mode) noexcept;
  /// Frames in the write-ahead log after this connection's last commit.
  [[nodiscard]] int wal_frames() const noexcept { return wal_frames_; }

  /// Stops the running statement of this connection, and a wait in the busy handler, until
  /// clear_interrupt(). From any thread, as long as the connection lives.
  void interrupt(Interrupt why = Interrupt::Asked) noexcept;
  void clear_interrupt() noexcept { interrupt_.store(Interrupt::None, std::memory_order_relaxed); }
  [[nodiscard]] bool interrupted() const noexcept { return why_interrupted() != Interrupt::None; }
  [[nodiscard]] Interrupt why_interrupted() const noexcept {
    return interrupt_.load(std::memory_order_relaxed);
  }

  /// Times a lock of SQLite's own was held by somebody else.
  [[nodiscard]] std::uint64_t waits() const noexcept { return waits_; }

  /// The authorizer's reason for the last refusal; cleared by the next prepare().
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

  /// Whom to blame when a lock outlasts the deadline.
  [[nodiscard]] Holder find_holder() const;

 private:
  friend class StatementCache;
  friend struct turnstile::detail::StatementEntry;
  class LibrarySql;  // RAII: lets the library's own SQL past the authorizer.
  enum class Verb {
    BeginDeferred,
    BeginImmediate,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo
  };

  static int on_busy(void* self, int attempts) noexcept;
  static int on_progress(void* self) noexcept;
  static int on_authorize(void* self, int action, const char* first, const char* second,
                          const char* database, const char* trigger) noexcept;
  static int on_commit_to_wal(void* self, sqlite3*, const char* database, int frames) noexcept;

  [[noreturn]] void raise_used_after_fork() const;
  /// A loop over one statement compares two pointers.
  void show_sql(const detail::StatementEntry& entry) noexcept {
    if (shown_sql_ != nullptr && (shown_ != &entry || !sql_is_visible_)) show_other_sql(entry);
  }
  void show_other_sql(const detail::StatementEntry& entry) noexcept;
  void hide_sql() noexcept;
  /// Before a statement that may change the schema.
  void expect_schema_change();
  void touch_with_next();  ///< The same, of a script, for what it writes too.
  void open();
  void configure();
  void define(const SqlDefinitions& definitions);
  void load_extension(const Extension& extension);
  void install_handlers() noexcept;
  void close() noexcept;
  [[nodiscard]] std::string describe_state();
  void finalize_strays() noexcept;
  void end_strays() noexcept;
  [[nodiscard]] int run(Verb verb) noexcept;
  /// Waits a moment for a lock that somebody else holds; false when it is time to give up.
  bool wait_for_lock(int attempts) noexcept;
  [[nodiscard]] int checkpoint_once(int mode, CheckpointResult& result) noexcept;
  /// Prepares and runs one statement after the other and calls `on_row` for each row.
  template <class OnRow>
  void run_all(std::string_view sql, const OnRow& on_row);

  Config config_;
  const ForkGuard fork_guard_;
  std::mutex handle_mutex_;  // Between interrupt() and take_over().
  sqlite3* handle_ = nullptr;
  const Call* call_ = nullptr;
  std::atomic<Interrupt> interrupt_{Interrupt::None};
  bool library_sql_ = false;
  bool began_ = false;  // And has neither committed nor rolled back.
  bool may_wait_ = true;
  bool lent_ = false;
  std::source_location lent_at_;
  bool made_temporary_ = false;
  std::string state_before_loans_;  // Empty before the first one.
  int wal_frames_ = 0;
  std::uint64_t waits_ = 0;
  std::string refusal_;
  StatementTraits traits_;  // Of what has been compiled since they were last taken.
  std::vector<std::string>* tables_read_ = nullptr;  // Where to note them, if anywhere.
  Touched touched_;
  ShownSql* shown_sql_ = nullptr;
  const detail::StatementEntry* shown_ = nullptr;  // Whose text is there.
  bool sql_is_visible_ = false;
  std::array<sqlite3_stmt*, 7> verbs_{};  // Prepared at first use.
  std::unique_ptr<StatementCache> statements_;
};

}  // namespace turnstile::sqlite
