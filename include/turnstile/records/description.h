// How an aggregate is described as a table: once, at compile time, without macros.
//
//   template <>
//   struct turnstile::Describe<Note> {
//     static constexpr auto table() {
//       return turnstile::table("note",                                             //
//                               column<&Note::id>("id").primary_key(),              //
//                               column<&Note::title>("title").unique(),             //
//                               column<&Note::owner>("owner").references<Person>(),  //
//                               index<&Note::owner, &Note::title>("note_by_owner"));
//     }
//   };
//
// The type of a column follows from that of its member as in turnstile/value.h; std::optional
// allows NULL, anything else is NOT NULL. Tables are STRICT. Members that are not described are not
// stored. Names and SQL in a description are literals; what a user typed cannot get into them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "turnstile/records/storage.h"

namespace turnstile {

/// Specialise it for each aggregate that is to be a table, with `static constexpr auto table()`
/// that returns what turnstile::table() made.
///
/// Threads: immutable.
template <class T>
struct Describe;

/// What becomes of a row when the row that it refers to is removed.
enum class OnDelete {
  NoAction,  ///< It keeps that row from being removed.
  Cascade,   ///< It is removed too.
  SetNull,   ///< Its reference becomes NULL.
};

namespace detail {

class Table;

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether SQL names `a` and `b` are the same.
[[nodiscard]] constexpr bool is_same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

[[nodiscard]] constexpr bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return is_same_name(name.substr(0, prefix.size()), prefix);
}

/// 1 to 64 letters of ASCII, digits and underscores, no digit first, none of SQLite's and this
/// library's own.
[[nodiscard]] constexpr bool is_name(std::string_view name) noexcept {
  constexpr std::size_t kLongest = 64;
  if (name.empty() || name.size() > kLongest || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name)
    if (!(lower(c) >= 'a' && lower(c) <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  return !has_prefix(name, "sqlite_") && !has_prefix(name, "turnstile_");
}

/// The name of a table, column, index or collation, which must be a constant.
struct Name {
  std::string_view text;

  consteval Name(const char* name) : text(name) {  // NOLINT(google-explicit-constructor): a literal
    if (!is_name(text)) throw "1 to 64 letters, digits and _ make a name";
  }
};

/// A part of SQL, which must be a constant.
struct SqlText {
  std::string_view text;

  consteval SqlText(const char* sql) : text(sql) {  // NOLINT(google-explicit-constructor): as above
    if (text.empty()) throw "there is no SQL in the text";
  }
};

template <class M>
struct MemberTraits;
template <class R, class M>
  requires(!std::is_function_v<M>)
struct MemberTraits<M R::*> {
  using Record = R;
  using Type = M;
};

template <auto Member>
using RecordOf = typename MemberTraits<decltype(Member)>::Record;
template <auto Member>
using MemberType = typename MemberTraits<decltype(Member)>::Type;

/// What a column is used for, apart from holding its value.
enum class Role : std::uint8_t { Plain, Version, Created, Updated, Counter };

/// What is said of a column apart from its member.
struct ColumnSpec {
  std::string_view name;
  bool is_key = false;
  bool is_unique = false;
  bool never_reused = false;
  bool is_json = false;
  Role role = Role::Plain;
  OnDelete on_delete = OnDelete::NoAction;
  std::string_view collation;
  std::string_view check;
  Literal initial;
};

/// A column of a description, made by turnstile::column(). Each function gives a changed copy.
/// `Parent` is the record that the column refers to, void for none.
template <auto Member, class Parent = void, auto ParentMember = nullptr>
struct Column {
  using Record = RecordOf<Member>;
  using Type = MemberType<Member>;
  using Value = typename WithoutOptional<Type>::Type;
  using ParentRecord = Parent;
  static constexpr auto kMember = Member;
  static constexpr auto kParentMember = ParentMember;

  ColumnSpec spec;

  /// The row's key, or with others a part of it. A single key that is stored as INTEGER is SQLite's
  /// rowid: a record whose key is 0 gets the next one when it is inserted.
  [[nodiscard]] constexpr Column primary_key() const
    requires KeyType<Type>
  {
    return with([](ColumnSpec& s) { s.is_key = true; });
  }
  /// As primary_key(), and no key is given a second time after its row was removed
  /// (AUTOINCREMENT); it costs a write into a table of SQLite's for each insert.
  [[nodiscard]] constexpr Column never_reused_primary_key() const
    requires(KeyType<Type> && kStorage<Type>.type == ValueType::Integer)
  {
    return with([](ColumnSpec& s) { s.is_key = s.never_reused = true; });
  }
  /// No two rows have the same value, by an index `TABLE_COLUMN_unique`. NULLs are not the same.
  [[nodiscard]] constexpr Column unique() const {
    return with([](ColumnSpec& s) { s.is_unique = true; });
  }
  /// A foreign key: to the key of `P`, which must have one column, or to another unique member of
  /// it. The types must be the same, but for std::optional here.
  template <class P, auto PMember = nullptr>
  [[nodiscard]] constexpr Column<Member, P, PMember> references(
      OnDelete on_delete = OnDelete::NoAction) const
    requires std::is_void_v<Parent>
  {
    Column<Member, P, PMember> column{spec};
    column.spec.on_delete = on_delete;
    return column;
  }
  /// A condition that SQLite checks of each row, such as `"size" > 0`.
  [[nodiscard]] constexpr Column check(SqlText condition) const {
    return with([&](ColumnSpec& s) { s.check = condition.text; });
  }
  /// The text must be JSON, which SQLite checks (json_valid).
  [[nodiscard]] constexpr Column json() const
    requires(kStorage<Type>.type == ValueType::Text)
  {
    return with([](ColumnSpec& s) { s.is_json = true; });
  }
  /// How texts are compared: `NOCASE`, `RTRIM`, or one that every program has that uses the file.
  [[nodiscard]] constexpr Column collate(Name collation) const
    requires(kStorage<Type>.type == ValueType::Text)
  {
    return with([&](ColumnSpec& s) { s.collation = collation.text; });
  }
  /// What rows get that lack the column: those of before it was added, and those that others
  /// insert. Records always has a value of its own, the member's.
  template <class V>
  [[nodiscard]] constexpr Column default_to(const V& value) const
    requires(is_default_for<Value, V>())
  {
    return with([&](ColumnSpec& s) { s.initial = to_literal<Value>(value); });
  }
  /// Counts the updates of the row, from 1: update() changes nothing when the record's version is
  /// not the row's, because somebody else has changed that since.
  [[nodiscard]] constexpr Column version() const
    requires(std::is_integral_v<Type> && sizeof(Type) >= 4 && !std::is_same_v<Type, bool>)
  {
    return with([](ColumnSpec& s) {
      s.role = Role::Version;
      s.initial = {.type = ValueType::Integer, .integer = 1};
    });
  }
  /// The library sets it when the record is inserted.
  [[nodiscard]] constexpr Column created() const
    requires is_time_point<Value>
  {
    return with([](ColumnSpec& s) { s.role = Role::Created; });
  }
  /// The library sets it when the record is inserted, updated or incremented.
  [[nodiscard]] constexpr Column updated() const
    requires is_time_point<Value>
  {
    return with([](ColumnSpec& s) { s.role = Role::Updated; });
  }
  /// A number that is changed where it is, by increment(). It does not count as a change of the
  /// record's version, and update() and upsert() leave it alone, so that they cannot undo it.
  [[nodiscard]] constexpr Column counter() const
    requires(std::is_arithmetic_v<Type> && !std::is_same_v<Type, bool>)
  {
    return with([](ColumnSpec& s) {
      s.role = Role::Counter;
      s.initial = to_literal<Type>(0);
    });
  }

 private:
  template <class F>
  [[nodiscard]] constexpr Column with(F change) const {
    Column column = *this;
    change(column.spec);
    return column;
  }
};

/// An index of a description, made by turnstile::index() or turnstile::unique_index().
template <auto... Members>
struct Index {
  using Record = std::common_type_t<RecordOf<Members>...>;

  std::string_view name;
  bool is_unique = false;
  std::string_view condition;

  /// Only rows that fulfil `condition` are in the index (https://sqlite.org/partialindex.html).
  [[nodiscard]] constexpr Index where(SqlText where_condition) const {
    Index copy = *this;
    copy.condition = where_condition.text;
    return copy;
  }
};

struct TableCheck {
  std::string_view condition;
};

struct WithoutRowid {};

/// What turnstile::table() returns: the name, and the parts in their order.
template <class R, class... Parts>
struct TableSpec {
  using Record = R;

  std::string_view name;
  std::tuple<Parts...> parts;
};

}  // namespace detail

/// A column that holds the member, such as `column<&Note::title>("title")`.
template <auto Member>
  requires detail::Storable<detail::MemberType<Member>>
[[nodiscard]] constexpr detail::Column<Member> column(detail::Name name) {
  return {.spec = {.name = name.text}};
}

/// An index over columns, in this order.
template <auto... Members>
[[nodiscard]] constexpr detail::Index<Members...> index(detail::Name name) {
  return {.name = name.text};
}

/// An index that no two rows may have the same values in; rows with a NULL among them may.
template <auto... Members>
[[nodiscard]] constexpr detail::Index<Members...> unique_index(detail::Name name) {
  return {.name = name.text, .is_unique = true};
}

/// A condition that SQLite checks of each row; names of columns that are SQL keywords need quotes.
[[nodiscard]] constexpr detail::TableCheck check(detail::SqlText condition) {
  return {.condition = condition.text};
}

/// Stores the rows by their key alone (https://sqlite.org/withoutrowid.html): smaller and faster
/// where the key is a short text or has several columns and the rows are small.
[[nodiscard]] constexpr detail::WithoutRowid without_rowid() {
  return {};
}

/// A table of columns, at least one, and then indexes and checks.
template <class First, class... Parts>
[[nodiscard]] constexpr detail::TableSpec<typename First::Record, First, Parts...> table(
    detail::Name name, First first, Parts... parts) {
  return {.name = name.text, .parts = std::tuple(first, parts...)};
}

/// Types that have a description, and that a record can be read into.
template <class T>
concept Described = std::is_class_v<T> && std::default_initializable<T> && requires {
  requires std::is_same_v<typename decltype(Describe<T>::table())::Record, T>;
};

}  // namespace turnstile
