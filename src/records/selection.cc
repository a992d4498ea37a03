#include "turnstile/records/selection.h"

#include <algorithm>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/records/row_access.h"

namespace turnstile::detail {

namespace {

std::string where_clause(const ConditionText& condition) {
  return condition.sql.empty() ? "" : " WHERE " + condition.sql;
}

void bind_values(Statement& statement, const std::vector<Value>& values) {
  int index = 0;
  for (const Value& value : values)
    statement.bind(++index, value);
}

[[noreturn]] void raise_at(std::source_location where, std::string_view code, std::string message) {
  Call call;
  call.where = where;
  sqlite::raise_misuse(code, std::move(message), call);
}

void require_count(std::int64_t count, std::source_location where) {
  if (count >= 0) return;
  raise_at(where, code("OPTION_INVALID"),
           "a number of records is " + std::to_string(count) + "; it must be 0 or more");
}

std::int64_t run(WriteTx& tx, const std::string& sql, const std::vector<Value>& values) {
  Statement statement = tx.prepare(sql);
  bind_values(statement, values);
  while (statement.step()) {
  }
  return statement.result().changes;
}

}  // namespace

RowQuery::RowQuery(const Table& table, ConditionText condition)
    : table_(&table), condition_(std::move(condition)) {
  order_by({});
}

// The key follows in the same direction, so that an index which is read backwards serves it too.
void RowQuery::order_by(std::vector<OrderTerm> terms) {
  terms_ = std::move(terms);
  const bool descending = !terms_.empty() && terms_.back().descending;
  for (const std::size_t column : table_->key()) {
    const auto is_column = [column](const OrderTerm& term) { return term.column == column; };
    if (std::ranges::none_of(terms_, is_column)) terms_.push_back({column, descending});
  }
  start_.clear();
}

void RowQuery::limit(std::int64_t count, std::source_location where) {
  require_count(count, where);
  limit_ = count;
}

void RowQuery::start_after(std::vector<Value> values) {
  start_ = std::move(values);
}

// Rows that are behind the start in the terms from this one on. NULL is the least of all values.
ConditionText RowQuery::after_term(std::size_t term) const {
  const auto [column, descending] = terms_[term];
  const Value& start = start_[term];
  const bool from_null = std::holds_alternative<std::monostate>(start);
  const std::string name = table_->qualified(column);
  ConditionText behind;
  if (from_null)
    behind = {descending ? "FALSE" : name + " IS NOT NULL", {}};
  else
    behind = {name + (descending ? " < ?" : " > ?"), {start}};
  const bool nulls_follow = descending && !from_null && table_->columns()[column].storage.nullable;
  if (nulls_follow) behind = either(std::move(behind), {name + " IS NULL", {}});
  if (term + 1 == terms_.size()) return behind;

  ConditionText same =
      both(compare(*table_, column, Comparison::Equal, start), after_term(term + 1));
  ConditionText result = either(std::move(behind), std::move(same));
  // Says nothing new, but lets SQLite begin at the right place of an index.
  if (!from_null && !nulls_follow)
    result = both({name + (descending ? " <= ?" : " >= ?"), {start}}, std::move(result));
  return result;
}

ConditionText RowQuery::with_start() const {
  return start_.empty() ? condition_ : both(condition_, after_term(0));
}

void RowQuery::append_order(std::string& sql) const {
  std::string_view separator = " ORDER BY ";
  for (const auto& [column, descending] : terms_) {
    sql.append(separator).append(table_->qualified(column)).append(descending ? " DESC" : "");
    separator = ", ";
  }
}

// The limit is no parameter: SQLite looks at its value when it plans, and would compile the
// statement again at each execution (measured, 80,000 instructions).
Statement RowQuery::select(ReadTx& tx, std::optional<std::int64_t> limit) const {
  ConditionText started;
  if (!start_.empty()) started = with_start();
  const ConditionText& condition = start_.empty() ? condition_ : started;
  constexpr std::size_t kOrder = 200;
  std::string sql;
  sql.reserve(table_->select().size() + condition.sql.size() + kOrder);
  sql += table_->select();
  if (!condition.sql.empty()) sql.append(" WHERE ").append(condition.sql);
  append_order(sql);
  if (limit) sql.append(" LIMIT ").append(std::to_string(*limit));
  Statement statement = tx.prepare(sql);
  bind_values(statement, condition.values);
  return statement;
}

Statement RowQuery::first(ReadTx& tx) const {
  return select(tx, std::min<std::int64_t>(limit_.value_or(1), 1));
}

Statement RowQuery::count(ReadTx& tx) const {
  const ConditionText condition = with_start();
  Statement statement =
      tx.prepare("SELECT count(*) FROM " + table_->quoted_name() + where_clause(condition));
  bind_values(statement, condition.values);
  return statement;
}

Statement RowQuery::exists(ReadTx& tx) const {
  const ConditionText condition = with_start();
  Statement statement = tx.prepare("SELECT EXISTS (SELECT 1 FROM " + table_->quoted_name() +
                                   where_clause(condition) + ")");
  bind_values(statement, condition.values);
  return statement;
}

std::int64_t RowQuery::remove_beyond(WriteTx& tx, std::int64_t kept,
                                     std::source_location where) const {
  require_count(kept, where);
  const ConditionText condition = with_start();
  std::string sql = "DELETE FROM " + table_->quoted_name() + " WHERE (" + table_->qualified_key() +
                    ") IN (SELECT " + table_->qualified_key() + " FROM " + table_->quoted_name() +
                    where_clause(condition);
  append_order(sql);
  return run(tx, sql + " LIMIT -1 OFFSET " + std::to_string(kept) + ")", condition.values);
}

std::int64_t remove_rows(WriteTx& tx, const Table& table, const ConditionText& condition) {
  return run(tx, "DELETE FROM " + table.quoted_name() + where_clause(condition), condition.values);
}

std::int64_t update_rows(WriteTx& tx, const Table& table, const ConditionText& condition,
                         const std::vector<std::pair<std::size_t, Value>>& assignments, Moment now,
                         std::source_location where) {
  if (assignments.empty())
    raise_at(where, code("OPTION_INVALID"), "an update of records was asked for that sets nothing");
  std::string list;
  std::vector<Value> values;
  for (const auto& [column, value] : assignments) {
    append(list, table.quoted(column) + " = ?");
    values.push_back(value);
  }
  list = table.touch(std::move(list));
  if (table.has_update_time()) values.push_back(to_value(now));
  values.insert(values.end(), condition.values.begin(), condition.values.end());
  return run(tx, "UPDATE " + table.quoted_name() + " SET " + list + where_clause(condition),
             values);
}

void require_criterion(const ConditionText& condition, const Table& table,
                       std::source_location where) {
  if (!condition.sql.empty()) return;
  raise_at(where, code("RECORD_CRITERION"),
           "a change of all records of " + std::string(table.name()) +
               " was asked for by a condition that says nothing");
}

std::string select_listed(const Table& table, std::size_t column) {
  return "SELECT " + table.qualified_columns() +
         ", turnstile_list.\"key\" FROM json_each(?) AS turnstile_list CROSS JOIN " +
         table.quoted_name() + " ON " + table.qualified(column) + " = " +
         list_element(table.columns()[column].storage.type, "turnstile_list.value") +
         " ORDER BY turnstile_list.\"key\", " + table.qualified_key();
}

std::string select_related(const Table& links, std::size_t from, std::size_t to,
                           const ParentColumn& parent) {
  return "SELECT " + parent.table.qualified_columns() +
         ", turnstile_list.\"key\" FROM json_each(?) AS turnstile_list CROSS JOIN " +
         links.quoted_name() + " ON " + links.qualified(from) + " = " +
         list_element(links.columns()[from].storage.type, "turnstile_list.value") + " CROSS JOIN " +
         parent.table.quoted_name() + " ON " + parent.table.qualified(parent.column) + " = " +
         links.qualified(to) + " ORDER BY turnstile_list.\"key\", " + parent.table.qualified_key();
}

}  // namespace turnstile::detail
