// The values that go into and come out of SQL, and how C++ types map to them.
//
//   C++                                        SQLite   read back as
//   bool, integers, enums                      INTEGER  the same type, range-checked
//   float, double                              REAL     (an INTEGER is accepted too)
//   std::string, std::string_view, "literal"   TEXT     UTF-8, checked when bound
//   std::span / std::vector of std::byte       BLOB
//   std::span / std::vector of numbers         BLOB     the elements' bytes, host order
//   std::chrono time points of system_clock    INTEGER  microseconds since 1970-01-01 UTC
//   std::chrono durations                      INTEGER  microseconds
//   std::optional<T>, std::nullopt, nullptr    NULL, or as T
//   turnstile::Value                           whatever it holds
//
// Reading is strict: a TEXT is not an int, a NULL is not a 0, 300 is not a std::uint8_t. Other
// types are taught with a specialisation of Codec.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace turnstile {

/// SQLite's storage classes (https://sqlite.org/datatype3.html).
enum class ValueType { Null, Integer, Real, Text, Blob };

using Blob = std::vector<std::byte>;          ///< Bytes of one's own.
using BlobView = std::span<const std::byte>;  ///< Bytes of somebody else.

/// A value of any type, for code that does not know the schema. std::monostate is NULL.
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Blob>;

/// Stores a type of yours. A specialisation has `using Stored = ...` (any type of the table
/// above), `static Stored encode(const T&)` and `static T decode(const Stored&)`.
template <class T>
struct Codec;

/// An argument for the parameter `:name` (the colon may be left out), made by named().
///
/// Threads: scoped.
template <class T>
struct NamedArgument {
  std::string_view name;
  const T& value;
};

/// Binds by name: `tx.execute("UPDATE t SET a = :a", named("a", 1))`. Lives as long as `value`.
template <class T>
[[nodiscard]] NamedArgument<T> named(std::string_view name, const T& value) noexcept {
  return {name, value};
}

namespace detail {

struct StatementEntry;

/// Whether bound text and blobs outlive the execution (then they are not copied).
enum class Lifetime { Copy, Borrow };

// Defined in the sqlite layer. Indexes are 1-based for parameters and 0-based for columns, as in
// SQLite. All of them throw MisuseError, but raise_row_count throws Error. The statement of
// column_...() must be on a row.
void bind_null(StatementEntry& statement, int index);
void bind_integer(StatementEntry& statement, int index, std::int64_t value);
void bind_real(StatementEntry& statement, int index, double value);
void bind_text(StatementEntry& statement, int index, std::string_view value, Lifetime lifetime);
void bind_blob(StatementEntry& statement, int index, BlobView value, Lifetime lifetime);
void forget_bindings(StatementEntry& statement) noexcept;
void require_parameter_count(const StatementEntry& statement, int values);
[[nodiscard]] int parameter_index(const StatementEntry& statement, std::string_view name);

[[nodiscard]] bool column_is_null(const StatementEntry& statement, int column);
[[nodiscard]] std::int64_t column_integer(const StatementEntry& statement, int column);
[[nodiscard]] double column_real(const StatementEntry& statement, int column);
[[nodiscard]] std::string_view column_text(const StatementEntry& statement, int column);
[[nodiscard]] BlobView column_blob(const StatementEntry& statement, int column);
[[nodiscard]] Value column_value(const StatementEntry& statement, int column);

[[noreturn]] void raise_parameter_out_of_range(const StatementEntry& statement, int index);
[[noreturn]] void raise_column_out_of_range(const StatementEntry& statement, int column);
[[noreturn]] void raise_blob_size(const StatementEntry& statement, int column, std::size_t element);
[[noreturn]] void raise_row_count(std::string_view sql, int rows);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;

template <class T>
inline constexpr bool is_time_point = false;
template <class D>
inline constexpr bool is_time_point<std::chrono::time_point<std::chrono::system_clock, D>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
concept HasCodec = requires { typename Codec<T>::Stored; };

/// Elements that a blob can be made of: bytes and numbers, but not bool, whose size is not fixed.
template <class T>
concept BlobElement =
    std::is_same_v<T, std::byte> || (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);

template <class T>
concept BlobRange = !std::is_convertible_v<const T&, std::string_view> && requires(const T& t) {
  std::span(t);
  requires BlobElement<typename decltype(std::span(t))::value_type>;
};

/// Types that point into the current row and are gone at the next one.
template <class T>
inline constexpr bool is_view = std::is_same_v<T, std::string_view> || std::is_same_v<T, BlobView>;
template <class T>
inline constexpr bool is_view<std::optional<T>> = is_view<T>;

template <class>
inline constexpr bool kUnsupported = false;

/// Whether `from` can be converted to `To` without overflow. In long double, because the common
/// type of two durations overflows itself.
template <class To, class From>
[[nodiscard]] bool fits_duration(From from) noexcept {
  using Wide = std::chrono::duration<long double, typename To::period>;
  const Wide wide(from);
  return wide >= Wide(To::min()) && wide <= Wide(To::max());
}

template <class T>
void bind_value(StatementEntry& statement, int index, const T& value, Lifetime lifetime) {
  if constexpr (HasCodec<T>) {
    bind_value(statement, index, Codec<T>::encode(value), Lifetime::Copy);
  } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t> ||
                       std::is_same_v<T, std::monostate>) {
    bind_null(statement, index);
  } else if constexpr (std::is_same_v<T, Value>) {
    std::visit([&](const auto& v) { bind_value(statement, index, v, lifetime); }, value);
  } else if constexpr (is_optional<T>) {
    value ? bind_value(statement, index, *value, lifetime) : bind_null(statement, index);
  } else if constexpr (std::is_enum_v<T>) {
    bind_value(statement, index, static_cast<std::underlying_type_t<T>>(value), lifetime);
  } else if constexpr (std::is_integral_v<T>) {
    if (!std::is_same_v<T, bool> && !std::in_range<std::int64_t>(+value))
      raise_parameter_out_of_range(statement, index);
    bind_integer(statement, index, static_cast<std::int64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    bind_real(statement, index, static_cast<double>(value));
  } else if constexpr (is_time_point<T>) {
    bind_value(statement, index, value.time_since_epoch(), lifetime);
  } else if constexpr (is_duration<T>) {
    using std::chrono::microseconds;
    if (!fits_duration<microseconds>(value)) raise_parameter_out_of_range(statement, index);
    bind_integer(statement, index, std::chrono::floor<microseconds>(value).count());
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr) return bind_null(statement, index);
    }
    bind_text(statement, index, std::string_view(value), lifetime);
  } else if constexpr (BlobRange<T>) {
    bind_blob(statement, index, std::as_bytes(std::span(value)), lifetime);
  } else {
    static_assert(kUnsupported<T>, "no SQL type for this C++ type; specialise turnstile::Codec");
  }
}

template <class T>
[[nodiscard]] T read_integer(const StatementEntry& statement, int column) {
  const std::int64_t stored = column_integer(statement, column);
  if constexpr (std::is_same_v<T, bool>) {
    if (stored != 0 && stored != 1) raise_column_out_of_range(statement, column);
    return stored == 1;
  } else {
    if (stored < 0 && std::is_unsigned_v<T>) raise_column_out_of_range(statement, column);
    const T value = static_cast<T>(stored);
    if (static_cast<std::int64_t>(value) != stored) raise_column_out_of_range(statement, column);
    return value;
  }
}

template <BlobElement E>
[[nodiscard]] std::vector<E> read_elements(const StatementEntry& statement, int column) {
  const BlobView bytes = column_blob(statement, column);
  if (bytes.size() % sizeof(E) != 0) raise_blob_size(statement, column, sizeof(E));
  if constexpr (std::is_same_v<E, std::byte>) return {bytes.begin(), bytes.end()};
  std::vector<E> elements(bytes.size() / sizeof(E));
  if (!bytes.empty()) std::memcpy(elements.data(), bytes.data(), bytes.size());
  return elements;
}

template <class T>
[[nodiscard]] T read_column(const StatementEntry& statement, int column) {
  if constexpr (HasCodec<T>) {
    return Codec<T>::decode(read_column<typename Codec<T>::Stored>(statement, column));
  } else if constexpr (std::is_same_v<T, Value>) {
    return column_value(statement, column);
  } else if constexpr (is_optional<T>) {
    if (column_is_null(statement, column)) return std::nullopt;
    return read_column<typename T::value_type>(statement, column);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(read_integer<std::underlying_type_t<T>>(statement, column));
  } else if constexpr (std::is_integral_v<T>) {
    return read_integer<T>(statement, column);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(column_real(statement, column));
  } else if constexpr (is_time_point<T>) {
    return T(read_column<typename T::duration>(statement, column));
  } else if constexpr (is_duration<T>) {
    const std::chrono::microseconds stored(column_integer(statement, column));
    if (!fits_duration<T>(stored)) raise_column_out_of_range(statement, column);
    return std::chrono::floor<T>(stored);
  } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
    return T(column_text(statement, column));
  } else if constexpr (std::is_same_v<T, BlobView>) {
    return column_blob(statement, column);
  } else if constexpr (is_vector<T>) {
    return read_elements<typename T::value_type>(statement, column);
  } else {
    static_assert(kUnsupported<T>, "no SQL type for this C++ type; specialise turnstile::Codec");
  }
}

template <class>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<NamedArgument<T>> = true;

/// Takes all values back unless keep() is called: a borrowed one may be gone by the next execution.
///
/// Threads: scoped.
class UnbindOnFailure {
 public:
  explicit UnbindOnFailure(StatementEntry& statement) noexcept : statement_(&statement) {}
  UnbindOnFailure(const UnbindOnFailure&) = delete;
  UnbindOnFailure& operator=(const UnbindOnFailure&) = delete;
  ~UnbindOnFailure() {
    if (statement_ != nullptr) forget_bindings(*statement_);
  }
  void keep() noexcept { statement_ = nullptr; }

 private:
  StatementEntry* statement_;
};

/// Binds arguments of which some are named, and checks that each parameter gets exactly one.
///
/// Threads: scoped.
class Binder {
 public:
  Binder(StatementEntry& statement, Lifetime lifetime);

  template <class T>
  void add(const T& value) {
    bind_value(statement_, claim(++position_), value, lifetime_);
  }
  template <class T>
  void add(const NamedArgument<T>& argument) {
    const int index = claim(parameter_index(statement_, argument.name));
    bind_value(statement_, index, argument.value, lifetime_);
  }

  /// Throws MisuseError (PARAMETER_COUNT) unless every parameter was bound.
  void finish() const;

 private:
  /// Throws MisuseError when `index` does not exist or was bound before.
  int claim(int index);

  StatementEntry& statement_;
  Lifetime lifetime_;
  int position_ = 0;
  std::vector<bool> bound_;
};

template <class... Args>
void bind_all(StatementEntry& statement, Lifetime lifetime, const Args&... args) {
  UnbindOnFailure unbind(statement);
  if constexpr ((is_named<Args> || ...)) {
    Binder binder(statement, lifetime);
    (binder.add(args), ...);
    binder.finish();
  } else {
    require_parameter_count(statement, static_cast<int>(sizeof...(Args)));
    [[maybe_unused]] int index = 0;
    (bind_value(statement, ++index, args, lifetime), ...);
  }
  unbind.keep();
}

}  // namespace detail
}  // namespace turnstile
