#include "audit/hex.h"

#include <algorithm>
#include <array>

namespace turnstile::audit {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// 16 for what is no digit.
constexpr unsigned value_of(char digit) noexcept {
  const char lower = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  return static_cast<unsigned>(std::min<std::size_t>(kDigits.find(lower), 16));
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
  std::string digits;
  digits.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    digits += kDigits[std::to_integer<std::size_t>(byte >> 4U)];
    digits += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return digits;
}

bool from_hex(std::string_view digits, std::span<std::byte> bytes) noexcept {
  if (digits.size() != 2 * bytes.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned high = value_of(digits[2 * i]);
    const unsigned low = value_of(digits[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    bytes[i] = static_cast<std::byte>(high << 4U | low);
  }
  return true;
}

}  // namespace turnstile::audit
