#include "text_file.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <string_view>

namespace kb {

namespace {

struct CloseFile {
  void operator()(gzFile file) const noexcept { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseFile>;

bool is_continuation(unsigned char byte) {
  return (byte & 0xC0U) == 0x80U;
}

// How many bytes the character at `text[i]` has, 0 when it is not UTF-8.
std::size_t character_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) {
    return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
  };
  const auto first = static_cast<unsigned char>(text[i]);
  if (first < 0x80) return 1;
  const auto tail = [&](std::size_t count) {
    for (std::size_t k = 1; k <= count; ++k)
      if (!is_continuation(static_cast<unsigned char>(byte(k)))) return false;
    return true;
  };
  if (first >= 0xC2 && first <= 0xDF && tail(1)) return 2;
  if (first == 0xE0 && byte(1) >= 0xA0 && tail(2)) return 3;
  if (first == 0xED && byte(1) < 0xA0 && tail(2)) return 3;
  if (first > 0xE0 && first <= 0xEF && first != 0xED && tail(2)) return 3;
  if (first == 0xF0 && byte(1) >= 0x90 && tail(3)) return 4;
  if (first > 0xF0 && first <= 0xF3 && tail(3)) return 4;
  if (first == 0xF4 && byte(1) < 0x90 && tail(3)) return 4;
  return 0;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = character_length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

// A character that was cut in two at the end would make the whole look like Latin-1.
void drop_cut_character(std::string& text) {
  const std::size_t whole = text.size();
  while (!text.empty() && is_continuation(static_cast<unsigned char>(text.back())))
    text.pop_back();
  if (text.size() < whole || (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0))
    text.pop_back();
}

}  // namespace

std::string utf8_from_latin1(const std::string& text) {
  std::string utf8;
  utf8.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      utf8 += c;
    } else {
      utf8 += static_cast<char>(0xC0U | (byte >> 6U));
      utf8 += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return utf8;
}

// zlib reads files that are not compressed as they are.
FileContent read_text_file(const std::string& path) {
  const GzipFile file(gzopen(path.c_str(), "rbe"));
  if (!file) return {"", "unreadable"};
  FileContent content;
  std::array<char, 65536> block{};
  while (!content.is_cut_off) {
    const int count = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (count < 0) return {"", "unreadable"};
    if (count == 0) break;
    const std::string_view piece(block.data(), static_cast<std::size_t>(count));
    if (piece.find('\0') != std::string_view::npos) return {"", "binary"};
    content.text += piece;
    content.is_cut_off = content.text.size() > kLargestText;
  }
  if (content.is_cut_off) {
    content.text.resize(kLargestText);
    drop_cut_character(content.text);
  } else {
    int status = Z_OK;
    gzerror(file.get(), &status);
    if (status != Z_OK) return {"", "unreadable"};  // It ends in the middle.
  }
  if (content.text.empty()) return {"", "empty"};
  if (!is_utf8(content.text)) content.text = utf8_from_latin1(content.text);
  return content;
}

}  // namespace kb
