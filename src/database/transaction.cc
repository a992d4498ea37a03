#include "turnstile/transaction.h"

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

void WriteTx::after_commit(std::function<void()> action) {
  write_session().after_commit.push_back(std::move(action));
}

Savepoint::Savepoint(detail::WriteSession& session) : session_(&session) {
  session.connection().execute("SAVEPOINT turnstile_" + std::to_string(session.savepoints + 1));
  depth_ = ++session.savepoints;
}

Savepoint::Savepoint(Savepoint&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)), depth_(other.depth_) {}

Savepoint::~Savepoint() {
  try {
    rollback();
  } catch (const Error&) {
    // Only when SQLite has rolled the whole transaction back, this part with it; the closure's next
    // statement, or its commit, says so.
  }
}

void Savepoint::release() {
  finish("RELEASE turnstile_");
}

void Savepoint::rollback() {
  if (session_ == nullptr || depth_ > session_->savepoints) return;
  session_->connection().execute("ROLLBACK TO turnstile_" + std::to_string(depth_));
  finish("RELEASE turnstile_");
}

// Ends this savepoint and, as SQLite does, those that were opened inside it.
void Savepoint::finish(std::string_view sql) {
  if (session_ == nullptr || depth_ > session_->savepoints) return;
  detail::WriteSession& session = *std::exchange(session_, nullptr);
  session.connection().execute(std::string(sql) + std::to_string(depth_));
  session.savepoints = depth_ - 1;
}

sqlite3* native_handle(ReadTx& tx) {
  if (!tx.session_.connection().in_transaction()) {
    sqlite::raise_misuse(code("TRANSACTION_LOST"), "the transaction was rolled back by SQLite",
                         tx.session_.call());
  }
  return tx.session_.connection().handle();
}

}  // namespace turnstile
