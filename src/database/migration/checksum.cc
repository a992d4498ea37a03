#include "database/migration/checksum.h"

#include <sodium.h>

#include <array>
#include <string_view>

namespace turnstile::database {

namespace {

// Version control may check a file out with either end of line.
std::string with_unix_lines(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') result += text[i];
  return result;
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  std::array<unsigned char, crypto_hash_sha256_BYTES>::size_type i = 0;
  // Fails for no input. The cast is between pointers to bytes.
  static_cast<void>(crypto_hash_sha256(
      hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size()));
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string hex(2 * hash.size(), '\0');
  for (const unsigned char byte : hash) {
    hex[i++] = kHex[byte >> 4U];
    hex[i++] = kHex[byte & 15U];
  }
  return hex;
}

}  // namespace

std::string checksum_of(const Migration& step) {
  // The NULs keep it apart from any SQL, and the name from the revision.
  if (step.apply) return sha256(std::string("function\0", 9) + step.name + '\0' + step.revision);
  return sha256(with_unix_lines(step.sql));
}

}  // namespace turnstile::database
