// A described record as the compiler sees it: which member is which column, what is bound to a
// statement and read from a row. It comes to the same code as a list of members written by hand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/records/description.h"
#include "turnstile/records/storage.h"
#include "turnstile/records/table.h"
#include "turnstile/statement.h"

namespace turnstile::detail {

template <class Part>
inline constexpr bool is_column = false;
template <auto Member, class Parent, auto ParentMember>
inline constexpr bool is_column<Column<Member, Parent, ParentMember>> = true;

template <bool Keep, class Part>
[[nodiscard]] constexpr auto tuple_if(const Part& part) {
  if constexpr (Keep)
    return std::tuple<Part>(part);
  else
    return std::tuple<>();
}

template <class... Parts>
[[nodiscard]] constexpr auto columns_of(const std::tuple<Parts...>& parts) {
  return std::apply(
      [](const Parts&... part) {
        return std::tuple_cat(tuple_if<is_column<Parts>, Parts>(part)...);
      },
      parts);
}

template <auto>
struct Constant;

inline constexpr auto kNoColumn = static_cast<std::size_t>(-1);

/// Threads: immutable.
template <class T>
struct Layout {
  static constexpr auto kSpec = Describe<T>::table();
  static constexpr auto kColumns = columns_of(kSpec.parts);
  using Columns = std::remove_const_t<decltype(kColumns)>;
  static constexpr std::size_t kCount = std::tuple_size_v<Columns>;
  using Indices = std::make_index_sequence<kCount>;

  template <std::size_t I>
  using ColumnAt = std::tuple_element_t<I, Columns>;
  template <std::size_t I>
  using TypeAt = typename ColumnAt<I>::Type;

  static constexpr std::array<ColumnSpec, kCount> kSpecs = std::apply(
      [](const auto&... column) { return std::array<ColumnSpec, kCount>{column.spec...}; },
      kColumns);
  static constexpr bool kWithoutRowid = std::apply(
      [](const auto&... part) {
        return (std::is_same_v<std::decay_t<decltype(part)>, WithoutRowid> || ...);
      },
      kSpec.parts);

  /// kNoColumn for a member that is not described.
  template <auto Member>
  [[nodiscard]] static constexpr std::size_t index_of() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      std::size_t found = kNoColumn;
      ((std::is_same_v<Constant<Member>, Constant<ColumnAt<I>::kMember>> ? found = I : found), ...);
      return found;
    }(Indices{});
  }

  [[nodiscard]] static constexpr std::size_t count(Role role) {
    std::size_t result = 0;
    for (const ColumnSpec& spec : kSpecs)
      result += spec.role == role ? 1 : 0;
    return result;
  }
  [[nodiscard]] static constexpr std::size_t find(Role role) {
    for (std::size_t i = 0; i < kCount; ++i)
      if (kSpecs[i].role == role) return i;
    return kNoColumn;
  }
  [[nodiscard]] static constexpr std::size_t count_keys() {
    std::size_t result = 0;
    for (const ColumnSpec& spec : kSpecs)
      result += spec.is_key ? 1 : 0;
    return result;
  }
  [[nodiscard]] static constexpr std::size_t first_key() {
    for (std::size_t i = 0; i < kCount; ++i)
      if (kSpecs[i].is_key) return i;
    return kNoColumn;
  }
  [[nodiscard]] static constexpr bool has_names_twice() {
    for (std::size_t i = 0; i < kCount; ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (is_same_name(kSpecs[i].name, kSpecs[j].name)) return true;
    return false;
  }
  [[nodiscard]] static constexpr bool has_members_twice() {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return ((index_of<ColumnAt<I>::kMember>() != I) || ...);
    }(Indices{});
  }
  [[nodiscard]] static constexpr bool has_keys_with_roles() {
    for (const ColumnSpec& spec : kSpecs)
      if (spec.is_key && spec.role != Role::Plain) return true;
    return false;
  }
  [[nodiscard]] static constexpr bool can_update() {
    for (const ColumnSpec& spec : kSpecs)
      if (is_settable(spec) || spec.role == Role::Version) return true;
    return false;
  }

  static_assert(count_keys() > 0, "a table needs a column with primary_key()");
  static_assert(!has_names_twice(), "two columns have the same name");
  static_assert(!has_members_twice(), "a member is described twice");
  static_assert(!has_keys_with_roles(), "the library sets versions, times and counters, not keys");
  static_assert(count(Role::Version) <= 1, "there is one version to a record");
  static_assert(count(Role::Created) <= 1 && count(Role::Updated) <= 1,
                "there is one time of creation and one of the last update to a record");

  static constexpr std::size_t kKey = first_key();  ///< The first column of the key.
  static constexpr bool kHasSingleKey = count_keys() == 1;
  static constexpr bool kGeneratesKey =
      kHasSingleKey && !kWithoutRowid && kStorage<TypeAt<kKey>>.type == ValueType::Integer;
  static constexpr bool kHasVersion = count(Role::Version) > 0;
  static constexpr bool kHasTimes = count(Role::Created) + count(Role::Updated) > 0;
  static_assert(kGeneratesKey || !kSpecs[kKey].never_reused,
                "only a single key that is stored as INTEGER can be one that is never reused");

  template <std::size_t I>
  [[nodiscard]] static constexpr auto& member(auto& record) {
    return record.*ColumnAt<I>::kMember;
  }
};

/// The values of the key columns: the only one itself, several as a tuple in their order.
template <class T>
struct KeyOf {
  template <std::size_t... I>
  [[nodiscard]] static auto tuple(std::index_sequence<I...>) {
    using L = Layout<T>;
    return std::tuple_cat(
        std::conditional_t<L::kSpecs[I].is_key, std::tuple<typename L::template TypeAt<I>>,
                           std::tuple<>>{}...);
  }
  using Tuple = decltype(tuple(typename Layout<T>::Indices{}));
  using Type = std::conditional_t<Layout<T>::kHasSingleKey, std::tuple_element_t<0, Tuple>, Tuple>;
};

/// The key's values as a tuple of references.
template <class T>
[[nodiscard]] auto key_values(const typename KeyOf<T>::Type& key) {
  if constexpr (Layout<T>::kHasSingleKey)
    return std::tie(key);
  else
    return std::apply([](const auto&... value) { return std::tie(value...); }, key);
}

/// What writing gave, and the time that was written.
template <class V>
struct Stamped {
  V value{};
  Moment now{};
};

// What is bound, column by column.

template <class T, std::size_t I>
[[nodiscard]] decltype(auto) value_to_insert(const T& record, Moment now) {
  using L = Layout<T>;
  using M = typename L::template TypeAt<I>;
  if constexpr (L::kGeneratesKey && I == L::kKey)
    return is_zero_key(L::template member<I>(record)) ? std::optional<M>()
                                                      : L::template member<I>(record);
  else if constexpr (L::kSpecs[I].role == Role::Version)
    return M{1};
  else if constexpr (L::kSpecs[I].role == Role::Created || L::kSpecs[I].role == Role::Updated)
    return to_stamp<M>(now);
  else
    return (L::template member<I>(record));
}

template <class T, std::size_t I>
[[nodiscard]] auto value_to_set(const T& record, [[maybe_unused]] Moment now) {
  using L = Layout<T>;
  using M = typename L::template TypeAt<I>;
  if constexpr (!is_settable(L::kSpecs[I]))
    return std::tuple<>();
  else if constexpr (L::kSpecs[I].role == Role::Updated)
    return std::tuple<M>(to_stamp<M>(now));
  else
    return std::tuple<const M&>(L::template member<I>(record));
}

template <class T, std::size_t I>
[[nodiscard]] auto value_of_key(const T& record) {
  using L = Layout<T>;
  if constexpr (L::kSpecs[I].is_key)
    return std::tie(L::template member<I>(record));
  else
    return std::tuple<>();
}

template <class T>
[[nodiscard]] auto value_of_version(const T& record) {
  using L = Layout<T>;
  if constexpr (L::kHasVersion)
    return std::tie(L::template member<L::find(Role::Version)>(record));
  else
    return std::tuple<>();
}

/// Calls `use` with the values of INSERT.
template <class T, class F>
decltype(auto) with_insert_values(const T& record, Moment now, F&& use) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
    return use(value_to_insert<T, I>(record, now)...);
  }(typename Layout<T>::Indices{});
}

/// Calls `use` with the values of UPDATE.
template <class T, class F>
decltype(auto) with_update_values(const T& record, Moment now, F&& use) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
    return std::apply(std::forward<F>(use),
                      std::tuple_cat(value_to_set<T, I>(record, now)...,
                                     value_of_key<T, I>(record)..., value_of_version(record)));
  }(typename Layout<T>::Indices{});
}

template <class T>
[[nodiscard]] typename KeyOf<T>::Type key_of(const T& record) {
  const auto values = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple_cat(value_of_key<T, I>(record)...);
  }(typename Layout<T>::Indices{});
  if constexpr (Layout<T>::kHasSingleKey)
    return std::get<0>(values);
  else
    return values;
}

/// Gives a record what its row has got from the library.
template <class T>
void fill_inserted(T& record, const Stamped<std::int64_t>& inserted) {
  using L = Layout<T>;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto fill = [&]<std::size_t J>(std::integral_constant<std::size_t, J>) {
      using M = typename L::template TypeAt<J>;
      auto& member = L::template member<J>(record);
      if constexpr (L::kGeneratesKey && J == L::kKey) {
        if (is_zero_key(member)) member = to_key<M>(inserted.value);
      } else if constexpr (L::kSpecs[J].role == Role::Version) {
        member = M{1};
      } else if constexpr (L::kSpecs[J].role == Role::Created ||
                           L::kSpecs[J].role == Role::Updated) {
        member = to_stamp<M>(inserted.now);
      }
    };
    (fill(std::integral_constant<std::size_t, I>()), ...);
  }(typename L::Indices{});
}

template <class T>
void fill_updated(T& record, Moment now) {
  using L = Layout<T>;
  if constexpr (L::kHasVersion) ++L::template member<L::find(Role::Version)>(record);
  if constexpr (constexpr std::size_t kUpdated = L::find(Role::Updated); kUpdated != kNoColumn)
    L::template member<kUpdated>(record) = to_stamp<typename L::template TypeAt<kUpdated>>(now);
}

// What is read.

/// A record from all columns of a row, and what stands behind them.
template <class T, class... More>
[[nodiscard]] auto read_record(const Row& row) {
  using L = Layout<T>;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto values = row.template as<typename L::template TypeAt<I>..., More...>();
    T record{};
    ((L::template member<I>(record) = std::move(std::get<I>(values))), ...);
    if constexpr (sizeof...(More) == 0)
      return record;
    else
      return std::pair<T, std::tuple_element_t<0, std::tuple<More...>>>(
          std::move(record), std::move(std::get<L::kCount>(values)));
  }(typename L::Indices{});
}

/// A column of a record, as a value.
template <class T>
[[nodiscard]] Value value_at(const T& record, std::size_t column) {
  using L = Layout<T>;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    Value value;
    ((I == column ? void(value = to_value(L::template member<I>(record))) : void()), ...);
    return value;
  }(typename L::Indices{});
}

// The description for code that knows no types.

template <class T>
[[nodiscard]] const Table& table_of();

template <class C>
[[nodiscard]] ParentColumn parent_of() {
  using Parent = typename C::ParentRecord;
  using L = Layout<Parent>;
  static_assert(Described<Parent>, "references<P>() needs a description of P");
  constexpr bool kIsKey = std::is_null_pointer_v<std::remove_const_t<decltype(C::kParentMember)>>;
  static_assert(!kIsKey || L::kHasSingleKey,
                "P has a key of several columns; name a unique member: references<P, &P::x>()");
  constexpr std::size_t kColumn = [] {
    if constexpr (kIsKey)
      return L::kKey;
    else
      return L::template index_of<C::kParentMember>();
  }();
  static_assert(kColumn != kNoColumn, "the member that is referred to is not described");
  static_assert(std::is_same_v<typename C::Value, typename L::template TypeAt<kColumn>>,
                "a reference has the type of what it refers to");
  return {table_of<Parent>(), kColumn};
}

template <class T, auto... Members>
[[nodiscard]] IndexInfo index_info(const Index<Members...>& index) {
  static_assert(((Layout<T>::template index_of<Members>() != kNoColumn) && ...),
                "an index is over members that are described");
  return {std::string(index.name),
          index.is_unique,
          index.condition,
          {Layout<T>::template index_of<Members>()...}};
}

/// Adds a part of the description.
template <class T, class Part>
void add_part(TableInfo& info, const Part& part) {
  if constexpr (is_column<Part>) {
    ColumnInfo column{part.spec, kStorage<typename Part::Type>, nullptr};
    if constexpr (!std::is_void_v<typename Part::ParentRecord>) column.parent = &parent_of<Part>;
    info.columns.push_back(column);
  } else if constexpr (std::is_same_v<Part, TableCheck>) {
    info.checks.push_back(part.condition);
  } else if constexpr (std::is_same_v<Part, WithoutRowid>) {
    info.without_rowid = true;
  } else {
    info.indexes.push_back(index_info<T>(part));
  }
}

template <class T>
[[nodiscard]] const Table& table_of() {
  static const Table table = [] {
    TableInfo info{.name = Layout<T>::kSpec.name};
    std::apply([&info](const auto&... part) { (add_part<T>(info, part), ...); },
               Layout<T>::kSpec.parts);
    return Table(std::move(info));
  }();
  return table;
}

}  // namespace turnstile::detail
