#include <algorithm>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

// The foreign keys none of whose columns begins an index; a table's rowid is one.
constexpr const char* kWithoutIndex = R"sql(
WITH reference AS (
  SELECT m.name AS child, f.id AS id, f."table" AS parent, f."from" AS column
  FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'
), found AS (
  SELECT r.child, r.id FROM reference AS r, pragma_index_list(r.child) AS l,
    pragma_index_info(l.name) AS c
  WHERE l.partial = 0 AND c.seqno = 0 AND c.name = r.column COLLATE NOCASE
  UNION
  SELECT r.child, r.id FROM reference AS r, pragma_table_info(r.child) AS t
  WHERE t.pk = 1 AND t.type = 'INTEGER' COLLATE NOCASE AND t.name = r.column COLLATE NOCASE
)
SELECT child, parent, group_concat(column, char(10)) FROM reference
WHERE (child, id) NOT IN (SELECT child, id FROM found)
GROUP BY child, id ORDER BY child, id LIMIT 20
)sql";

std::string index_statement(const std::string& table, std::string_view columns) {
  std::string name = table;
  std::string list;
  while (!columns.empty()) {
    const std::string column(columns.substr(0, columns.find('\n')));
    columns.remove_prefix(std::min(column.size() + 1, columns.size()));
    name += '_' + column;
    (list += list.empty() ? "" : ", ") += sql_name(column);
  }
  return "CREATE INDEX " + sql_name(name) + " ON " + sql_name(table) + '(' + list + ')';
}

}  // namespace

Findings check_foreign_key_indexes(const Patient& patient) {
  const Content::Answer answer = patient.inside->ask(kWithoutIndex);
  if (!answer.problem.empty()) return {unanswered(answer)};
  if (answer.rows.empty()) return {pass("every foreign key has an index")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = counted(answer.rows.size(), "foreign key") + " without an index";
  for (const Content::Row& row : answer.rows) {
    finding.evidence.push_back(row[0] + " refers to " + row[1] + ": " +
                               index_statement(row[0], row[2]));
  }
  finding.cure =
      "Make the indexes. Without one, each row that is deleted from the other table makes SQLite "
      "read this whole table, and the write lock is held for as long.";
  return {finding};
}

}  // namespace turnstile::diagnose
