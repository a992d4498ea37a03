#include "sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "sqlite/definitions.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/sql_text.h"

namespace turnstile::sqlite {

namespace {

using std::chrono::microseconds;

constexpr std::array<std::string_view, 7> kVerbs{"BEGIN",
                                                 "BEGIN IMMEDIATE",
                                                 "COMMIT",
                                                 "ROLLBACK",
                                                 "SAVEPOINT turnstile_closure",
                                                 "RELEASE turnstile_closure",
                                                 "ROLLBACK TO turnstile_closure"};

/// Steps of SQLite's virtual machine between two looks at the interrupt flag. A look costs some
/// nanoseconds and this many steps at least some ten microseconds, so that it cannot be measured.
constexpr int kProgressSteps = 4000;

/// What a connection works for between two calls: nobody, who would not wait for anything.
const Call& nobody() noexcept {
  static const Call call = [] {
    Call none;
    none.deadline = Deadline::after(std::chrono::milliseconds::zero());
    return none;
  }();
  return call;
}

bool is_busy(int result) noexcept {
  return (result & 0xff) == SQLITE_BUSY;
}

/// Finalizes a statement that an exception may leave behind. Threads: scoped.
class Finalizer {
 public:
  explicit Finalizer(sqlite3_stmt* statement) noexcept : statement_(statement) {}
  ~Finalizer() { sqlite3_finalize(statement_); }
  Finalizer(const Finalizer&) = delete;
  Finalizer& operator=(const Finalizer&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

class Connection::LibrarySql {
 public:
  explicit LibrarySql(Connection& connection) noexcept
      : flag_(connection.library_sql_), before_(std::exchange(flag_, true)) {}
  ~LibrarySql() { flag_ = before_; }
  LibrarySql(const LibrarySql&) = delete;
  LibrarySql& operator=(const LibrarySql&) = delete;

 private:
  bool& flag_;
  bool before_;
};

Connection::Connection(Config config, const Call& call)
    : config_(std::move(config)),
      call_(&call),
      statements_(std::make_unique<StatementCache>(*this, config_.statement_cache_size)) {
  try {
    open();
    configure();
    // Before the first statement: the schema itself may be made of an extension's tables.
    if (config_.definitions) define(*config_.definitions);
  } catch (...) {
    close();
    throw;
  }
}

Connection::~Connection() {
  close();
}

void Connection::open() {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  flags |= config_.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (config_.create && !config_.read_only) flags |= SQLITE_OPEN_CREATE;
  if (config_.uri) flags |= SQLITE_OPEN_URI;
  const char* vfs = config_.vfs.empty() ? nullptr : config_.vfs.c_str();
  const int result = sqlite3_open_v2(config_.path.c_str(), &handle_, flags, vfs);
  if (result != SQLITE_OK) raise(*this, result);
  if (!config_.protection) return;
  if (const int applied = config_.protection->apply(handle_); applied != SQLITE_OK)
    raise(*this, applied);
}

void Connection::install_handlers() noexcept {
  sqlite3_busy_handler(handle_, &Connection::on_busy, this);
  sqlite3_set_authorizer(handle_, &Connection::on_authorize, this);
  sqlite3_progress_handler(handle_, kProgressSteps, &Connection::on_progress, this);
  // SQLite's own checkpoints run inside whichever commit comes along. It implements them as a hook,
  // of which there can be only one, so that ours replaces it; both calls say so.
  sqlite3_wal_autocheckpoint(handle_, 0);
  sqlite3_wal_hook(handle_, &Connection::on_commit_to_wal, this);
}

void Connection::configure() {
  install_handlers();
  const LibrarySql own(*this);
  const auto set = [this](int setting, int value) {
    const int result = sqlite3_db_config(handle_, setting, value, nullptr);
    if (result != SQLITE_OK) raise(*this, result);
  };
  // No SQL may damage the file: not through writable_schema, not by writing into the tables behind
  // a virtual table (those tables' own modules still may), not with journal_mode=OFF.
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  // SQLITE_DBCONFIG_TRUSTED_SCHEMA stays on: without it a view cannot use MATCH, and a trigger
  // cannot write into a table of sqlite-vec. What a foreign schema could do harm with, the
  // authorizer refuses in triggers and views too.
  // "Text" in double quotes is a misspelt column name, in a system's SQLite too.
  set(SQLITE_DBCONFIG_DQS_DML, 0);
  set(SQLITE_DBCONFIG_DQS_DDL, 0);
  // Sorting and statement journals would put rows into files that nothing encrypts.
  if (config_.protection) execute("PRAGMA temp_store=MEMORY");
}

void Connection::close() noexcept {
  call_ = nullptr;
  if (handle_ == nullptr) return;
  if (forked()) {
    // Left as they are: to close them would end the parent's transaction and delete its log.
    handle_ = nullptr;
    static_cast<void>(statements_.release());
    return;
  }
  statements_->reclaim();
  statements_.reset();
  for (sqlite3_stmt*& verb : verbs_)
    sqlite3_finalize(std::exchange(verb, nullptr));
  // Not sqlite3_close_v2: while anything is left open that would keep the connection and its locks
  // alive unseen (https://sqlite.org/c3ref/close.html). It is the last resort, for an unfinished
  // backup that somebody began through the native handle.
  if (sqlite3_close(handle_) != SQLITE_OK) {
    finalize_strays();
    if (sqlite3_close(handle_) != SQLITE_OK) sqlite3_close_v2(handle_);
  }
  handle_ = nullptr;
}

const Call& Connection::call() const noexcept {
  return call_ == nullptr ? nobody() : *call_;
}

Holder Connection::find_holder() const {
  if (!config_.find_holder) return {};
  try {
    return config_.find_holder(call().timeout_code == "WRITE_TIMEOUT");
  } catch (...) {
    // The search is for a message only; its failure must not take the place of that message.
    return {};
  }
}

void Connection::raise_used_after_fork() const {
  sqlite::raise_used_after_fork(call());
}

Statement Connection::prepare(std::string_view sql) {
  require_own_process();
  refusal_.clear();
  return Statement(&statements_->take(sql));
}

std::vector<std::string> Connection::tables_read_by(std::string_view sql) {
  require_own_process();
  refusal_.clear();
  std::vector<std::string> tables;
  tables_read_ = &tables;
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), 0, &statement, nullptr);
  const Finalizer finalizer(statement);
  tables_read_ = nullptr;
  traits_ = {};
  if (result != SQLITE_OK) raise(*this, result, sql);
  return tables;
}

template <class OnRow>
void Connection::run_all(std::string_view sql, const OnRow& on_row) {
  require_own_process();
  std::size_t start = 0;
  const auto require = [&](int result, int wanted) {
    if (result != wanted) raise(*this, result, sql, {.statement_start = start});
  };
  while (start < sql.size()) {
    const std::string_view rest = sql.substr(start);
    sqlite3_stmt* statement = nullptr;
    const char* end = nullptr;
    traits_ = {};
    require(sqlite3_prepare_v3(handle_, rest.data(), static_cast<int>(rest.size()), 0, &statement,
                               &end),
            SQLITE_OK);
    const Finalizer finalizer(statement);
    const auto length = static_cast<std::size_t>(end - rest.data());
    if (statement == nullptr && length < rest.size() && *end == '\0') {
      raise_statement_misuse(*this, code("SQL_ERROR"),
                             "there is a NUL byte in the text" + position_in(sql, start + length),
                             sql, {}, start + length);
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
      raise_statement_misuse(*this, code("PARAMETER_COUNT"),
                             "a statement of a script has a parameter, and no value for it", sql,
                             "Use execute() with the value, or write it into the script.", start);
    }
    if (statement != nullptr) {
      if (!library_sql_ && interrupted()) raise(*this, SQLITE_INTERRUPT, sql);
      if (!library_sql_) touch_with_next();
      if (!library_sql_ && shown_sql_ != nullptr && !config_.protection) {
        shown_ = nullptr;
        shown_sql_->show(rest.substr(0, length));
        sql_is_visible_ = true;
      }
      int result = SQLITE_ROW;
      while ((result = sqlite3_step(statement)) == SQLITE_ROW)
        on_row(statement);
      require(result, SQLITE_DONE);
    }
    start += length;
  }
}

void Connection::execute_script(std::string_view sql) {
  refusal_.clear();
  require_transaction();
  require_sql_text(*this, sql);
  run_all(sql, [](sqlite3_stmt*) {});
}

void Connection::execute(const std::string& sql) {
  const LibrarySql own(*this);
  run_all(sql, [](sqlite3_stmt*) {});
}

std::string Connection::query_text(const std::string& sql) {
  const LibrarySql own(*this);
  std::string value;
  bool is_first = true;
  run_all(sql, [&](sqlite3_stmt* statement) {
    if (!std::exchange(is_first, false)) return;
    const void* text = sqlite3_column_text(statement, 0);
    if (text == nullptr) return;
    const int size = sqlite3_column_bytes(statement, 0);
    value.assign(static_cast<const char*>(text), static_cast<std::size_t>(size));
  });
  return value;
}

std::int64_t Connection::query_integer(const std::string& sql) {
  const LibrarySql own(*this);
  std::int64_t value = 0;
  bool is_first = true;
  run_all(sql, [&](sqlite3_stmt* statement) {
    if (std::exchange(is_first, false)) value = sqlite3_column_int64(statement, 0);
  });
  return value;
}

// Not of a protected database: its statements may hold what it keeps secret.
void Connection::show_other_sql(const detail::StatementEntry& entry) noexcept {
  if (config_.protection) return;
  if (shown_ == &entry)
    shown_sql_->show_again();
  else
    shown_sql_->show(entry.sql);
  shown_ = &entry;
  sql_is_visible_ = true;
}

void Connection::hide_sql() noexcept {
  if (!std::exchange(sql_is_visible_, false)) return;
  shown_sql_->hide();
}

int Connection::run(Verb verb) noexcept {
  if (forked()) return SQLITE_MISUSE;
  const LibrarySql own(*this);
  const auto index = static_cast<std::size_t>(verb);
  sqlite3_stmt*& statement = verbs_[index];
  if (statement == nullptr) {
    const std::string_view text = kVerbs[index];
    const int prepared = sqlite3_prepare_v3(handle_, text.data(), static_cast<int>(text.size()),
                                            SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (prepared != SQLITE_OK) return prepared;
  }
  const int result = sqlite3_step(statement);
  // A failed statement's reset repeats its result and keeps its message for raise().
  sqlite3_reset(statement);
  return result == SQLITE_DONE ? SQLITE_OK : result;
}

void Connection::expect_schema_change() {
  if (touched_.schema_before) return;
  StatementTraits traits = std::exchange(traits_, {});
  touched_.schema_before = query_integer("PRAGMA schema_version");
  traits_ = std::move(traits);
}

// A script's statements run once, so that one is not worth asking whether it changed anything.
void Connection::touch_with_next() {
  if (traits_.changes_schema) expect_schema_change();
  if (const auto tables = TableSet::of(std::exchange(traits_.writes, {}))) touched_.add(tables);
}

const Touched& Connection::all_touched() {
  if (touched_.schema_before && query_integer("PRAGMA schema_version") != *touched_.schema_before)
    touched_.add_everything();
  return touched_;
}

int Connection::begin_deferred() noexcept {
  if (interrupted()) return SQLITE_INTERRUPT;
  const int result = run(Verb::BeginDeferred);
  began_ = result == SQLITE_OK;
  return result;
}

// SQLite does not ask the busy handler on every path that leads to SQLITE_BUSY: recovery of the
// log, a snapshot that became old between two steps of BEGIN. Nothing has been done yet, so that
// BEGIN can be tried again.
int Connection::begin_immediate() noexcept {
  if (forked()) return SQLITE_MISUSE;
  const std::uint64_t waits_before = waits_;
  for (int attempts = 0;; ++attempts) {
    if (interrupted()) return SQLITE_INTERRUPT;
    if (has_moved()) return SQLITE_READONLY_DBMOVED;
    const int result = run(Verb::BeginImmediate);
    began_ = result == SQLITE_OK;
    touched_.clear();
    if (!is_busy(result)) return result;
    if (waits_ == waits_before) ++waits_;
    if (!wait_for_lock(attempts)) return interrupted() ? SQLITE_INTERRUPT : result;
  }
}

int Connection::commit() noexcept {
  reclaim_statements();
  const int result = run(Verb::Commit);
  if (result == SQLITE_OK) began_ = false;
  return result;
}

void Connection::rollback() noexcept {
  if (forked()) return;
  statements_->reclaim();
  began_ = false;
  if (!in_transaction()) return;
  if (run(Verb::Rollback) == SQLITE_OK) return;
  // What can stand in the way is an interrupted statement of the native handle.
  end_strays();
  if (in_transaction()) static_cast<void>(run(Verb::Rollback));
}

void Connection::open_savepoint() {
  if (const int result = run(Verb::Savepoint); result != SQLITE_OK) raise(*this, result);
}

void Connection::release_savepoint() {
  if (const int result = run(Verb::Release); result != SQLITE_OK) raise(*this, result);
}

bool Connection::undo_savepoint() noexcept {
  return run(Verb::RollbackTo) == SQLITE_OK && run(Verb::Release) == SQLITE_OK;
}

bool Connection::has_unresolved_foreign_keys() const noexcept {
  int current = 0;
  int highest = 0;
  return sqlite3_db_status(handle_, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0) ==
             SQLITE_OK &&
         current != 0;
}

// A sync of the log covers all commits in it, and of a new log its name in the directory too.
int Connection::sync_log() noexcept {
  sqlite3_file* log = nullptr;
  const int found = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (found != SQLITE_OK) return found;
  if (log == nullptr || log->pMethods == nullptr) return SQLITE_OK;
  return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

bool Connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_) == 0;
}

bool Connection::clean_up() noexcept {
  if (forked()) return true;
  bool was_clean = statements_->reclaim() == 0;
  began_ = false;
  if (in_transaction()) {
    was_clean = false;
    rollback();
  }
  // Without a transaction of its own, only a statement that is still running holds one open.
  if (sqlite3_txn_state(handle_, nullptr) != SQLITE_TXN_NONE) {
    was_clean = false;
    end_strays();
  }
  return was_clean;
}

void Connection::require_transaction() const {
  require_own_process();
  if (!began_ || in_transaction()) return;
  raise_misuse(turnstile::code("TRANSACTION_LOST"),
               "SQLite rolled the transaction back after an error in it", call());
}

// Resetting a statement can finalize others, those that a virtual table works with, so the search
// starts again after each.
void Connection::end_strays() noexcept {
  sqlite3_stmt* statement = sqlite3_next_stmt(handle_, nullptr);
  while (statement != nullptr) {
    if (sqlite3_stmt_busy(statement) != 0) {
      sqlite3_reset(statement);
      statement = sqlite3_next_stmt(handle_, nullptr);
    } else {
      statement = sqlite3_next_stmt(handle_, statement);
    }
  }
}

void Connection::finalize_strays() noexcept {
  while (sqlite3_stmt* statement = sqlite3_next_stmt(handle_, nullptr))
    sqlite3_finalize(statement);
}

bool Connection::has_moved() const noexcept {
  int moved = 0;
  // What has no file, a database in memory, does not know the question and leaves it at 0.
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

int Connection::checkpoint_once(int mode, CheckpointResult& result) noexcept {
  const LibrarySql own(*this);
  // The busy handler would make every writer wait for as long as it waits for a reader.
  may_wait_ = false;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, "main", mode, &result.log_frames, &result.copied_frames);
  may_wait_ = true;
  return code;
}

CheckpointResult Connection::checkpoint(CheckpointMode mode) noexcept {
  const int sqlite_mode = mode == CheckpointMode::Passive   ? SQLITE_CHECKPOINT_PASSIVE
                          : mode == CheckpointMode::Restart ? SQLITE_CHECKPOINT_RESTART
                                                            : SQLITE_CHECKPOINT_TRUNCATE;
  CheckpointResult result;
  if (forked() || has_moved()) {
    result.code = forked() ? SQLITE_MISUSE : SQLITE_READONLY_DBMOVED;
    return result;
  }
  result.code = checkpoint_once(sqlite_mode, result);
  if (result.code == SQLITE_OK && result.log_frames < 0 && !in_transaction()) {
    // A connection that has not read yet does not know that there is a log, and says OK.
    const LibrarySql own(*this);
    sqlite3_exec(handle_, "SELECT 1 FROM sqlite_schema LIMIT 1", nullptr, nullptr, nullptr);
    result.code = checkpoint_once(sqlite_mode, result);
  }
  result.busy = is_busy(result.code);
  return result;
}

void Connection::define(const SqlDefinitions& definitions) {
  const LibrarySql own(*this);
  for (const Extension& extension : definitions.extensions)
    load_extension(extension);
  const auto require = [this](int result) {
    if (result != SQLITE_OK) raise(*this, result);
  };
  for (const Function& function : definitions.functions)
    require(sqlite::define(handle_, function));
  for (const Collation& collation : definitions.collations)
    require(sqlite::define(handle_, collation));
}

void Connection::load_extension(const Extension& extension) {
  const auto allow = [this](int on) {
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, on, nullptr);
  };
  char* message = nullptr;
  allow(1);
  const int result = sqlite3_load_extension(
      handle_, extension.path.c_str(),
      extension.entry_point.empty() ? nullptr : extension.entry_point.c_str(), &message);
  allow(0);
  const std::unique_ptr<char, decltype(&sqlite3_free)> owned(message, &sqlite3_free);
  if (result == SQLITE_OK) return;
  Error::Details details;
  details.code = code("EXTENSION_FAILED");
  details.message = "cannot load the extension " + extension.path + ": " +
                    (message == nullptr ? sqlite3_errmsg(handle_) : message);
  details.sqlite_code = result;
  details.lane = call().lane;
  details.where = call().where;
  throw Error(std::move(details));
}

void Connection::interrupt(Interrupt why) noexcept {
  interrupt_.store(why, std::memory_order_relaxed);
  const std::lock_guard lock(handle_mutex_);
  sqlite3_interrupt(handle_);
}

// Locks of SQLite's own are polled: it offers nothing that wakes a waiter up. Those who use this
// library wait at the gate instead, which does; here they meet only strangers. The pauses grow from
// nothing to 5 ms, a twentieth of what SQLite's own busy timeout comes to, and are short enough
// that an interrupt ends the wait promptly.
bool Connection::wait_for_lock(int attempts) noexcept {
  constexpr int kYields = 2;
  constexpr microseconds kFirstPause{50};
  constexpr microseconds kLongestPause{5000};
  constexpr int kDoublings = 7;
  const Deadline& deadline = call().deadline;
  if (!may_wait_ || interrupted() || deadline.expired()) return false;
  if (attempts < kYields) {
    std::this_thread::yield();
    return true;
  }
  const microseconds pause = kFirstPause * (1 << std::min(attempts - kYields, kDoublings));
  std::this_thread::sleep_until(deadline.within(std::min(pause, kLongestPause)));
  return !interrupted();
}

int Connection::on_busy(void* self, int attempts) noexcept {
  Connection& connection = *static_cast<Connection*>(self);
  // A checkpoint asks too, and is never let wait: no lock that anybody wanted was held by a
  // stranger.
  if (attempts == 0 && connection.may_wait_) ++connection.waits_;
  return connection.wait_for_lock(attempts) ? 1 : 0;
}

// sqlite3_interrupt() alone is forgotten when it comes between two statements. The library's own
// SQL is short, and some of it, ROLLBACK, must go through.
int Connection::on_progress(void* self) noexcept {
  const Connection& connection = *static_cast<const Connection*>(self);
  return connection.interrupted() && !connection.library_sql_ ? 1 : 0;
}

int Connection::on_authorize(void* self, int action, const char* first, const char* second,
                             const char* database, const char* trigger) noexcept {
  Connection& connection = *static_cast<Connection*>(self);
  try {
    note_action(connection.traits_, {.code = action,
                                     .first = first,
                                     .second = second,
                                     .database = database,
                                     .trigger = trigger});
    if (connection.traits_.makes_temporary) connection.made_temporary_ = true;
    if (connection.tables_read_ != nullptr && action == SQLITE_READ)
      add_name(*connection.tables_read_, first);
    if (connection.library_sql_) return SQLITE_OK;
    std::string reason = why_refused(action, first, second);
    if (reason.empty()) return SQLITE_OK;
    connection.refusal_ = std::move(reason);
  } catch (...) {
    // Without memory for a note or a reason, SQLite's own "not authorized" has to do.
    return SQLITE_DENY;
  }
  return SQLITE_DENY;
}

int Connection::on_commit_to_wal(void* self, sqlite3* /*handle*/, const char* database,
                                 int frames) noexcept {
  if (std::string_view(database) == "main") static_cast<Connection*>(self)->wal_frames_ = frames;
  return SQLITE_OK;
}

}  // namespace turnstile::sqlite
