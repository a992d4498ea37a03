#include "turnstile/transaction.h"

#include <algorithm>
#include <string>
#include <utility>

#include "database/session.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/native.h"

namespace turnstile {

Statement ReadTx::prepare(std::string_view sql) {
  Statement statement = session_.connection().prepare(sql);
  if (!statement.is_read_only()) {
    sqlite::raise_misuse(code("READ_ONLY_TRANSACTION"),
                         "a statement that writes was used in a read: " + std::string(sql),
                         session_.call());
  }
  return statement;
}

std::string_view ReadTx::lane() const noexcept {
  return session_.call().lane;
}

WriteTx::WriteTx(detail::WriteSession& session) noexcept : ReadTx(session) {}

// The constructor takes nothing but a WriteSession.
detail::WriteSession& WriteTx::write_session() noexcept {
  return static_cast<detail::WriteSession&>(session_);
}

Statement WriteTx::prepare(std::string_view sql) {
  return session_.connection().prepare(sql);
}

void WriteTx::execute_script(std::string_view sql) {
  session_.connection().execute_script(sql);
}

Savepoint WriteTx::savepoint() {
  return Savepoint(write_session());
}

bool WriteTx::yield_point() {
  detail::WriteSession& session = write_session();
  return session.yielding != nullptr && session.yielding->yield(session);
}

bool WriteTx::once(std::string_view key) {
  constexpr std::size_t kLongestKey = 255;
  if (key.empty() || key.size() > kLongestKey) {
    sqlite::raise_misuse(code("ONCE_KEY_INVALID"),
                         "a key of once() has " + std::to_string(key.size()) + " bytes",
                         session_.call());
  }
  execute(
      "CREATE TABLE IF NOT EXISTS turnstile_once("
      "key TEXT PRIMARY KEY, committed_at INTEGER NOT NULL) STRICT, WITHOUT ROWID");
  return execute(
             "INSERT INTO turnstile_once(key, committed_at) VALUES (?, unixepoch()) "
             "ON CONFLICT DO NOTHING",
             key)
             .changes == 1;
}

void WriteTx::after_commit(std::function<void()> action) {
  write_session().after_commit.push_back(std::move(action));
}

Savepoint::Savepoint(detail::WriteSession& session) : session_(&session) {
  // Outside of a transaction it would begin one, and end it too.
  session.connection().require_transaction();
  const int number = ++session.last_savepoint;
  session.savepoints.push_back(number);
  try {
    session.connection().execute("SAVEPOINT turnstile_" + std::to_string(number));
  } catch (...) {
    session.savepoints.pop_back();
    throw;
  }
  number_ = number;
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)), number_(other.number_) {}

Savepoint::~Savepoint() {
  try {
    rollback();
  } catch (const Error&) {
    // Only when SQLite has rolled the whole transaction back, this part with it; the closure's next
    // statement, or its commit, says so.
  }
}

void Savepoint::release() {
  finish(false);
}

void Savepoint::rollback() {
  finish(true);
}

// Ends this savepoint and, as SQLite does, those that were opened inside it. One that has ended
// already, alone or with an outer one, stays as it is.
void Savepoint::finish(bool undo) {
  if (session_ == nullptr) return;
  detail::WriteSession& session = *std::exchange(session_, nullptr);
  const auto place = std::find(session.savepoints.begin(), session.savepoints.end(), number_);
  if (place == session.savepoints.end()) return;
  session.connection().require_transaction();
  const std::string name = "turnstile_" + std::to_string(number_);
  if (undo) session.connection().execute("ROLLBACK TO " + name);
  session.connection().execute("RELEASE " + name);
  session.savepoints.erase(place, session.savepoints.end());
}

detail::Session::~Session() {
  if (!writing_refused_) return;
  try {
    connection_.execute("PRAGMA query_only=0");
  } catch (const Error&) {
    // It fails only without memory. Writes are refused then, which is safe.
    return;
  }
}

sqlite3* detail::Session::lend_handle() {
  connection_.require_transaction();
  sqlite3* const handle = connection_.lend();
  if (must_not_write && !writing_refused_) {
    connection_.execute("PRAGMA query_only=1");
    writing_refused_ = true;
  }
  connection_.touched().add_everything();
  return handle;
}

sqlite3* native_handle(ReadTx& tx) {
  return tx.session_.lend_handle();
}

}  // namespace turnstile
