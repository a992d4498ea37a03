// How the C++ types of turnstile/value.h are stored, as code that does not have a statement at hand
// needs to know it: a description, a condition, a key.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "turnstile/value.h"

namespace turnstile::detail {

/// Null stands for a column of any type.
struct Storage {
  ValueType type = ValueType::Null;
  bool nullable = false;
  bool supported = true;
};

template <class M>
[[nodiscard]] constexpr Storage storage_of() {
  if constexpr (HasCodec<M>)
    return storage_of<typename Codec<M>::Stored>();
  else if constexpr (std::is_same_v<M, Value>)
    return {ValueType::Null, true};
  else if constexpr (is_optional<M>)
    return {storage_of<typename M::value_type>().type, true,
            storage_of<typename M::value_type>().supported};
  else if constexpr (std::is_enum_v<M> || std::is_integral_v<M> || is_time_point<M> ||
                     is_duration<M>)
    return {ValueType::Integer};
  else if constexpr (std::is_floating_point_v<M>)
    return {ValueType::Real};
  else if constexpr (std::is_same_v<M, std::string>)
    return {ValueType::Text};
  else if constexpr (is_vector<M> && BlobRange<M>)
    return {ValueType::Blob};
  else
    return {ValueType::Null, true, false};
}

template <class M>
inline constexpr Storage kStorage = storage_of<M>();

/// Types that own their value and that a column can have.
template <class M>
concept Storable = kStorage<M>.supported;

template <class M>
concept KeyType = Storable<M> && !kStorage<M>.nullable && !std::is_same_v<M, bool> &&
                  (kStorage<M>.type == ValueType::Integer || kStorage<M>.type == ValueType::Text ||
                   kStorage<M>.type == ValueType::Blob);

template <class M>
struct WithoutOptional {
  using Type = M;
};
template <class M>
struct WithoutOptional<std::optional<M>> {
  using Type = M;
};

/// A value that a description can write into SQL. Null: there is none.
struct Literal {
  ValueType type = ValueType::Null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text;
};

/// Whether a V can be written as the default of a column of type M.
template <class M, class V>
[[nodiscard]] constexpr bool is_default_for() {
  if constexpr (HasCodec<M>)
    return is_default_for<typename Codec<M>::Stored, V>();
  else if constexpr (std::is_integral_v<M>)
    return std::is_integral_v<V> && std::is_same_v<M, bool> == std::is_same_v<V, bool>;
  else if constexpr (std::is_floating_point_v<M>)
    return std::is_arithmetic_v<V> && !std::is_same_v<V, bool>;
  else if constexpr (std::is_same_v<M, std::string>)
    return std::is_convertible_v<const V&, std::string_view>;
  else
    return kStorage<M>.type == ValueType::Integer && std::is_convertible_v<const V&, M>;
}

template <class M, class V>
[[nodiscard]] constexpr Literal to_literal(const V& value) {
  if constexpr (HasCodec<M>)
    return to_literal<typename Codec<M>::Stored>(value);
  else if constexpr (std::is_floating_point_v<M>)
    return {.type = ValueType::Real, .real = static_cast<double>(value)};
  else if constexpr (std::is_same_v<M, std::string>)
    return {.type = ValueType::Text, .text = std::string_view(value)};
  else if constexpr (is_time_point<M>)
    return to_literal<typename M::duration>(M(value).time_since_epoch());
  else if constexpr (is_duration<M>)
    return {.type = ValueType::Integer,
            .integer = std::chrono::floor<std::chrono::microseconds>(M(value)).count()};
  else
    return {.type = ValueType::Integer, .integer = static_cast<std::int64_t>(value)};
}

[[noreturn]] void raise_value_out_of_range();
/// `rowid` is a key that a member of a narrower type cannot have.
[[noreturn]] void raise_key_out_of_range(std::int64_t rowid);

/// What bind_value() would bind. Throws MisuseError (PARAMETER_INVALID).
template <class T>
[[nodiscard]] Value to_value(const T& value) {
  if constexpr (HasCodec<T>) {
    return to_value(Codec<T>::encode(value));
  } else if constexpr (std::is_same_v<T, Value>) {
    return value;
  } else if constexpr (std::is_same_v<T, std::nullopt_t>) {
    return {};
  } else if constexpr (is_optional<T>) {
    return value ? to_value(*value) : Value();
  } else if constexpr (std::is_enum_v<T>) {
    return to_value(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return std::int64_t{value ? 1 : 0};
  } else if constexpr (std::is_integral_v<T>) {
    if (!std::in_range<std::int64_t>(+value)) raise_value_out_of_range();
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else if constexpr (is_time_point<T>) {
    return to_value(value.time_since_epoch());
  } else if constexpr (is_duration<T>) {
    using std::chrono::microseconds;
    if (!fits_duration<microseconds>(value)) raise_value_out_of_range();
    return static_cast<std::int64_t>(std::chrono::floor<microseconds>(value).count());
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    if constexpr (std::is_pointer_v<T>) {
      if (value == nullptr) return {};
    }
    return std::string(std::string_view(value));
  } else {
    const BlobView bytes = std::as_bytes(std::span(value));
    return Blob(bytes.begin(), bytes.end());
  }
}

/// Whether a key that is stored as INTEGER asks for the next free one.
template <class K>
[[nodiscard]] bool is_zero_key(const K& key) {
  if constexpr (HasCodec<K>)
    return is_zero_key(Codec<K>::encode(key));
  else
    return key == K{};
}

/// A rowid as the key that a record has.
template <class K>
[[nodiscard]] K to_key(std::int64_t rowid) {
  if constexpr (HasCodec<K>) {
    return Codec<K>::decode(to_key<typename Codec<K>::Stored>(rowid));
  } else if constexpr (std::is_enum_v<K>) {
    return static_cast<K>(to_key<std::underlying_type_t<K>>(rowid));
  } else if constexpr (is_time_point<K>) {
    return K(to_key<typename K::duration>(rowid));
  } else if constexpr (is_duration<K>) {
    return std::chrono::floor<K>(std::chrono::microseconds(rowid));
  } else {
    if (!std::in_range<K>(rowid)) raise_key_out_of_range(rowid);
    return static_cast<K>(rowid);
  }
}

using Moment = std::chrono::sys_time<std::chrono::microseconds>;

/// `now` as a member of type M will read it back.
template <class M>
[[nodiscard]] M to_stamp(Moment now) {
  using Point = typename WithoutOptional<M>::Type;
  return M(std::chrono::floor<typename Point::duration>(now));
}

}  // namespace turnstile::detail
