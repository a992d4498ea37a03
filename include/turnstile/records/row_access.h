// Single steps of Records: values into a statement, a row into a record, what the library has set
// back into it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/records/condition.h"
#include "turnstile/records/layout.h"
#include "turnstile/transaction.h"

namespace turnstile::detail {

template <class R, class T>
concept RecordArgument = std::same_as<std::remove_cvref_t<R>, T>;

template <class R, class T>
concept RangeOf = std::ranges::forward_range<R> && std::same_as<std::ranges::range_value_t<R>, T>;

template <auto Member>
using PlainType = typename WithoutOptional<MemberType<Member>>::Type;

template <class T, auto Member>
concept IsCounter =
    std::same_as<RecordOf<Member>, T> && ColumnMember<Member> &&
    (Layout<T>::kSpecs[Layout<T>::template index_of<Member>()].role == Role::Counter);

/// What is added to a counter.
template <auto Member>
using StepOf =
    std::conditional_t<std::is_integral_v<MemberType<Member>>, std::int64_t, MemberType<Member>>;

template <class T, auto Member>
concept IsReference = std::same_as<RecordOf<Member>, T> && ColumnMember<Member> &&
                      !std::is_void_v<typename Layout<T>::template ColumnAt<
                          Layout<T>::template index_of<Member>()>::ParentRecord>;

// Statements about one row.

template <class T>
ExecuteResult insert_values(Statement& statement, const T& record, Moment now) {
  return with_insert_values(record, now,
                            [&](const auto&... values) { return statement.execute(values...); });
}

/// The rowid, which the record's key can have: it is asked here, while it can be undone.
template <class T>
[[nodiscard]] std::int64_t insert_one(Statement& statement, const T& record, Moment now) {
  const std::int64_t rowid = insert_values(statement, record, now).last_insert_rowid;
  if constexpr (Layout<T>::kGeneratesKey) static_cast<void>(to_key<typename KeyOf<T>::Type>(rowid));
  return rowid;
}

/// The number of rows that were updated.
template <class T>
std::int64_t update_values(Statement& statement, const T& record, Moment now) {
  return with_update_values(record, now,
                            [&](const auto&... values) { return statement.execute(values...); })
      .changes;
}

template <class... Values>
std::int64_t execute(Statement& statement, const std::tuple<Values...>& values) {
  return std::apply([&](const auto&... value) { return statement.execute(value...); }, values)
      .changes;
}
template <class... Values>
std::int64_t execute(WriteTx& tx, const std::string& sql, const std::tuple<Values...>& values) {
  Statement statement = tx.prepare(sql);
  return execute(statement, values);
}

template <class... Values>
[[nodiscard]] Rows<> query(Statement& statement, const std::tuple<Values...>& values) {
  return std::apply([&](const auto&... value) { return statement.query<>(value...); }, values);
}

template <class T, class... Values>
[[nodiscard]] std::optional<T> read_first(Statement& statement,
                                          const std::tuple<Values...>& values) {
  for (const Row row : query(statement, values))
    return read_record<T>(row);
  return std::nullopt;
}

template <class... Values>
[[nodiscard]] bool exists(ReadTx& tx, const std::string& sql, const std::tuple<Values...>& values) {
  Statement statement = tx.prepare(sql);
  auto rows = query(statement, values);
  return rows.begin() != rows.end();
}

template <class T, class M>
[[nodiscard]] std::optional<M> increment(Statement& statement, const auto& by, Moment now,
                                         const typename KeyOf<T>::Type& key) {
  auto values = std::tuple_cat(
      std::tie(by),
      [&] {
        if constexpr (constexpr std::size_t kUpdated = Layout<T>::find(Role::Updated);
                      kUpdated != kNoColumn)
          return std::tuple(to_stamp<typename Layout<T>::template TypeAt<kUpdated>>(now));
        else
          return std::tuple<>();
      }(),
      key_values<T>(key));
  for (const Row row : query(statement, values))
    return row.get<M>(0);
  return std::nullopt;
}

// The record's side of INSERT and UPDATE.

/// The key of the row; a record that is no constant is told what the library has set.
template <class T, class R>
[[nodiscard]] typename KeyOf<T>::Type take_inserted(R& record,
                                                    const Stamped<std::int64_t>& inserted) {
  using Key = typename KeyOf<T>::Type;
  if constexpr (!std::is_const_v<R>) {
    fill_inserted(record, inserted);
  } else if constexpr (Layout<T>::kGeneratesKey) {
    if (is_zero_key(key_of<T>(record))) return to_key<Key>(inserted.value);
  }
  return key_of<T>(record);
}

// Upsert: which columns the row has in another way than the record, and are asked for.

template <class T, auto... Target>
[[nodiscard]] constexpr bool is_unique_target() {
  using L = Layout<T>;
  if constexpr (sizeof...(Target) == 0) {
    return true;
  } else if constexpr (!(ColumnMember<Target> && ...) ||
                       !(std::same_as<RecordOf<Target>, T> && ...)) {
    return false;
  } else {
    const auto is_target_of = []<auto... Members>(const Index<Members...>& index) {
      const auto is_among = [](auto wanted) {
        return (std::same_as<decltype(wanted), Constant<Members>*> || ...);
      };
      return index.is_unique && index.condition.empty() &&
             sizeof...(Members) == sizeof...(Target) &&
             (is_among(static_cast<Constant<Target>*>(nullptr)) && ...);
    };
    const auto fits = [&](const auto& part) {
      if constexpr (requires { is_target_of(part); })
        return is_target_of(part);
      else
        return false;
    };
    const auto spec = [](std::size_t column) { return L::kSpecs[column]; };
    if (sizeof...(Target) == 1 && (spec(L::template index_of<Target>()).is_unique && ...))
      return true;
    if (sizeof...(Target) == L::count_keys() &&
        (spec(L::template index_of<Target>()).is_key && ...))
      return true;
    return std::apply([&](const auto&... part) { return (fits(part) || ...); }, L::kSpec.parts);
  }
}

[[nodiscard]] constexpr bool is_returned(const ColumnSpec& spec, bool with_key) noexcept {
  return (spec.is_key && with_key) || spec.role == Role::Version || spec.role == Role::Created;
}

/// Where the key is not what the record says.
template <class T, auto... Target>
inline constexpr bool kReturnsKey = Layout<T>::kGeneratesKey || (sizeof...(Target) > 0);

template <class T, bool WithKey, std::size_t... I>
[[nodiscard]] auto returned_values(std::index_sequence<I...>) {
  using L = Layout<T>;
  return std::tuple_cat(
      std::conditional_t<is_returned(L::kSpecs[I], WithKey),
                         std::tuple<typename L::template TypeAt<I>>, std::tuple<>>{}...);
}

/// The columns that the upsert gives, in their order.
template <class T, auto... Target>
struct ReturnedBy {
  using Type =
      decltype(returned_values<T, kReturnsKey<T, Target...>>(typename Layout<T>::Indices{}));
};

template <class T, auto... Target>
[[nodiscard]] std::string upsert_sql() {
  using L = Layout<T>;
  std::vector<std::size_t> target{L::template index_of<Target>()...};
  std::vector<std::size_t> returned;
  for (std::size_t i = 0; i < L::kCount; ++i)
    if (is_returned(L::kSpecs[i], kReturnsKey<T, Target...>)) returned.push_back(i);
  if (target.empty()) target = table_of<T>().key();
  return table_of<T>().upsert(target, returned);
}

template <class R, class T>
[[nodiscard]] R upsert_values(Statement& statement, const T& record, Moment now) {
  return with_insert_values(record, now, [&](const auto&... values) {
    if constexpr (std::tuple_size_v<R> == 0) {
      statement.execute(values...);
      return R{};
    } else {
      return [&]<class... M>(std::type_identity<std::tuple<M...>>) {
        return statement.query<>(values...).begin().operator*().template as<M...>();
      }(std::type_identity<R>());
    }
  });
}

template <class T, auto... Target>
void fill_upserted(T& record, const typename ReturnedBy<T, Target...>::Type& returned,
                   [[maybe_unused]] Moment now) {
  using L = Layout<T>;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto fill = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      if constexpr (is_returned(L::kSpecs[J], kReturnsKey<T, Target...>)) {
        constexpr std::size_t kPlace = [] {
          std::size_t place = 0;
          for (std::size_t i = 0; i < J; ++i)
            if (is_returned(L::kSpecs[i], kReturnsKey<T, Target...>)) ++place;
          return place;
        }();
        L::template member<J>(record) = std::get<kPlace>(returned);
      } else if constexpr (L::kSpecs[J].role == Role::Updated) {
        L::template member<J>(record) = to_stamp<typename L::template TypeAt<J>>(now);
      }
    };
    (fill(std::integral_constant<std::size_t, I>()), ...);
  }(typename L::Indices{});
}

template <class T, auto... Target, class R>
[[nodiscard]] typename KeyOf<T>::Type take_upserted(
    R& record, const Stamped<typename ReturnedBy<T, Target...>::Type>& done) {
  if constexpr (std::is_const_v<R>) {
    T copy = record;
    return take_upserted<T, Target...>(copy, done);
  } else {
    fill_upserted<T, Target...>(record, done.value, done.now);
    return key_of<T>(record);
  }
}

// Batches.

/// Throws the error that is being handled on, as one of the element of that number. Errors that
/// are not about it, such as a full disk, stay what they are.
[[noreturn]] void rethrow_for_element(std::size_t index, const Table& table,
                                      const std::vector<Value>& key);

/// Calls `write` for each record; all of them are undone when it throws.
template <class R, class F>
void for_each_of_batch(WriteTx& tx, const Table& table, const R& records, const F& write) {
  Savepoint part = tx.savepoint();
  std::size_t index = 0;
  for (const auto& record : records) {
    try {
      write(record);
    } catch (...) {
      std::vector<Value> key;
      for (const std::size_t column : table.key())
        key.push_back(value_at(record, column));
      rethrow_for_element(index, table, key);
    }
    ++index;
  }
  part.release();
}

/// Calls `fill(record, index)` for each record, unless they are constants.
template <class R, class F>
void for_each_variable(R& records, const F& fill) {
  if constexpr (!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R&>>>) {
    std::size_t index = 0;
    for (auto& record : records)
      fill(record, index++);
  }
}

// Queries with a list of keys, whose rows end with the place in the list that they belong to.

/// Rows of `table` by a column.
[[nodiscard]] std::string select_listed(const Table& table, std::size_t column);
/// Rows that a link table gives for one of its two columns: those that `to` refers to.
[[nodiscard]] std::string select_related(const Table& links, std::size_t from, std::size_t to,
                                         const ParentColumn& parent);

/// What belongs to each of `keys`.
template <class T>
[[nodiscard]] std::vector<std::vector<T>> read_lists(ReadTx& tx, const std::string& sql,
                                                     const std::vector<Value>& keys) {
  std::vector<std::vector<T>> lists(keys.size());
  Statement statement = tx.prepare(sql);
  for (const Row row : statement.query<>(list_parameter(keys))) {
    auto [record, place] = read_record<T, std::size_t>(row);
    lists.at(place).push_back(std::move(record));
  }
  return lists;
}

// Statements with a condition.

/// Throws MisuseError (RECORD_CRITERION).
void require_criterion(const ConditionText& condition, const Table& table,
                       std::source_location where);
std::int64_t remove_rows(WriteTx& tx, const Table& table, const ConditionText& condition);
/// Throws MisuseError (OPTION_INVALID) without an assignment.
std::int64_t update_rows(WriteTx& tx, const Table& table, const ConditionText& condition,
                         const std::vector<std::pair<std::size_t, Value>>& assignments, Moment now,
                         std::source_location where);

}  // namespace turnstile::detail
