#include "turnstile/records/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sqlite/quote.h"

namespace turnstile::detail {

namespace {

std::string_view type_name(ValueType type) noexcept {
  switch (type) {
    case ValueType::Integer:
      return "INTEGER";
    case ValueType::Real:
      return "REAL";
    case ValueType::Text:
      return "TEXT";
    case ValueType::Blob:
      return "BLOB";
    case ValueType::Null:
      break;
  }
  return "ANY";
}

std::string real_literal(double value) {
  constexpr std::size_t kLongest = 32;
  std::array<char, kLongest> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  std::string text(digits.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string literal(const Literal& value) {
  switch (value.type) {
    case ValueType::Integer:
      return std::to_string(value.integer);
    case ValueType::Real:
      return real_literal(value.real);
    default:
      return sqlite::sql_text(value.text);
  }
}

std::string_view action(OnDelete on_delete) noexcept {
  switch (on_delete) {
    case OnDelete::NoAction:
      break;
    case OnDelete::Cascade:
      return " ON DELETE CASCADE";
    case OnDelete::SetNull:
      return " ON DELETE SET NULL";
  }
  return "";
}

std::vector<std::size_t> key_columns(const TableInfo& info) {
  std::vector<std::size_t> key;
  for (std::size_t i = 0; i < info.columns.size(); ++i)
    if (info.columns[i].spec.is_key) key.push_back(i);
  return key;
}

// A unique column has an index of its own, and not a constraint, so that it can be added to a table
// that is there.
void add_unique_indexes(TableInfo& info) {
  for (std::size_t i = 0; i < info.columns.size(); ++i) {
    const ColumnSpec& spec = info.columns[i].spec;
    if (!spec.is_unique) continue;
    std::string name(info.name);
    name.append("_").append(spec.name).append("_unique");
    info.indexes.push_back({std::move(name), true, {}, {i}});
  }
}

}  // namespace

void append(std::string& list, std::string_view text, std::string_view separator) {
  if (!list.empty()) list += separator;
  list += text;
}

Table::Table(TableInfo info) : info_(std::move(info)), key_(key_columns(info_)) {
  add_unique_indexes(info_);
  for (std::size_t i = 0; i < info_.columns.size(); ++i)
    qualified_.push_back(quoted_name() + "." + quoted(i));
  select_ = "SELECT " + qualified_columns() + " FROM " + quoted_name();
  insert_ = make_insert();
  insert_if_absent_ = insert_ + " ON CONFLICT DO NOTHING";
  get_ = select_ + where_key();
  find_ = "SELECT 1 FROM " + quoted_name() + where_key();
  update_ = make_update();
  remove_ = "DELETE FROM " + quoted_name() + where_key();
}

bool Table::generates_key() const noexcept {
  return key_.size() == 1 && !info_.without_rowid &&
         info_.columns[key_[0]].storage.type == ValueType::Integer;
}

std::optional<std::size_t> Table::find_role(Role role) const noexcept {
  for (std::size_t i = 0; i < info_.columns.size(); ++i)
    if (info_.columns[i].spec.role == role) return i;
  return std::nullopt;
}

std::string Table::quoted_name() const {
  return sqlite::sql_name(info_.name);
}

std::string Table::quoted(std::size_t column) const {
  return sqlite::sql_name(info_.columns[column].spec.name);
}

std::string Table::qualified_columns() const {
  std::string list;
  for (const std::string& column : qualified_)
    append(list, column);
  return list;
}

std::string Table::qualified_key() const {
  std::string list;
  for (const std::size_t column : key_)
    append(list, qualified(column));
  return list;
}

std::string Table::where_key() const {
  std::string list;
  for (const std::size_t column : key_)
    append(list, quoted(column) + " = ?", " AND ");
  return " WHERE " + list;
}

// The schema.

std::string Table::check_of(std::size_t column) const {
  const ColumnSpec& spec = info_.columns[column].spec;
  if (!spec.is_json) return std::string(spec.check);
  const std::string condition = "json_valid(" + quoted(column) + ")";
  return spec.check.empty() ? condition : condition + " AND (" + std::string(spec.check) + ")";
}

std::string Table::column_definition(std::size_t column) const {
  const ColumnInfo& info = info_.columns[column];
  std::string text = quoted(column) + " ";
  text += type_name(info.storage.type);
  if (info.spec.is_key && key_.size() == 1)
    text.append(" PRIMARY KEY").append(info.spec.never_reused ? " AUTOINCREMENT" : "");
  // NULL for the rowid means the next one.
  const bool is_rowid = info.spec.is_key && generates_key();
  if (!info.storage.nullable && !is_rowid) text += " NOT NULL";
  if (info.spec.initial.type != ValueType::Null) text += " DEFAULT " + literal(info.spec.initial);
  if (!info.spec.collation.empty()) text += " COLLATE " + sqlite::sql_name(info.spec.collation);
  if (const std::string condition = check_of(column); !condition.empty())
    text += " CHECK (" + condition + ")";
  if (info.parent != nullptr) {
    const ParentColumn parent = info.parent();
    text += " REFERENCES " + parent.table.quoted_name() + "(" + parent.table.quoted(parent.column) +
            ")" + std::string(action(info.spec.on_delete));
  }
  return text;
}

std::string Table::create_table() const {
  std::string parts;
  for (std::size_t i = 0; i < info_.columns.size(); ++i)
    append(parts, "  " + column_definition(i), ",\n");
  if (key_.size() > 1) {
    std::string key;
    for (const std::size_t column : key_)
      append(key, quoted(column));
    append(parts, "  PRIMARY KEY (" + key + ")", ",\n");
  }
  for (const std::string_view condition : info_.checks)
    append(parts, "  CHECK (" + std::string(condition) + ")", ",\n");
  return "CREATE TABLE " + quoted_name() + " (\n" + parts + "\n) STRICT" +
         (info_.without_rowid ? ", WITHOUT ROWID" : "") + ";";
}

std::string Table::create_index(const IndexInfo& index) const {
  std::string columns;
  for (const std::size_t column : index.columns)
    append(columns, quoted(column));
  std::string text = index.is_unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
  text += sqlite::sql_name(index.name) + " ON " + quoted_name() + " (" + columns + ")";
  if (!index.condition.empty()) text.append(" WHERE ").append(index.condition);
  return text + ";";
}

std::string Table::add_column(std::size_t column, std::string_view more) const {
  std::string text = "ALTER TABLE " + quoted_name() + " ADD COLUMN " + column_definition(column);
  return text.append(more).append(";");
}

std::string Table::create_script() const {
  std::string script = create_table() + "\n";
  for (const IndexInfo& index : info_.indexes)
    script += create_index(index) + "\n";
  return script;
}

// Statements.

std::string Table::make_insert() const {
  std::string columns;
  std::string values;
  for (std::size_t i = 0; i < info_.columns.size(); ++i) {
    append(columns, quoted(i));
    append(values, "?");
  }
  return "INSERT INTO " + quoted_name() + " (" + columns + ") VALUES (" + values + ")";
}

std::string Table::make_update() const {
  std::string assignments;
  for (std::size_t i = 0; i < info_.columns.size(); ++i)
    if (is_settable(info_.columns[i].spec)) append(assignments, quoted(i) + " = ?");
  const std::optional<std::size_t> version = find_role(Role::Version);
  if (version) append(assignments, quoted(*version) + " = " + quoted(*version) + " + 1");
  return "UPDATE " + quoted_name() + " SET " + assignments + where_key() +
         (version ? " AND " + quoted(*version) + " = ?" : "");
}

std::string Table::upsert(const std::vector<std::size_t>& target,
                          const std::vector<std::size_t>& returned) const {
  const auto excluded = [this](std::size_t column) {
    return quoted(column) + " = excluded." + quoted(column);
  };
  std::string targets;
  for (const std::size_t column : target)
    append(targets, quoted(column));
  std::string assignments;
  for (std::size_t i = 0; i < info_.columns.size(); ++i)
    if (is_settable(info_.columns[i].spec) && std::ranges::find(target, i) == target.end())
      append(assignments, excluded(i));
  if (const auto version = find_role(Role::Version))
    append(assignments, quoted(*version) + " = " + qualified(*version) + " + 1");
  // DO NOTHING would give no row.
  if (assignments.empty()) assignments = excluded(target.front());
  std::string columns;
  for (const std::size_t column : returned)
    append(columns, quoted(column));
  return insert_ + " ON CONFLICT (" + targets + ") DO UPDATE SET " + assignments +
         (columns.empty() ? "" : " RETURNING " + columns);
}

std::string Table::increment(std::size_t column) const {
  std::string assignments = quoted(column) + " = " + quoted(column) + " + ?";
  if (const auto updated = find_role(Role::Updated)) append(assignments, quoted(*updated) + " = ?");
  return "UPDATE " + quoted_name() + " SET " + assignments + where_key() + " RETURNING " +
         quoted(column);
}

std::string Table::touch(std::string assignments) const {
  if (const auto version = find_role(Role::Version))
    append(assignments, quoted(*version) + " = " + quoted(*version) + " + 1");
  if (const auto updated = find_role(Role::Updated)) append(assignments, quoted(*updated) + " = ?");
  return assignments;
}

}  // namespace turnstile::detail
