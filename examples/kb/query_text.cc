#include "query_text.h"

#include <algorithm>
#include <vector>

namespace kb {

namespace {

bool is_part_of_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '_';
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  const auto* at = text.begin();
  while (at != text.end()) {
    const auto* const first = std::find_if(at, text.end(), is_part_of_word);
    const auto* const last = std::find_if_not(first, text.end(), is_part_of_word);
    if (first != last) words.emplace_back(first, static_cast<std::size_t>(last - first));
    at = last;
  }
  return words;
}

}  // namespace

std::string to_full_text_query(std::string_view text) {
  std::string query;
  for (const std::string_view word : words_of(text)) {
    if (!query.empty()) query += ' ';
    query.append("\"").append(word).append("\"");
  }
  return query;
}

std::string pick_word(std::string_view text) {
  // The last word may have been cut off together with the text.
  const std::vector<std::string_view> words = words_of(text.substr(0, text.rfind(' ')));
  const auto longest =
      std::max_element(words.begin(), words.end(),
                       [](std::string_view a, std::string_view b) { return a.size() < b.size(); });
  return longest == words.end() ? std::string() : std::string(*longest);
}

}  // namespace kb
