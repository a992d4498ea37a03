// Sets of places, a bit each, as blocks have them.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace turnstile::vectors {

inline constexpr std::size_t kPlacesOfByte = 8;

[[nodiscard]] inline bool has_place(std::span<const std::byte> bits, std::size_t place) noexcept {
  return place / kPlacesOfByte < bits.size() &&
         (bits[place / kPlacesOfByte] & std::byte{1} << (place % kPlacesOfByte)) != std::byte{0};
}

inline void set_place(std::span<std::byte> bits, std::size_t place, bool used) noexcept {
  const std::byte bit = std::byte{1} << (place % kPlacesOfByte);
  std::byte& byte = bits[place / kPlacesOfByte];
  byte = used ? byte | bit : byte & ~bit;
}

[[nodiscard]] inline std::int64_t count_places(std::span<const std::byte> bits) noexcept {
  std::int64_t count = 0;
  for (const std::byte byte : bits)
    count += std::popcount(std::to_integer<unsigned char>(byte));
  return count;
}

/// Calls `use` with each place of the set, in order.
template <class Use>
void for_each_place(std::span<const std::byte> bits, const Use& use) {
  for (std::size_t i = 0; i < bits.size(); ++i)
    for (auto byte = std::to_integer<unsigned>(bits[i]); byte != 0; byte &= byte - 1)
      use(i * kPlacesOfByte + static_cast<std::size_t>(std::countr_zero(byte)));
}

}  // namespace turnstile::vectors
