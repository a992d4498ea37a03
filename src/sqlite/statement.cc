#include "turnstile/statement.h"

#include <sqlite3.h>

#include <string>
#include <utility>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/statement_cache.h"
#include "sqlite/statement_entry.h"

namespace turnstile {

using detail::StatementEntry;

Statement::Statement(StatementEntry* entry) noexcept : entry_(entry) {
  if (entry_ != nullptr) entry_->user = this;
}

Statement::Statement(Statement&& other) noexcept
    : Statement(std::exchange(other.entry_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this == &other) return *this;
  if (entry_ != nullptr) entry_->cache->give_back(*entry_);
  entry_ = std::exchange(other.entry_, nullptr);
  if (entry_ != nullptr) entry_->user = this;
  return *this;
}

Statement::~Statement() {
  if (entry_ != nullptr) entry_->cache->give_back(*entry_);
}

std::string_view Statement::sql() const {
  require_usable();
  return entry_->sql;
}

int Statement::parameter_count() const {
  require_usable();
  return entry_->parameter_count;
}

std::string_view Statement::parameter_name(int index) const {
  require_usable();
  if (index < 1 || index > entry_->parameter_count) {
    sqlite::raise_statement_misuse(*entry_->connection, code("PARAMETER_UNKNOWN"),
                                   "there is no parameter " + std::to_string(index) +
                                       "; the statement has " +
                                       std::to_string(entry_->parameter_count),
                                   entry_->sql);
  }
  const char* name = sqlite3_bind_parameter_name(entry_->handle, index);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

int Statement::column_count() const {
  require_usable();
  return sqlite3_column_count(entry_->handle);
}

std::string_view Statement::column_name(int column) const {
  require_usable();
  const char* name = sqlite3_column_name(entry_->handle, column);
  if (name == nullptr) {
    sqlite::raise_statement_misuse(*entry_->connection, code("COLUMN_UNKNOWN"),
                                   "there is no column " + std::to_string(column) +
                                       "; the statement has " + std::to_string(column_count()) +
                                       ", counted from 0",
                                   entry_->sql);
  }
  return name;
}

bool Statement::is_read_only() const {
  require_usable();
  return entry_->read_only;
}

bool Statement::step() {
  require_usable();
  return entry_->step();
}

Row Statement::row() const {
  require_usable();
  if (entry_->phase != StatementEntry::Phase::Row) {
    sqlite::raise_statement_misuse(*entry_->connection, code("STATEMENT_EXPIRED"),
                                   "a row was asked for where the query has none", entry_->sql,
                                   "Ask for the row only after step() returned true.");
  }
  return Row(entry_);
}

ExecuteResult Statement::result() const {
  require_usable();
  return entry_->phase == StatementEntry::Phase::Done ? entry_->result : ExecuteResult();
}

void Statement::rewind() noexcept {
  if (entry_ != nullptr) entry_->end();
}

void Statement::require_usable() const {
  if (entry_ != nullptr) return;
  sqlite::raise_misuse(code("STATEMENT_EXPIRED"),
                       "a statement was used that was moved from or whose transaction has ended");
}

void Statement::restart() {
  require_usable();
  entry_->end();
  entry_->stale = false;
}

void Statement::prepare_binding() {
  require_usable();
  entry_->end();
  if (entry_->stale) entry_->forget_bindings();
}

ExecuteResult Statement::run() {
  // The values were borrowed and may be gone when this returns.
  class Forget {
   public:
    explicit Forget(StatementEntry& entry) noexcept : entry_(entry) {}
    ~Forget() { entry_.stale = true; }
    Forget(const Forget&) = delete;
    Forget& operator=(const Forget&) = delete;

   private:
    StatementEntry& entry_;
  };

  StatementEntry& entry = *entry_;
  const Forget borrowed(entry);
  while (entry.step()) {
  }
  return entry.result;
}

}  // namespace turnstile
