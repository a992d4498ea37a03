#include "sqlite/utf8.h"

#include <cstdint>
#include <cstring>

namespace turnstile::sqlite {

namespace {

bool is_ascii_word(const char* bytes) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return (word & kHighBits) == 0;
}

/// Where after `position` the first character may be that is not ASCII; the text's end if none is.
std::size_t skip_ascii(std::string_view text, std::size_t position) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  while (text.size() - position >= kWord) {
    if (!is_ascii_word(text.data() + position)) return position;
    position += kWord;
  }
  // The last word of the text covers the rest, and some bytes before it once more.
  const bool is_rest_ascii =
      text.size() >= kWord && is_ascii_word(text.data() + text.size() - kWord);
  return is_rest_ascii ? text.size() : position;
}

/// The length of the well-formed sequence that `text` starts with, or 0. The ranges of the second
/// byte are those of the Unicode standard, table 3-7; they exclude surrogates and overlong forms.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  return length;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t position = 0;
  for (;;) {
    position = skip_ascii(text, position);
    if (position == text.size()) return std::string_view::npos;
    const std::size_t length = sequence_length(text.substr(position));
    if (length == 0) return position;
    position += length;
  }
}

std::string escape_invalid_utf8(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  for (;;) {
    const std::size_t invalid = find_invalid_utf8(text);
    result += text.substr(0, invalid);
    if (invalid == std::string_view::npos) return result;
    const auto byte = static_cast<unsigned char>(text[invalid]);
    result.append("\\x").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 15U]);
    text.remove_prefix(invalid + 1);
  }
}

}  // namespace turnstile::sqlite
