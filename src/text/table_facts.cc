#include "text/table_facts.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::text {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// An INTEGER PRIMARY KEY is the rowid by another name, and the only primary key that has no index.
std::optional<std::string> key_of(ReadTx& tx, std::string_view table) {
  const auto columns =
      tx.query<std::string>("SELECT name FROM pragma_table_info(?) WHERE pk > 0", table).all();
  const bool has_index =
      tx.query<bool>("SELECT EXISTS (SELECT 1 FROM pragma_index_list(?) WHERE origin = 'pk')",
                     table)
          .one();
  if (columns.size() != 1 || has_index) return std::nullopt;
  return columns.front();
}

std::vector<std::vector<UniqueColumn>> unique_columns_of(ReadTx& tx, std::string_view table) {
  std::vector<std::vector<UniqueColumn>> unique;
  const auto indexes = tx.query<std::string>(
                             "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND NOT "
                             "partial ORDER BY name",
                             table)
                           .all();
  for (const std::string& index : indexes) {
    std::vector<UniqueColumn> columns;
    bool has_expression = false;
    for (auto [name, collation] : tx.query<std::optional<std::string>, std::string>(
             "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", index)) {
      has_expression = has_expression || !name;
      columns.push_back({name.value_or(""), collation});
    }
    if (!has_expression) unique.push_back(std::move(columns));
  }
  return unique;
}

}  // namespace

bool TableFacts::has_column(std::string_view name) const {
  return std::ranges::any_of(columns,
                             [name](const std::string& column) { return same_name(column, name); });
}

TableFacts read_table_facts(ReadTx& tx, std::string_view index, std::string_view table) {
  const std::string named = "the table '" + std::string(table) + "'";
  const auto kind = tx.query<std::string, bool>(
                          "SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'", table)
                        .first();
  if (!kind) raise_unfit(tx, index, named + " does not exist");
  const auto [type, without_rowid] = *kind;
  if (type != "table") raise_unfit(tx, index, named + " is no ordinary one, its type is " + type);
  if (without_rowid) raise_unfit(tx, index, named + " is WITHOUT ROWID, which FTS5 cannot index");
  const std::optional<std::string> key = key_of(tx, table);
  if (!key) {
    raise_unfit(tx, index,
                named + " has no INTEGER PRIMARY KEY, so that VACUUM may number its rows anew");
  }
  return {*key, tx.query<std::string>("SELECT name FROM pragma_table_xinfo(?)", table).all(),
          unique_columns_of(tx, table)};
}

void raise_unfit(const ReadTx& tx, std::string_view index, const std::string& why) {
  sqlite::raise_misuse(code("TEXT_INDEX_INVALID"),
                       "the text index '" + std::string(index) + "' cannot be made: " + why,
                       {.lane = tx.lane()});
}

}  // namespace turnstile::text
