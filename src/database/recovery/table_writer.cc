#include "database/recovery/table_writer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sqlite/quote.h"
#include "turnstile/statement.h"

namespace turnstile::database::recovery {

namespace {

// The column `hidden` of PRAGMA table_xinfo (https://sqlite.org/pragma.html#pragma_table_xinfo).
constexpr int kVirtual = 2;
constexpr int kStored = 3;

struct TableColumn {
  std::string name;
  int key = 0;
  int hidden = 0;
};

std::vector<TableColumn> columns_of(Destination& destination, const std::string& table) {
  std::vector<TableColumn> columns;
  Statement statement =
      destination.connection().prepare("PRAGMA main.table_xinfo(" + sqlite::sql_name(table) + ")");
  for (const Row& row : statement.query<>())
    columns.push_back({row.get<std::string>("name"), row.get<int>("pk"), row.get<int>("hidden")});
  return columns;
}

// The columns of an index, or of a table WITHOUT ROWID, in the order of its records.
std::vector<int> columns_of_index(Destination& destination, const std::string& index) {
  std::vector<int> columns;
  Statement statement =
      destination.connection().prepare("PRAGMA main.index_xinfo(" + sqlite::sql_name(index) + ")");
  for (const Row& row : statement.query<>())
    columns.push_back(row.get<int>("cid"));
  return columns;
}

// An INTEGER PRIMARY KEY that is the rowid is the only kind of key that needs no index.
bool has_index_for_key(Destination& destination, const std::string& table) {
  Statement statement =
      destination.connection().prepare("PRAGMA main.index_list(" + sqlite::sql_name(table) + ")");
  bool found = false;
  for (const Row& row : statement.query<>())
    found = found || row.get<std::string>("origin") == "pk";
  return found;
}

bool is_without_rowid(Destination& destination, const std::string& table) {
  Statement statement =
      destination.connection().prepare("PRAGMA main.table_list(" + sqlite::sql_name(table) + ")");
  bool without = false;
  for (const Row& row : statement.query<>())
    without = without || row.get<int>("wr") != 0;
  return without;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char left, char right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(left) == lower(right);
  });
}

// One of SQLite's three names for it that no column has taken; empty when all are taken.
std::string free_rowid_name(const std::vector<TableColumn>& columns) {
  constexpr std::array<std::string_view, 3> kNames{"rowid", "_rowid_", "oid"};
  for (const std::string_view name : kNames) {
    const bool taken = std::ranges::any_of(
        columns, [name](const TableColumn& column) { return same_name(column.name, name); });
    if (!taken) return std::string(name);
  }
  return {};
}

}  // namespace

TableShape TableShape::of(Destination& destination, const std::string& table) {
  TableShape shape;
  const std::vector<TableColumn> columns = columns_of(destination, table);
  if (is_without_rowid(destination, table)) {
    shape.has_rowid = false;
    for (const int cid : columns_of_index(destination, table)) {
      if (cid < 0 || static_cast<std::size_t>(cid) >= columns.size()) continue;
      const TableColumn& column = columns[static_cast<std::size_t>(cid)];
      shape.columns.push_back({column.name, column.hidden == kStored});
    }
    shape.alias = shape.columns.size();
    return shape;
  }
  shape.rowid = free_rowid_name(columns);
  std::size_t keys = 0;
  std::size_t key = 0;
  for (const TableColumn& column : columns) {
    if (column.hidden == kVirtual) continue;
    if (column.key != 0) {
      ++keys;
      key = shape.columns.size();
    }
    shape.columns.push_back({column.name, column.hidden == kStored});
  }
  shape.alias = shape.columns.size();
  if (keys == 1 && !has_index_for_key(destination, table)) {
    shape.alias = key;
    shape.rowid = shape.columns[key].name;
  }
  return shape;
}

TableWriter::TableWriter(Destination& destination, std::string table)
    : destination_(destination),
      table_(std::move(table)),
      shape_(TableShape::of(destination, table_)) {}

RawStatement TableWriter::prepare(std::size_t fields) {
  std::string columns;
  std::string parameters;
  const auto add = [&](const std::string& name) {
    columns += (columns.empty() ? "" : ",") + sqlite::sql_name(name);
    parameters += parameters.empty() ? "?" : ",?";
  };
  if (!shape_.rowid.empty()) add(shape_.rowid);
  for (std::size_t i = 0; i < fields; ++i)
    if (is_inserted(i)) add(shape_.columns[i].name);
  // OR ABORT: a REPLACE in the schema must not remove one row for another.
  const std::string table = "INSERT OR ABORT INTO main." + sqlite::sql_name(table_);
  if (columns.empty()) return destination_.prepare(table + " DEFAULT VALUES");
  return destination_.prepare(table + "(" + columns + ") VALUES (" + parameters + ")");
}

std::string TableWriter::insert(std::int64_t rowid, std::span<const Field> fields) {
  if (fields.size() > shape_.columns.size()) {
    return "the row has " + std::to_string(fields.size()) + " values, the table has " +
           std::to_string(shape_.columns.size()) + " columns";
  }
  RawStatement& statement = statements_[fields.size()];
  if (!statement) statement = prepare(fields.size());
  values_.clear();
  if (!shape_.rowid.empty()) values_.push_back({.type = ValueType::Integer, .integer = rowid});
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (is_inserted(i)) values_.push_back(fields[i]);
  destination_.bind(statement.get(), 1, values_);
  return destination_.step(statement.get());
}

}  // namespace turnstile::database::recovery
