#include <algorithm>
#include <set>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

// The foreign keys whose columns do not all stand at the beginning of an index, and whether some
// do. An index is as good where it is unique, and all of its columns are of the key: it leads to
// one row. A table's rowid does, too.
constexpr const char* kWithoutIndex = R"sql(
WITH reference AS (
  SELECT m.name AS child, f.id AS id, f."table" AS parent, f."from" AS column
  FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f WHERE m.type = 'table'
), key AS (
  SELECT child, id, parent, group_concat(column, char(10)) AS columns,
    count(DISTINCT lower(column)) AS size
  FROM reference GROUP BY child, id
), hit AS (
  SELECT DISTINCT r.child, r.id, l.name AS name, l."unique" AS is_unique, c.seqno AS place
  FROM reference AS r, pragma_index_list(r.child) AS l, pragma_index_info(l.name) AS c
  WHERE l.partial = 0 AND c.name = r.column COLLATE NOCASE
), covered AS (
  SELECT k.child, k.id FROM key AS k JOIN hit AS h USING (child, id)
  GROUP BY k.child, k.id, h.name
  HAVING sum(h.place < k.size) = k.size
    OR (h.is_unique AND count(*) = (SELECT count(*) FROM pragma_index_info(h.name)))
  UNION
  SELECT r.child, r.id FROM reference AS r, pragma_table_info(r.child) AS t
  WHERE t.pk = 1 AND t.type = 'INTEGER' COLLATE NOCASE AND t.name = r.column COLLATE NOCASE
    AND NOT EXISTS (SELECT 1 FROM pragma_table_info(r.child) WHERE pk = 2)
)
SELECT child, parent, columns,
  EXISTS (SELECT 1 FROM hit AS h WHERE h.child = k.child AND h.id = k.id AND h.place = 0)
FROM key AS k
WHERE (child, id) NOT IN (SELECT child, id FROM covered)
ORDER BY child, id LIMIT 20
)sql";

using Names = std::set<std::string>;

// SQLite's names are the same in capitals, as far as ASCII goes.
std::string folded(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

/// Tables, indexes and views share their names.
Names names_in_use(const Content& inside) {
  Names names;
  for (const Content::Row& row : inside.ask("SELECT name FROM sqlite_schema").rows)
    names.insert(folded(row.front()));
  return names;
}

std::string free_name(const std::string& wanted, Names& taken) {
  std::string name = wanted;
  for (int i = 2; !taken.insert(folded(name)).second; ++i)
    name = wanted + '_' + std::to_string(i);
  return name;
}

std::string index_statement(const std::string& table, std::string_view columns, Names& taken) {
  std::string name = table;
  std::string list;
  while (!columns.empty()) {
    const std::string column(columns.substr(0, columns.find('\n')));
    columns.remove_prefix(std::min(column.size() + 1, columns.size()));
    name += '_' + column;
    (list += list.empty() ? "" : ", ") += sql_name(column);
  }
  return "CREATE INDEX " + sql_name(free_name(name, taken)) + " ON " + sql_name(table) + '(' +
         list + ')';
}

}  // namespace

Findings check_foreign_key_indexes(const Patient& patient) {
  const Content::Answer answer = patient.inside->ask(kWithoutIndex);
  if (!answer.problem.empty()) return {unanswered(answer)};
  if (answer.rows.empty()) return {pass("every foreign key has an index")};
  Finding without;
  Finding partly;
  Names taken = names_in_use(*patient.inside);
  for (const Content::Row& row : answer.rows) {
    Finding& finding = row[3] == "1" ? partly : without;
    finding.evidence.push_back(row[0] + " refers to " + row[1] + ": " +
                               index_statement(row[0], row[2], taken));
  }
  Findings findings;
  if (!without.evidence.empty()) {
    without.title = counted(without.evidence.size(), "foreign key") + " without an index";
    without.cure =
        "Make the indexes. Without one, each row that is deleted from the other table makes SQLite "
        "read this whole table, and the write lock is held for as long.";
    findings.push_back(std::move(without));
  }
  if (!partly.evidence.empty()) {
    partly.title = counted(partly.evidence.size(), "foreign key") +
                   " partly covered: an index begins with some of the columns, none with all";
    partly.cure =
        "Make the indexes, unless few rows share what the present index begins with: each row that "
        "is deleted from the other table makes SQLite read all of those.";
    findings.push_back(std::move(partly));
  }
  for (Finding& finding : findings)
    finding.status = CheckStatus::Warn;
  return findings;
}

}  // namespace turnstile::diagnose
