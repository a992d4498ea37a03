#include "chunker.h"

namespace kb {

namespace {

// Where to cut `text`, which is longer than `longest`: behind the last separator that leaves a
// piece of at least a quarter of that length, so that no crumbs come out.
std::size_t find_cut(std::string_view text, std::size_t longest) {
  const std::string_view window = text.substr(0, longest);
  for (const std::string_view separator : {"\n\n", "\n", " "}) {
    const std::size_t at = window.rfind(separator);
    if (at != std::string_view::npos && at >= longest / 4) return at + separator.size();
  }
  std::size_t cut = longest;
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
  };
  while (cut > 1 && continues(cut))
    --cut;
  return cut;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

}  // namespace

std::vector<std::string_view> split_into_chunks(std::string_view text, std::size_t longest) {
  std::vector<std::string_view> chunks;
  while (!text.empty()) {
    const std::size_t cut = text.size() <= longest ? text.size() : find_cut(text, longest);
    if (!is_blank(text.substr(0, cut))) chunks.push_back(text.substr(0, cut));
    text.remove_prefix(cut);
  }
  return chunks;
}

}  // namespace kb
