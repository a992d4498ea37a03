#include "vectors/filter_sql.h"

#include <algorithm>
#include <utility>

#include "sqlite/error_code.h"
#include "vectors/fail.h"
#include "vectors/values.h"

namespace turnstile::vectors {

namespace {

constexpr std::size_t kMostValues = 1000;

const VectorColumn& find_column(const Tables& tables, const std::string& name) {
  const auto found = std::ranges::find(tables.columns, name, &VectorColumn::name);
  if (found != tables.columns.end()) return *found;
  std::string known;
  for (const VectorColumn& column : tables.columns)
    known += (known.empty() ? "" : ", ") + column.name;
  refuse(code("VECTOR_FILTER_INVALID"), "the collection has no column " + in_quotes(name),
         known.empty() ? "It has no columns at all." : "It has " + known + ".");
}

std::vector<Value> checked(const VectorColumn& column, const VectorCondition& condition) {
  if (condition.comparison != VectorComparison::OneOf && condition.values.size() != 1) {
    refuse(code("VECTOR_FILTER_INVALID"), "the comparison of the column " + in_quotes(column.name) +
                                              " has " + std::to_string(condition.values.size()) +
                                              " values instead of one");
  }
  if (condition.values.size() > kMostValues) {
    refuse(code("VECTOR_FILTER_INVALID"),
           "the column " + in_quotes(column.name) + " is compared with " +
               std::to_string(condition.values.size()) + " values; 1000 are allowed");
  }
  std::vector<Value> values;
  for (const Value& value : condition.values) {
    auto stored = stored_value(column.type, value);
    if (!stored) {
      refuse(code("VECTOR_FILTER_INVALID"), "the column " + in_quotes(column.name) + " of type " +
                                                std::string(to_string(column.type)) +
                                                " is compared with " +
                                                std::string(describe(value)));
    }
    values.push_back(*std::move(stored));
  }
  return values;
}

// vec0 0.1.9 fails at a stored text of twelve bytes when it looks for a greater or lesser one,
// takes a longer one for equal to what it begins with, and compares no further than a NUL.
bool text_is_known_to_vec0(VectorComparison comparison, const std::vector<Value>& values) {
  return (comparison == VectorComparison::Equal || comparison == VectorComparison::OneOf) &&
         std::ranges::all_of(values, [](const Value& value) {
           return std::get<std::string>(value).find('\0') == std::string::npos;
         });
}

// It takes lists of integers and of texts, but none for the partition.
bool is_known_to_vec0(const VectorColumn& column, bool of_partition, VectorComparison comparison,
                      const std::vector<Value>& values) {
  const bool one_of = comparison == VectorComparison::OneOf;
  if (of_partition) return !one_of;
  switch (column.type) {
    case VectorColumnType::Text:
      return text_is_known_to_vec0(comparison, values);
    case VectorColumnType::Real:
      return !one_of;
    default:
      return true;
  }
}

std::string_view spelling(VectorComparison comparison) noexcept {
  switch (comparison) {
    case VectorComparison::Equal:
      return " = ?";
    case VectorComparison::Less:
      return " < ?";
    case VectorComparison::AtMost:
      return " <= ?";
    case VectorComparison::Greater:
      return " > ?";
    case VectorComparison::AtLeast:
      return " >= ?";
    case VectorComparison::OneOf:
      break;
  }
  return "";
}

}  // namespace

void FilterSql::bind(Statement& statement, int first) const {
  for (const Value& value : values)
    statement.bind(first++, value);
}

Filter::Filter(const Tables& tables, const VectorDefinition& definition, const VectorFilter& filter)
    : tables_(tables) {
  for (const VectorCondition& condition : filter.conditions()) {
    const VectorColumn& column = find_column(tables, condition.column);
    std::vector<Value> values = checked(column, condition);
    const bool of_partition = definition.partition && column.name == definition.partition->name;
    if (values.empty()) matches_nothing_ = true;
    if (filter.conditions().size() == 1 && of_partition &&
        condition.comparison == VectorComparison::Equal) {
      partition_ = values.front();
    }
    const bool known_to_vec0 = is_known_to_vec0(column, of_partition, condition.comparison, values);
    conditions_.push_back(
        {sql_name(column.name), condition.comparison, std::move(values), known_to_vec0});
  }
}

void Filter::append(FilterSql& sql, const Condition& condition) {
  sql.clause += " AND " + condition.column;
  if (condition.comparison == VectorComparison::OneOf) {
    sql.clause += " IN (?";
    for (std::size_t i = 1; i < condition.values.size(); ++i)
      sql.clause += ", ?";
    sql.clause += ")";
  } else {
    sql.clause += spelling(condition.comparison);
  }
  sql.values.insert(sql.values.end(), condition.values.begin(), condition.values.end());
}

FilterSql Filter::for_items() const {
  FilterSql sql;
  for (const Condition& condition : conditions_)
    append(sql, condition);
  return sql;
}

FilterSql Filter::for_vec0() const {
  FilterSql known;
  FilterSql others;
  for (const Condition& condition : conditions_)
    append(condition.known_to_vec0 ? known : others, condition);
  if (!others.clause.empty()) {
    known.clause +=
        " AND slot IN (SELECT slot FROM " + tables_.item + " WHERE TRUE" + others.clause + ")";
    known.values.insert(known.values.end(), others.values.begin(), others.values.end());
  }
  return known;
}

}  // namespace turnstile::vectors
