#include "chunker.h"

#include <initializer_list>

#include "text.h"

namespace kb {

namespace {

// Where the chunk ends that begins `text`, which is longer than `max_bytes`.
std::size_t chunk_length(std::string_view text, std::size_t max_bytes) {
  const std::string_view window = text.substr(0, max_bytes);
  // A break near the beginning would leave a crumb; then the next coarser cut is better.
  const std::size_t decent = max_bytes / 4;
  for (const std::string_view separator : {"\n\n", "\n", " "}) {
    const std::size_t at = window.rfind(separator);
    if (at != std::string_view::npos && at + separator.size() >= decent)
      return at + separator.size();
  }
  const std::size_t whole_characters = cut_at_character(text, max_bytes).size();
  return whole_characters > 0 ? whole_characters : max_bytes;
}

}  // namespace

std::vector<std::string_view> split_into_chunks(std::string_view text, std::size_t max_bytes) {
  std::vector<std::string_view> chunks;
  chunks.reserve(text.size() / max_bytes * 5 / 4 + 1);
  while (text.size() > max_bytes) {
    const std::size_t length = chunk_length(text, max_bytes);
    chunks.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  if (!text.empty()) chunks.push_back(text);
  return chunks;
}

}  // namespace kb
