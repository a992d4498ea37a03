// A query that is run again after each change, whatever the types of its columns and parameters.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/transaction.h"

namespace turnstile::detail {

/// Threads: handed from the caller to the observer thread.
class ObservedQuery {
 public:
  explicit ObservedQuery(std::string sql) : sql_(std::move(sql)) {}
  virtual ~ObservedQuery() = default;
  ObservedQuery(const ObservedQuery&) = delete;
  ObservedQuery& operator=(const ObservedQuery&) = delete;

  [[nodiscard]] const std::string& sql() const noexcept { return sql_; }
  /// False when the rows are those that were delivered last.
  [[nodiscard]] virtual bool run(ReadTx& tx) = 0;
  /// Hands the rows of the last run to the callback.
  virtual void deliver() = 0;

 private:
  const std::string sql_;
};

/// A copy of an argument that refers to nothing.
template <class T>
[[nodiscard]] auto owned(const T& value) {
  if constexpr (std::is_pointer_v<std::decay_t<T>> && !std::is_array_v<T>)
    return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(value);
  else if constexpr (std::is_convertible_v<const T&, std::string_view>)
    return std::string(std::string_view(value));
  else if constexpr (BlobRange<T>)
    return std::vector(std::span(value).begin(), std::span(value).end());
  else
    return value;
}

/// Threads: as ObservedQuery.
template <class F, class Record, class Columns, class... Args>
class ObservedQueryOf;

template <class F, class Record, class... T, class... Args>
class ObservedQueryOf<F, Record, std::tuple<T...>, Args...> final : public ObservedQuery {
 public:
  ObservedQueryOf(std::string sql, F callback, Args... values)
      : ObservedQuery(std::move(sql)),
        callback_(std::move(callback)),
        values_(std::move(values)...) {}

  bool run(ReadTx& tx) override {
    std::vector<Record> rows = std::apply(
        [&](const Args&... values) { return tx.query<T...>(sql(), values...).all(); }, values_);
    if (rows_ == rows) return false;
    rows_ = std::move(rows);
    return true;
  }
  void deliver() override { callback_(std::as_const(*rows_)); }

 private:
  F callback_;
  const std::tuple<Args...> values_;
  std::optional<std::vector<Record>> rows_;
};

}  // namespace turnstile::detail
