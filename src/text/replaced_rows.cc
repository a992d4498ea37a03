#include "text/replaced_rows.h"

#include <set>

#include "text/sql.h"

namespace turnstile::text {

namespace {

/// The keys of the rows that are like the new one in what must be unique.
std::string collisions(const std::string& table, const TableFacts& facts,
                       const std::string& condition) {
  std::string text;
  for (const auto& columns : facts.unique) {
    if (!text.empty()) text += " UNION ";
    text += "SELECT " + sql_name(facts.key) + " FROM " + table + " WHERE ";
    std::string between;
    for (const UniqueColumn& column : columns) {
      text += between + sql_name(column.name) + " COLLATE " + sql_name(column.collation) +
              " = new." + sql_name(column.name);
      between = " AND ";
    }
    text += condition;
  }
  return text;
}

/// The columns of an UPDATE that can make a row collide.
std::string unique_columns(const TableFacts& facts) {
  std::set<std::string> names;
  for (const auto& columns : facts.unique)
    for (const UniqueColumn& column : columns)
      names.insert(sql_name(column.name));
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

ReplacedRows::ReplacedRows(const std::string& prefix, const std::string& index,
                           const std::string& table, const TableFacts& facts)
    : names_{prefix + "_collide_insert", prefix + "_replace_insert", prefix + "_collide_update",
             prefix + "_replace_update", prefix + "_replaced"} {
  if (facts.unique.empty()) return;
  const std::string key = sql_name(facts.key);
  const std::string noted = sql_name(names_.back());
  // Those that are there were not replaced after all; IGNORE or an UPDATE came of it. Those that
  // are not belong to a statement that this one is part of, as a trigger of the application's. (The
  // sign keeps SQLite from looking up each row of the table among the few that are noted.)
  const std::string forget =
      "DELETE FROM " + noted + " WHERE +key IN (SELECT " + key + " FROM " + table + ")";
  const auto note = [&](const std::string& condition) {
    return " ON " + table + " BEGIN " + forget + "; INSERT INTO " + noted + "(key) " +
           collisions(table, facts, condition) + "; END";
  };
  const std::string take_out =
      " ON " + table + " BEGIN DELETE FROM " + index + " WHERE rowid IN (SELECT key FROM " + noted +
      " WHERE key NOT IN (SELECT " + key + " FROM " + table + ")); DELETE FROM " + noted + "; END";
  const std::string of = "UPDATE OF " + unique_columns(facts);
  const std::string others = " AND " + key + " <> old." + key;
  objects_ = {{"table", names_.back(), "CREATE TABLE " + noted + "(key INTEGER PRIMARY KEY)"},
              make_trigger(names_[0], "BEFORE INSERT" + note("")),
              make_trigger(names_[1], "AFTER INSERT" + take_out),
              make_trigger(names_[2], "BEFORE " + of + note(others)),
              make_trigger(names_[3], "AFTER " + of + take_out)};
}

bool ReplacedRows::in_place(ReadTx& tx) const {
  std::map<std::string, std::string> expected;
  for (const SchemaObject& object : objects_)
    expected.emplace(object.name, object.sql);
  return stored_sql(tx, names_) == expected;
}

void ReplacedRows::create(WriteTx& tx) const {
  for (const SchemaObject& object : objects_)
    tx.execute(object.sql);
}

void ReplacedRows::drop(WriteTx& tx) const {
  for (const std::string& name : names_) {
    const bool is_table = name == names_.back();
    tx.execute((is_table ? "DROP TABLE IF EXISTS " : "DROP TRIGGER IF EXISTS ") + sql_name(name));
  }
}

}  // namespace turnstile::text
