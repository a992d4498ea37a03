// The conditions of a search, checked and made ready for SQL. Only names of columns that the
// collection declares and operators of this file get into a statement; values are bound.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "turnstile/statement.h"
#include "turnstile/vector_filter.h"
#include "vectors/tables.h"

namespace turnstile::vectors {

/// Threads: immutable.
struct FilterSql {
  /// ` AND "lang" = ? AND "year" >= ?`, with the values for it.
  std::string clause;
  std::vector<Value> values;

  void bind(Statement& statement, int first) const;
};

/// Threads: immutable.
class Filter {
 public:
  /// Throws MisuseError (VECTOR_FILTER_INVALID) for a column that is unknown or of another type.
  Filter(const Tables& tables, const VectorDefinition& definition, const VectorFilter& filter);

  [[nodiscard]] bool empty() const noexcept { return conditions_.empty(); }
  /// Some condition cannot hold at all.
  [[nodiscard]] bool matches_nothing() const noexcept { return matches_nothing_; }
  /// The one partition, when all that is asked for is that.
  [[nodiscard]] const std::optional<Value>& partition() const noexcept { return partition_; }

  /// For the table of items.
  [[nodiscard]] FilterSql for_items() const;
  /// For vec0, which cannot compare everything itself; the rest goes by the slots of items.
  [[nodiscard]] FilterSql for_vec0() const;

 private:
  struct Condition {
    std::string column;  // As in SQL.
    VectorComparison comparison;
    std::vector<Value> values;
    bool known_to_vec0;
  };

  static void append(FilterSql& sql, const Condition& condition);

  const Tables& tables_;
  std::vector<Condition> conditions_;
  std::optional<Value> partition_;
  bool matches_nothing_ = false;
};

}  // namespace turnstile::vectors
