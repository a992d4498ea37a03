// The records that fulfil a condition, in an order, up to a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/records/condition.h"

namespace turnstile {

namespace detail {

struct OrderTerm {
  std::size_t column;
  bool descending;
};

/// A query for rows of one table. Rows that are the same in all that was asked for are ordered by
/// their key, in the direction of the last term, so that there is one order only.
///
/// Threads: immutable.
class RowQuery {
 public:
  RowQuery(const Table& table, ConditionText condition);

  [[nodiscard]] const Table& table() const noexcept { return *table_; }
  void order_by(std::vector<OrderTerm> terms);
  /// Throws MisuseError (OPTION_INVALID) for a negative number.
  void limit(std::int64_t count, std::source_location where);
  /// By what rows are ordered, the key included: what start_after() needs the values of.
  [[nodiscard]] const std::vector<OrderTerm>& terms() const noexcept { return terms_; }
  /// Only rows that come after one with these values, one for each of the terms.
  void start_after(std::vector<Value> values);

  // Statements with their values bound.

  [[nodiscard]] Statement select(ReadTx& tx) const { return select(tx, limit_); }
  [[nodiscard]] Statement first(ReadTx& tx) const;
  [[nodiscard]] Statement count(ReadTx& tx) const;
  [[nodiscard]] Statement exists(ReadTx& tx) const;

  /// Removes what comes after the first `kept` rows; how many that were.
  std::int64_t remove_beyond(WriteTx& tx, std::int64_t kept, std::source_location where) const;

 private:
  [[nodiscard]] Statement select(ReadTx& tx, std::optional<std::int64_t> limit) const;
  [[nodiscard]] ConditionText with_start() const;
  [[nodiscard]] ConditionText after_term(std::size_t term) const;
  void append_order(std::string& sql) const;

  const Table* table_;
  ConditionText condition_;
  std::vector<OrderTerm> terms_;
  std::vector<Value> start_;
  std::optional<std::int64_t> limit_;
};

}  // namespace detail

/// A query for records, made by Records::where() and select(). Each function gives a changed copy;
/// nothing is read before one of the last group is called. Those without a transaction make one of
/// their own. All of them throw what Lane::read() does, and what reading a row does.
///
/// Threads: immutable.
template <Described T>
class Selection {
 public:
  Selection(Lane lane, Condition<T> condition)  ///< By Records::where().
      : lane_(std::move(lane)), query_(detail::table_of<T>(), std::move(condition).text()) {}

  /// By these fields, and then by the key in the direction of the last one. Without it, by the key.
  template <class... Terms>
    requires(sizeof...(Terms) > 0 && (std::is_convertible_v<Terms, Order<T>> && ...))
  [[nodiscard]] Selection order_by(const Terms&... terms) && {
    query_.order_by({to_term(terms)...});
    return std::move(*this);
  }
  template <class... Terms>
    requires(sizeof...(Terms) > 0 && (std::is_convertible_v<Terms, Order<T>> && ...))
  [[nodiscard]] Selection order_by(const Terms&... terms) const& {
    return Selection(*this).order_by(terms...);
  }
  /// At most so many. Throws MisuseError (OPTION_INVALID) for a negative number.
  [[nodiscard]] Selection limit(std::int64_t count,
                                std::source_location where = std::source_location::current()) && {
    query_.limit(count, where);
    return std::move(*this);
  }
  [[nodiscard]] Selection limit(
      std::int64_t count, std::source_location where = std::source_location::current()) const& {
    return Selection(*this).limit(count, where);
  }
  /// Only those that come after `record` in this order: the next page, when it is the last one of
  /// this page. It is found by its values, so that it does not matter whether it is still there,
  /// and nothing is skipped or seen twice when others insert and remove meanwhile.
  [[nodiscard]] Selection after(const T& record) const {
    Selection copy = *this;
    std::vector<Value> values;
    for (const detail::OrderTerm& term : query_.terms())
      values.push_back(detail::value_at(record, term.column));
    copy.query_.start_after(std::move(values));
    return copy;
  }

  [[nodiscard]] std::vector<T> all(ReadTx& tx) const {  ///< All of them, in their order.
    std::vector<T> records;
    Statement statement = query_.select(tx);
    while (statement.step())
      records.push_back(detail::read_record<T>(statement.row()));
    return records;
  }
  [[nodiscard]] std::vector<T> all(
      std::source_location where = std::source_location::current()) const {
    return lane_.read([this](ReadTx& tx) { return all(tx); }, where);
  }

  [[nodiscard]] std::optional<T> first(ReadTx& tx) const {  ///< The first of them, if any.
    Statement statement = query_.first(tx);
    if (!statement.step()) return std::nullopt;
    return detail::read_record<T>(statement.row());
  }
  [[nodiscard]] std::optional<T> first(
      std::source_location where = std::source_location::current()) const {
    return lane_.read([this](ReadTx& tx) { return first(tx); }, where);
  }

  /// Calls `use(T&&)` with one record after the other, as they are read: for more than memory
  /// takes. `use` must not change the table.
  template <class F>
  void for_each(ReadTx& tx, F&& use) const {
    Statement statement = query_.select(tx);
    while (statement.step())
      use(detail::read_record<T>(statement.row()));
  }

  /// How many there are, whatever the limit.
  [[nodiscard]] std::int64_t count(ReadTx& tx) const {
    Statement statement = query_.count(tx);
    statement.step();
    return statement.row().get<std::int64_t>(0);
  }
  [[nodiscard]] std::int64_t count(
      std::source_location where = std::source_location::current()) const {
    return lane_.read([this](ReadTx& tx) { return count(tx); }, where);
  }

  [[nodiscard]] bool exists(ReadTx& tx) const {  ///< Whether there is any.
    Statement statement = query_.exists(tx);
    statement.step();
    return statement.row().get<bool>(0);
  }
  [[nodiscard]] bool exists(std::source_location where = std::source_location::current()) const {
    return lane_.read([this](ReadTx& tx) { return exists(tx); }, where);
  }

  /// Keeps the first `kept` of them, whatever the limit, and removes the others; how many that
  /// were. Throws MisuseError (OPTION_INVALID) for a negative number, and as Records::remove().
  std::int64_t remove_beyond(WriteTx& tx, std::int64_t kept,
                             std::source_location where = std::source_location::current()) const {
    return query_.remove_beyond(tx, kept, where);
  }
  std::int64_t remove_beyond(std::int64_t kept,
                             std::source_location where = std::source_location::current()) const {
    return lane_.write([&](WriteTx& tx) { return remove_beyond(tx, kept, where); }, where);
  }

 private:
  [[nodiscard]] static detail::OrderTerm to_term(const Order<T>& order) noexcept {
    return {order.column(), order.is_descending()};
  }

  Lane lane_;
  detail::RowQuery query_;
};

}  // namespace turnstile
