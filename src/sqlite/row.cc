#include "turnstile/row.h"

#include <sqlite3.h>

#include <string>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/statement_entry.h"

namespace turnstile {

namespace {

ValueType to_value_type(int type) noexcept {
  switch (type) {
    case SQLITE_INTEGER:
      return ValueType::Integer;
    case SQLITE_FLOAT:
      return ValueType::Real;
    case SQLITE_TEXT:
      return ValueType::Text;
    case SQLITE_BLOB:
      return ValueType::Blob;
    default:
      return ValueType::Null;
  }
}

[[noreturn]] void raise_no_column(const detail::StatementEntry& statement, std::string message) {
  sqlite::raise_statement_misuse(*statement.connection, code("COLUMN_UNKNOWN"), std::move(message),
                                 statement.sql);
}

}  // namespace

Row::Row(const detail::StatementEntry* statement) noexcept
    : statement_(statement), generation_(statement->generation) {}

const detail::StatementEntry& Row::current() const {
  if (generation_ != statement_->generation) {
    sqlite::raise_misuse(code("STATEMENT_EXPIRED"),
                         "a row was read after its query went on or ended", {},
                         "Copy what is needed of a row before the next one is asked for.");
  }
  return *statement_;
}

int Row::column_count() const {
  return sqlite3_data_count(current().handle);
}

std::string_view Row::column_name(int column) const {
  const char* name = sqlite3_column_name(current().handle, column);
  if (name == nullptr) {
    raise_no_column(*statement_, "there is no column " + std::to_string(column) + "; the row has " +
                                     std::to_string(column_count()) + ", counted from 0");
  }
  return name;
}

ValueType Row::type(int column) const {
  const detail::StatementEntry& statement = current();
  if (detail::column_is_null(statement, column)) return ValueType::Null;
  return to_value_type(sqlite3_column_type(statement.handle, column));
}

int Row::column_index(std::string_view name) const {
  const int count = column_count();
  for (int column = 0; column < count; ++column)
    if (column_name(column) == name) return column;
  raise_no_column(*statement_, "the row has no column of the name " + std::string(name));
}

void Row::require_columns(int count) const {
  const int there = sqlite3_data_count(statement_->handle);
  if (there == count) return;
  raise_no_column(*statement_, "the row has " + std::to_string(there) + " columns, and " +
                                   std::to_string(count) + " are read");
}

}  // namespace turnstile
