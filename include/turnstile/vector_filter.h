// Conditions on the columns of a collection of vectors, which a search applies before it counts.
#pragma once

#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/value.h"

namespace turnstile {

/// How a column is compared. Texts are compared byte by byte.
enum class VectorComparison { Equal, Less, AtMost, Greater, AtLeast, OneOf };

/// One condition. All but OneOf have exactly one value.
///
/// Threads: immutable.
struct VectorCondition {
  std::string column;
  VectorComparison comparison = VectorComparison::Equal;
  std::vector<Value> values;

  bool operator==(const VectorCondition&) const = default;
};

/// Conditions that have to hold all together; none of them at first. Columns and the types of the
/// values are checked by the search, whose collection knows them.
///
/// Threads: confined.
class VectorFilter {
 public:
  VectorFilter& equal(std::string column, Value value);     ///< `column = value`.
  VectorFilter& less(std::string column, Value value);      ///< `column < value`.
  VectorFilter& at_most(std::string column, Value value);   ///< `column <= value`.
  VectorFilter& greater(std::string column, Value value);   ///< `column > value`.
  VectorFilter& at_least(std::string column, Value value);  ///< `column >= value`.
  /// Equal to any of the values; to none of none.
  VectorFilter& one_of(std::string column, std::vector<Value> values);
  /// In the order in which they were given.
  [[nodiscard]] const std::vector<VectorCondition>& conditions() const noexcept {
    return conditions_;
  }
  [[nodiscard]] bool empty() const noexcept { return conditions_.empty(); }  ///< Has no conditions.

  /// Reads conditions as SQL spells them: `lang = 'de' AND year BETWEEN 2020 AND 2024`. Known are
  /// `= < <= > >=`, BETWEEN, IN (...) and AND; 'texts', integers and real numbers; columns as they
  /// are or in double quotes. A text of blanks is a filter without conditions. Nothing of it gets
  /// into SQL. Throws MisuseError (VECTOR_FILTER_INVALID), which says where and what is expected.
  [[nodiscard]] static VectorFilter parse(
      std::string_view text, std::source_location where = std::source_location::current());

 private:
  VectorFilter& add(std::string column, VectorComparison comparison, std::vector<Value> values);

  std::vector<VectorCondition> conditions_;
};

}  // namespace turnstile
