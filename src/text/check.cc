#include "text/check.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "text/sql.h"

namespace turnstile::text {

namespace {

/// `COUNT rows WHAT (the first: KEY)`, when there are such rows.
void report(ReadTx& tx, const std::string& key, const std::string& rows, const std::string& what,
            std::vector<std::string>& problems) {
  const auto [count, first] = tx.query<std::int64_t, std::optional<std::int64_t>>(
                                    "SELECT count(*), min(" + key + ") " + rows)
                                  .one();
  if (count > 0) {
    problems.push_back(std::to_string(count) + " rows " + what +
                       " (the first: " + std::to_string(*first) + ")");
  }
}

/// FTS5 compares the words of the index with the copy of the text. It does not notice by itself
/// that another connection has written since this one last read the index, and then reports
/// differences that there are not: something must have been read from it in this transaction.
void check_words(ReadTx& tx, const std::string& index, std::vector<std::string>& problems) {
  for (const std::string& line : tx.query<std::string>("PRAGMA integrity_check(" + index + ")"))
    if (line != "ok") problems.push_back(line);
}

}  // namespace

std::vector<std::string> check_index(ReadTx& tx, const detail::TextDefinition& definition) {
  if (!definition.indexed()) return {};
  if (definition.state(tx) != detail::TextDefinition::State::Ready)
    return {"the index is not built, or for other options; rebuild() makes it"};
  const std::string& index = definition.index();
  const std::string& table = definition.table();
  const std::string key = table + "." + definition.key();
  std::vector<std::string> problems;
  report(tx, key, "FROM " + table + " WHERE " + key + " NOT IN (SELECT rowid FROM " + index + ")",
         "are not in the index", problems);
  report(
      tx, "rowid",
      "FROM " + index + " WHERE rowid NOT IN (SELECT " + definition.key() + " FROM " + table + ")",
      "of the index are gone from the table", problems);
  std::string differs;
  for (const TextColumn& column : definition.options().columns) {
    const std::string name = sql_name(column.name);
    if (!differs.empty()) differs += " OR ";
    differs.append(table).append(".").append(name).append(" COLLATE BINARY IS NOT ");
    differs.append(index).append(".").append(name);
  }
  report(tx, key,
         "FROM " + index + " CROSS JOIN " + table + " ON " + key + " = " + index + ".rowid WHERE " +
             differs,
         "have another text in the index", problems);
  check_words(tx, index, problems);
  return problems;
}

}  // namespace turnstile::text
