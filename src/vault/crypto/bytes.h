// Numbers and pieces in the vault's files: little-endian, one after the other.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <type_traits>
#include <vector>

namespace turnstile::vault {

/// Appends to a vector. Threads: confined.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::byte>& out) noexcept : out_(out) {}

  template <std::unsigned_integral T>
  ByteWriter& number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  ByteWriter& bytes(std::span<const std::byte> some) {
    out_.insert(out_.end(), some.begin(), some.end());
    return *this;
  }

 private:
  std::vector<std::byte>& out_;
};

/// Takes from the front of bytes of which it is known that there are enough. Threads: confined.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) noexcept : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() noexcept {
    T value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;)
      value = static_cast<T>(value << 8U) | std::to_integer<T>(rest_[i]);
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  template <std::size_t N>
  void bytes(std::array<std::byte, N>& into) noexcept {
    std::ranges::copy(rest_.first(N), into.begin());
    rest_ = rest_.subspan(N);
  }
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

/// A container of bytes as libsodium takes it.
template <class Bytes>
[[nodiscard]] auto* raw(Bytes&& bytes) noexcept {
  using Byte = std::remove_pointer_t<decltype(std::data(bytes))>;
  if constexpr (std::is_const_v<Byte>)
    return reinterpret_cast<const unsigned char*>(std::data(bytes));
  else
    return reinterpret_cast<unsigned char*>(std::data(bytes));
}

}  // namespace turnstile::vault
