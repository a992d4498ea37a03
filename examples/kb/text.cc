#include "text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace kb {

namespace {

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// The range of characters that a sequence of each length may stand for: an encoding that is longer
// than needed is not valid.
struct Form {
  unsigned char mask;
  unsigned char lead;
  std::size_t length;
  std::uint32_t lowest;
};
constexpr Form kForms[] = {
    {0x80, 0x00, 1, 0x0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}};

// The length of the valid character that `bytes` begins with, or 0.
std::size_t character_length(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes.front());
  const auto* form =
      std::ranges::find_if(kForms, [lead](const Form& f) { return (lead & f.mask) == f.lead; });
  if (form == std::end(kForms) || bytes.size() < form->length) return 0;
  std::uint32_t character = lead & static_cast<unsigned char>(~form->mask);
  for (const char byte : bytes.substr(1, form->length - 1)) {
    if (!is_continuation(byte)) return 0;
    character = (character << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  return character < form->lowest || character > 0x10FFFF || surrogate ? 0 : form->length;
}

std::string from_latin1(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() + bytes.size() / 8);
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xC0U | (code >> 6U));
      text += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  return text;
}

}  // namespace

bool looks_like_text(std::string_view content) {
  return content.substr(0, kProbeBytes).find('\0') == std::string_view::npos;
}

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = character_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string bytes) {
  std::ranges::replace(bytes, '\0', ' ');
  return is_valid_utf8(bytes) ? std::move(bytes) : from_latin1(bytes);
}

std::string_view cut_at_character(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  // A character has at most four bytes, so in anything but UTF-8 this gives up after three.
  std::size_t end = limit;
  while (end > 0 && limit - end < 4 && is_continuation(text[end]))
    --end;
  return text.substr(0, limit - end < 4 ? end : limit);
}

}  // namespace kb
