// Which records a call is about, as a typed expression: `field<&Note::owner> == "ada"`. Every value
// is bound as a parameter and is never a part of the SQL.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/records/layout.h"

namespace turnstile {

namespace detail {

/// SQL and the values of its parameters. Without SQL it is fulfilled by all rows.
struct ConditionText {
  std::string sql{};
  std::vector<Value> values{};
};

enum class Comparison { Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual, Like };

[[nodiscard]] ConditionText compare(const Table& table, std::size_t column, Comparison comparison,
                                    Value value);
[[nodiscard]] ConditionText contains(const Table& table, std::size_t column, Value text);
[[nodiscard]] ConditionText is_one_of(const Table& table, std::size_t column,
                                      const std::vector<Value>& values);
[[nodiscard]] ConditionText both(ConditionText a, ConditionText b);
[[nodiscard]] ConditionText either(ConditionText a, ConditionText b);
[[nodiscard]] ConditionText negated(ConditionText condition);

/// A list of values as one parameter: JSON, with texts and blobs in hexadecimal.
[[nodiscard]] Value list_parameter(const std::vector<Value>& values);
/// What an element of the list is in SQL: `element` decoded, for a column of that type.
[[nodiscard]] std::string list_element(ValueType type, std::string_view element);

/// The values of a range of M's.
template <class M, class R>
[[nodiscard]] std::vector<Value> to_values(const R& range) {
  std::vector<Value> values;
  for (const auto& each : range)
    values.push_back(to_value(static_cast<const M&>(each)));
  return values;
}

/// Types whose values can be compared with a column of type M without a surprise.
template <class V, class M>
concept ComparableWith =
    (std::is_same_v<M, Value>) ||
    (std::is_integral_v<M> && std::is_integral_v<V> &&
     std::is_same_v<M, bool> == std::is_same_v<V, bool>) ||
    (std::is_floating_point_v<M> && std::is_arithmetic_v<V> && !std::is_same_v<V, bool>) ||
    (std::is_same_v<M, std::string> && std::is_convertible_v<const V&, std::string_view>) ||
    (!std::is_arithmetic_v<M> && !std::is_same_v<M, std::string> &&
     std::is_convertible_v<const V&, const M&>);

/// A value to compare a column of type M with; times and the like are converted to it.
template <class M, class V>
[[nodiscard]] Value to_comparand(const V& value) {
  if constexpr (std::is_arithmetic_v<M> || std::is_same_v<M, std::string> ||
                std::is_same_v<M, Value>)
    return to_value(value);
  else
    return to_value(static_cast<const M&>(value));
}

/// The `?` in a condition outside of strings and names; -1 for what does not belong into one: other
/// kinds of parameters, comments, a second statement, a parenthesis or a quote without the other.
[[nodiscard]] constexpr int count_parameters(std::string_view sql) noexcept {
  int count = 0;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    const char next = i + 1 < sql.size() ? sql[i + 1] : ' ';
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '?' && !(next >= '0' && next <= '9')) {
      ++count;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth >= 0) {
      continue;
    } else if (c == ')' || c == '?' || c == ':' || c == '@' || c == '$' || c == ';' ||
               (c == '-' && next == '-') || (c == '/' && next == '*')) {
      return -1;
    }
  }
  return quote == 0 && depth == 0 ? count : -1;
}

/// A condition in SQL, which must be a constant, with a parameter for each of `Args`.
template <class... Args>
struct ConditionLiteral {
  std::string_view text;

  // Implicit, so that a literal is one.
  consteval ConditionLiteral(const char* sql) : text(sql) {
    if (count_parameters(text) != static_cast<int>(sizeof...(Args)))
      throw "a condition has a ? for each value, and no comment or end of a statement";
  }
};

template <auto Member>
class Field;

}  // namespace detail

template <class T>
class Condition;

template <Described T, class... Args>
[[nodiscard]] Condition<T> sql_condition(
    detail::ConditionLiteral<std::type_identity_t<Args>...> sql, const Args&... args);

/// What rows have to fulfil. One that was made without anything is fulfilled by all, so that
/// conditions can be put together one by one. A comparison with NULL in the row is fulfilled by
/// neither `<` nor `>`, nor by their negation; `==` and `!=` take NULL for a value.
///
/// Threads: immutable.
template <class T>
class Condition {
 public:
  Condition() = default;

  [[nodiscard]] bool is_everything() const noexcept { return text_.sql.empty(); }  ///< Always true.
  [[nodiscard]] const detail::ConditionText& text() const& noexcept { return text_; }
  [[nodiscard]] detail::ConditionText text() && noexcept { return std::move(text_); }

  [[nodiscard]] friend Condition operator&&(Condition a, Condition b) {  ///< Both hold.
    return Condition(detail::both(std::move(a.text_), std::move(b.text_)));
  }
  [[nodiscard]] friend Condition operator||(Condition a, Condition b) {  ///< One of them holds.
    return Condition(detail::either(std::move(a.text_), std::move(b.text_)));
  }
  [[nodiscard]] friend Condition operator!(Condition a) {  ///< It does not hold.
    return Condition(detail::negated(std::move(a.text_)));
  }

 private:
  template <auto Member>
  friend class detail::Field;
  template <Described R, class... Args>
  friend Condition<R> sql_condition(detail::ConditionLiteral<std::type_identity_t<Args>...> sql,
                                    const Args&... args);

  explicit Condition(detail::ConditionText text) : text_(std::move(text)) {}

  detail::ConditionText text_;
};

/// By what records are ordered: a field, or `field<...>.descending()`. Threads: immutable.
template <class T>
class Order {
 public:
  [[nodiscard]] std::size_t column() const noexcept { return column_; }
  [[nodiscard]] bool is_descending() const noexcept { return descending_; }

 private:
  template <auto Member>
  friend class detail::Field;

  Order(std::size_t column, bool descending) noexcept : column_(column), descending_(descending) {}

  std::size_t column_;
  bool descending_;
};

/// What update_where() sets: `field<...>.set(value)`. Threads: immutable.
template <class T>
class Assignment {
 public:
  [[nodiscard]] std::size_t column() const noexcept { return column_; }
  [[nodiscard]] const Value& value() const noexcept { return value_; }

 private:
  template <auto Member>
  friend class detail::Field;

  Assignment(std::size_t column, Value value) : column_(column), value_(std::move(value)) {}

  std::size_t column_;
  Value value_;
};

namespace detail {

/// Members that are columns.
template <auto Member>
concept ColumnMember = requires {
  requires Described<RecordOf<Member>>;
  requires Layout<RecordOf<Member>>::template index_of<Member>() != kNoColumn;
};

/// Threads: immutable.
template <auto Member>
class Field {
 public:
  using Record = RecordOf<Member>;
  using Type = MemberType<Member>;
  using Plain = typename WithoutOptional<Type>::Type;
  static constexpr auto kMember = Member;
  static constexpr std::size_t kColumn = Layout<Record>::template index_of<Member>();
  static constexpr bool kNullable = kStorage<Type>.nullable;

  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator==(Field, const V& value) {
    return make(Comparison::Equal, to_comparand<Plain>(value));
  }
  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator!=(Field, const V& value) {
    return make(Comparison::NotEqual, to_comparand<Plain>(value));
  }
  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator<(Field, const V& value) {
    return make(Comparison::Less, to_comparand<Plain>(value));
  }
  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator<=(Field, const V& value) {
    return make(Comparison::LessOrEqual, to_comparand<Plain>(value));
  }
  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator>(Field, const V& value) {
    return make(Comparison::Greater, to_comparand<Plain>(value));
  }
  template <ComparableWith<Plain> V>
  [[nodiscard]] friend Condition<Record> operator>=(Field, const V& value) {
    return make(Comparison::GreaterOrEqual, to_comparand<Plain>(value));
  }

  // NULL, for columns that can have it.

  template <class V>
    requires(kNullable && is_optional<Type> && ComparableWith<V, Plain>)
  [[nodiscard]] friend Condition<Record> operator==(Field, const std::optional<V>& value) {
    return make(Comparison::Equal, value ? to_comparand<Plain>(*value) : Value());
  }
  template <class V>
    requires(kNullable && is_optional<Type> && ComparableWith<V, Plain>)
  [[nodiscard]] friend Condition<Record> operator!=(Field, const std::optional<V>& value) {
    return make(Comparison::NotEqual, value ? to_comparand<Plain>(*value) : Value());
  }
  [[nodiscard]] friend Condition<Record> operator==(Field, std::nullopt_t)
    requires kNullable
  {
    return make(Comparison::Equal, {});
  }
  [[nodiscard]] friend Condition<Record> operator!=(Field, std::nullopt_t)
    requires kNullable
  {
    return make(Comparison::NotEqual, {});
  }

  /// The text fits a pattern of SQL: `%` for any characters, `_` for one. ASCII letters are the
  /// same in either case.
  [[nodiscard]] Condition<Record> like(std::string_view pattern) const
    requires(kStorage<Type>.type == ValueType::Text)
  {
    return make(Comparison::Like, to_value(pattern));
  }
  /// The text has `part` in it, exactly as it is written.
  [[nodiscard]] Condition<Record> contains(std::string_view part) const
    requires(kStorage<Type>.type == ValueType::Text)
  {
    return Condition<Record>(detail::contains(table_of<Record>(), kColumn, to_value(part)));
  }
  /// The value is one of `values`, of which there may be any number: they are one parameter. For
  /// columns that a key could have.
  template <std::ranges::input_range R = std::initializer_list<Plain>>
    requires(KeyType<Plain> && std::is_convertible_v<std::ranges::range_reference_t<R>, Plain>)
  [[nodiscard]] Condition<Record> in(const R& values) const {
    return Condition<Record>(is_one_of(table_of<Record>(), kColumn, to_values<Plain>(values)));
  }

  [[nodiscard]] Order<Record> ascending() const noexcept { return Order<Record>(kColumn, false); }
  [[nodiscard]] Order<Record> descending() const noexcept { return {kColumn, true}; }
  /// Implicit, so that a column by itself is an order.
  operator Order<Record>() const noexcept { return ascending(); }

  /// For update_where(). Keys are not changed, nor is what the library sets.
  template <class V>
    requires(ComparableWith<V, Plain> &&
             (is_settable(Layout<Record>::kSpecs[kColumn]) ||
              Layout<Record>::kSpecs[kColumn].role == Role::Counter) &&
             Layout<Record>::kSpecs[kColumn].role != Role::Updated)
  [[nodiscard]] Assignment<Record> set(const V& value) const {
    return {kColumn, to_comparand<Plain>(value)};
  }
  [[nodiscard]] Assignment<Record> set(std::nullopt_t) const
    requires kNullable
  {
    return {kColumn, {}};
  }

 private:
  [[nodiscard]] static Condition<Record> make(Comparison comparison, Value&& value) {
    return Condition<Record>(
        detail::compare(table_of<Record>(), kColumn, comparison, std::move(value)));
  }
};

}  // namespace detail

/// A column in a condition, in an order, or in an assignment. Spelt as a word of a sentence, not as
/// a constant: `field<&Note::title> == "x"`.
template <auto Member>
  requires detail::ColumnMember<Member>
inline constexpr detail::Field<Member> field{};  // NOLINT(readability-identifier-naming): a word

/// A condition that is written as SQL, a literal, with a `?` for each of `args`:
/// `sql_condition<Note>("json_extract(meta, '$.size') > ?", 3)`. That it is about the columns of
/// the table is seen when it is run.
template <Described T, class... Args>
Condition<T> sql_condition(detail::ConditionLiteral<std::type_identity_t<Args>...> sql,
                           const Args&... args) {
  std::string text = "(";
  text.append(sql.text).append(")");
  return Condition<T>(detail::ConditionText{std::move(text), {detail::to_value(args)...}});
}

}  // namespace turnstile
