#include "sqlite/statement_entry.h"

#include <sqlite3.h>

#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/connection.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

/// The rowid that stands for "nothing was inserted" while a statement runs.
constexpr std::int64_t kNoRowid = std::numeric_limits<std::int64_t>::min();

/// Ends an execution that failed, after the exception has taken SQLite's message along.
class EndFailed {
 public:
  explicit EndFailed(detail::StatementEntry& entry) noexcept : entry_(entry) {}
  ~EndFailed() {
    sqlite3_reset(entry_.handle);
    entry_.phase = detail::StatementEntry::Phase::Done;
    entry_.result = {};
  }
  EndFailed(const EndFailed&) = delete;
  EndFailed& operator=(const EndFailed&) = delete;

 private:
  detail::StatementEntry& entry_;
};

}  // namespace

bool detail::StatementEntry::step() {
  if (phase == Phase::Done) return false;
  phase == Phase::Ready ? connection->require_transaction() : connection->require_own_process();
  ++generation;
  if (stale) forget_bindings();
  const int code = phase == Phase::Ready ? start() : sqlite3_step(handle);
  if (code == SQLITE_ROW) {
    phase = Phase::Row;
    return true;
  }
  if (code != SQLITE_DONE) fail(code);
  result = {};
  if (!read_only && !traits.changes_schema) {
    result.changes = sqlite3_changes64(connection->handle());
    if (result.changes > 0) result.last_insert_rowid = inserted_rowid;
  }
  sqlite3_reset(handle);
  phase = Phase::Done;
  return false;
}

// Which tables are touched is noted only the first time in a transaction that a statement changes
// something: a loop compares two pointers. A statement with rows may be left before its end, and
// counts as having changed something.
int detail::StatementEntry::start() {
  connection->show_sql(*this);
  sqlite::Touched& touched = connection->touched();
  connection->traits_.writes.clear();  // Of what was prepared through the native handle.
  const bool is_news = writes && !touched.has(writes);
  const std::int64_t before = is_news ? sqlite3_total_changes64(connection->handle()) : 0;
  if (traits.changes_schema) connection->expect_schema_change();
  const int code = run_first_step();
  if (!connection->traits_.writes.empty())
    learn_more_writes();
  else if (is_news &&
           (code == SQLITE_ROW || sqlite3_total_changes64(connection->handle()) != before))
    touched.add(writes);
  return code;
}

// SQLite has compiled something while the statement ran: the statement itself, because the schema
// has changed since and there may be a new trigger, or what a virtual table works with.
void detail::StatementEntry::learn_more_writes() noexcept {
  try {
    std::vector<std::string> names = std::exchange(connection->traits_.writes, {});
    if (writes)
      for (const sqlite::TableSet::Table& table : writes->tables)
        sqlite::add_name(names, table.name);
    writes = sqlite::TableSet::of(std::move(names));
    connection->touched().add(writes);
  } catch (const std::bad_alloc&) {
    connection->touched().add_everything();
  }
}

// SQLite tells the rowid of the connection's last insert, whichever statement made it. So that an
// upsert that updated, or an insert into a table without rowids, does not report a rowid of earlier
// times, that is put aside while an INSERT runs and put back if the INSERT set no other.
int detail::StatementEntry::run_first_step() noexcept {
  sqlite3* const database = connection->handle();
  if (connection->interrupted()) return SQLITE_INTERRUPT;
  const bool put_aside = traits.inserts && !traits.asks_for_rowid;
  const std::int64_t before = traits.inserts ? sqlite3_last_insert_rowid(database) : 0;
  if (put_aside) sqlite3_set_last_insert_rowid(database, kNoRowid);

  int code = sqlite3_step(handle);
  // SQLite prepares a statement again by itself when the schema has changed, but gives up when
  // somebody changes it faster than that.
  while (code == SQLITE_SCHEMA && !connection->call().deadline.expired() &&
         !connection->interrupted()) {
    sqlite3_reset(handle);
    code = sqlite3_step(handle);
  }

  inserted_rowid = traits.inserts ? sqlite3_last_insert_rowid(database) : 0;
  if (put_aside && inserted_rowid == kNoRowid) {
    inserted_rowid = 0;
    sqlite3_set_last_insert_rowid(database, before);
  }
  return code;
}

void detail::StatementEntry::fail(int code) {
  const EndFailed ended(*this);
  sqlite::raise(*connection, code, sql);
}

void detail::StatementEntry::end() noexcept {
  if (phase == Phase::Row && !connection->forked()) sqlite3_reset(handle);
  phase = Phase::Ready;
  ++generation;
}

void detail::StatementEntry::forget_bindings() noexcept {
  sqlite3_clear_bindings(handle);
  copied = false;
  stale = false;
}

void detail::StatementEntry::expire() noexcept {
  if (user == nullptr) return;
  user->entry_ = nullptr;
  user = nullptr;
}

}  // namespace turnstile
