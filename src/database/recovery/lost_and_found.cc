#include "database/recovery/lost_and_found.h"

#include <algorithm>
#include <array>

namespace turnstile::database::recovery {

namespace {

// What SQLite allows in a table (https://sqlite.org/limits.html#max_column), less our own columns.
constexpr std::size_t kMostFields = 1900;

Field number(std::int64_t value) {
  return {.type = ValueType::Integer, .integer = value};
}

}  // namespace

void LostAndFound::make_table() {
  sqlite::Connection& connection = destination_.connection();
  for (int i = 0;; ++i) {
    name_ = i == 0 ? "lost_and_found" : "lost_and_found_" + std::to_string(i);
    if (connection.query_integer("SELECT count(*) FROM sqlite_schema WHERE name='" + name_ +
                                 "' COLLATE NOCASE") == 0) {
      break;
    }
  }
  connection.execute("CREATE TABLE " + name_ +
                     "(table_name TEXT, reason TEXT, root_page INTEGER, page INTEGER, "
                     "row_id INTEGER, field_count INTEGER)");
}

void LostAndFound::widen(std::size_t fields) {
  for (; width_ < fields; ++width_) {
    destination_.connection().execute("ALTER TABLE " + name_ + " ADD COLUMN c" +
                                      std::to_string(width_));
  }
}

RawStatement LostAndFound::prepare(std::size_t fields) {
  std::string sql = "INSERT INTO " + name_ + " VALUES (?,?,?,?,?,?";
  for (std::size_t i = 0; i < fields; ++i)
    sql += ",?";
  for (std::size_t i = fields; i < width_; ++i)
    sql += ",NULL";
  return destination_.prepare(sql + ")");
}

void LostAndFound::add(const LostRow& row, std::span<const Field> fields) {
  if (name_.empty()) make_table();
  const std::span<const Field> kept = fields.first(std::min(fields.size(), kMostFields));
  if (kept.size() > width_) {
    statements_.clear();
    widen(kept.size());
  }
  RawStatement& statement = statements_[kept.size()];
  if (!statement) statement = prepare(kept.size());
  destination_.bind_utf8(statement.get(), 1, row.table);
  destination_.bind_utf8(statement.get(), 2, row.reason);
  const std::array place{row.root == 0 ? Field{} : number(row.root), number(row.page),
                         row.rowid ? number(*row.rowid) : Field{},
                         number(static_cast<std::int64_t>(fields.size()))};
  destination_.bind(statement.get(), 3, place);
  destination_.bind(statement.get(), 7, kept);
  // The table refuses nothing; only a value that is too big for SQLite is left.
  if (destination_.step(statement.get()).empty()) ++rows_;
}

}  // namespace turnstile::database::recovery
