#include "tasks/clean_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace turnstile::tasks {

namespace {

constexpr std::size_t kMostBytes = 16384;

std::uint8_t byte_at(std::string_view text, std::size_t i) {
  return static_cast<std::uint8_t>(text[i]);
}

// The length of the sequence that begins at `at`; 0 when it is none of UTF-8 (RFC 3629).
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const std::uint8_t first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_at(text, at + i) & 0xC0U) != 0x80) return 0;
  const std::uint8_t second = byte_at(text, at + 1);
  const bool too_small = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool no_character = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return too_small || no_character ? 0 : length;
}

}  // namespace

std::string clean_text(std::string_view text) {
  std::string clean;
  clean.reserve(std::min(text.size(), kMostBytes));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_at(text, at);
    if (clean.size() + std::max<std::size_t>(length, 1) > kMostBytes) break;
    clean += length == 0 ? std::string_view("?") : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return clean;
}

}  // namespace turnstile::tasks
