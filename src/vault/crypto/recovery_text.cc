#include "vault/crypto/recovery_text.h"

#include <cstddef>
#include <cstdint>

namespace turnstile::vault {

namespace {

constexpr std::string_view kLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSymbols = 52;  // 260 bits, the last four of which are zero.
constexpr std::size_t kGroup = 4;
constexpr std::size_t kText = kSymbols + kSymbols / kGroup - 1;
constexpr unsigned kBits = 5;

// The number of a symbol; 32 for what is none.
unsigned value_of(char symbol) noexcept {
  if (symbol >= 'a' && symbol <= 'z') symbol = static_cast<char>(symbol - 'a' + 'A');
  if (symbol == 'O') symbol = '0';
  if (symbol == 'I' || symbol == 'L') symbol = '1';
  const std::size_t found = kLetters.find(symbol);
  return found == std::string_view::npos ? 1U << kBits : static_cast<unsigned>(found);
}

}  // namespace

SecretBytes to_recovery_text(const SecretBytes& key) {
  SecretBytes text(kText);
  std::size_t at = 0;
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol) {
    if (symbol > 0 && symbol % kGroup == 0) text.bytes()[at++] = std::byte{'-'};
    unsigned value = 0;
    for (std::size_t bit = symbol * kBits; bit < (symbol + 1) * kBits; ++bit) {
      const std::byte byte = bit / 8 < kKeyBytes ? key.bytes()[bit / 8] : std::byte{0};
      value = (value << 1U) | (std::to_integer<unsigned>(byte) >> (7 - bit % 8) & 1U);
    }
    text.bytes()[at++] = static_cast<std::byte>(kLetters[value]);
  }
  return text;
}

SecretBytes from_recovery_text(std::string_view text) {
  SecretBytes key(kKeyBytes);
  std::size_t bit = 0;
  for (const char symbol : text) {
    if (symbol == '-' || symbol == ' ' || symbol == '\n' || symbol == '\r') continue;
    const unsigned value = value_of(symbol);
    if (value >> kBits != 0 || bit == kSymbols * kBits) return {};
    for (unsigned i = kBits; i-- > 0; ++bit) {
      const std::byte one{static_cast<unsigned char>(value >> i & 1U)};
      if (bit / 8 >= kKeyBytes) {
        if (one != std::byte{0}) return {};
        continue;
      }
      key.bytes()[bit / 8] |= one << (7 - bit % 8);
    }
  }
  if (bit != kSymbols * kBits) return {};
  return key;
}

}  // namespace turnstile::vault
