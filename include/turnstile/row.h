// The current row of a running query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

#include "turnstile/value.h"

namespace turnstile {

/// A view of the row that a query stands on; reading it after the next step, or after the query's
/// end, is refused with MisuseError. Columns count from 0.
///
/// Every reader throws MisuseError: COLUMN_TYPE when the value is of another type or NULL,
/// COLUMN_RANGE when it does not fit, COLUMN_UNKNOWN for a column that is not there.
///
/// Threads: scoped.
class Row {
 public:
  explicit Row(const detail::StatementEntry* statement) noexcept;

  [[nodiscard]] int column_count() const;                        ///< Of the row.
  [[nodiscard]] std::string_view column_name(int column) const;  ///< As the statement names it.
  [[nodiscard]] ValueType type(int column) const;                ///< Of the value in this row.

  /// Views (std::string_view, BlobView) are valid until the next step.
  template <class T>
  [[nodiscard]] T get(int column) const {
    return detail::read_column<T>(current(), column);
  }
  template <class T>
  [[nodiscard]] T get(std::string_view name) const {
    return detail::read_column<T>(current(), column_index(name));
  }

  /// The first sizeof...(T) columns; the row must have exactly that many.
  template <class... T>
  [[nodiscard]] std::tuple<T...> as() const {
    const detail::StatementEntry& statement = current();
    require_columns(static_cast<int>(sizeof...(T)));
    return [&statement]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<T...>{detail::read_column<T>(statement, static_cast<int>(I))...};
    }(std::index_sequence_for<T...>{});
  }

 private:
  /// Throws MisuseError when the query does not stand on this row any more.
  [[nodiscard]] const detail::StatementEntry& current() const;
  [[nodiscard]] int column_index(std::string_view name) const;
  void require_columns(int count) const;

  const detail::StatementEntry* statement_;
  std::uint64_t generation_;  // Of the statement when it came to this row.
};

}  // namespace turnstile
