#include "text/query.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace turnstile::text {

namespace {

struct Character {
  std::size_t bytes = 1;
  bool valid = false;
  std::uint32_t code = 0;
};

bool continues(std::string_view text, std::size_t at) noexcept {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// The character that begins at `at`, as RFC 3629 allows it; else one byte that is none.
Character character_at(std::string_view text, std::size_t at) noexcept {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80U) return {1, true, first};
  const std::size_t bytes = first >= 0xF0U ? 4 : first >= 0xE0U ? 3 : 2;
  std::uint32_t code = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (!continues(text, at + i)) return {};
    code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  const std::uint32_t least = bytes == 2 ? 0x80 : bytes == 3 ? 0x800 : 0x10000;
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  const bool valid = first >= 0xC0U && first < 0xF8U && code >= least && code <= 0x10FFFF;
  if (!valid || surrogate) return {};
  return {bytes, true, code};
}

bool is_blank(std::uint32_t code) noexcept {
  constexpr std::uint32_t kDelete = 0x7F;
  constexpr std::uint32_t kNoBreakSpace = 0xA0;
  constexpr std::uint32_t kIdeographicSpace = 0x3000;
  return code <= ' ' || code == kDelete || code == kNoBreakSpace || code == kIdeographicSpace;
}

/// `text` with a space for all that separates words and for all that is no character.
std::string with_spaces(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character character = character_at(text, at);
    if (character.valid && !is_blank(character.code))
      result += text.substr(at, character.bytes);
    else
      result += ' ';
    at += character.bytes;
  }
  return result;
}

std::string without_extra_spaces(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

struct Word {
  Term term;
  bool quoted = false;
};

/// Threads: confined.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(with_spaces(text)), rest_(text_) {}

  [[nodiscard]] std::vector<Word> words() {
    std::vector<Word> words;
    while (!rest_.empty()) {
      Word word = rest_.front() == '"' ? phrase() : plain();
      if (!word.term.text.empty()) words.push_back(std::move(word));
    }
    return words;
  }

 private:
  Word phrase() {
    rest_.remove_prefix(1);
    const std::size_t length = std::min(rest_.find('"'), rest_.size());
    Word word{{without_extra_spaces(rest_.substr(0, length))}, true};
    rest_.remove_prefix(std::min(length + 1, rest_.size()));
    word.term.prefix = take_stars();
    return word;
  }

  Word plain() {
    const std::size_t length = std::min(rest_.find_first_of(" \""), rest_.size());
    std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length == 0 ? 1 : length);
    const std::size_t last = text.find_last_not_of('*');
    const std::size_t kept = last == std::string_view::npos ? 0 : last + 1;
    return {{std::string(text.substr(0, kept)), kept < text.size()}, false};
  }

  bool take_stars() {
    const std::size_t stars = std::min(rest_.find_first_not_of('*'), rest_.size());
    rest_.remove_prefix(stars);
    return stars > 0;
  }

  const std::string text_;
  std::string_view rest_;
};

bool is(const Word& word, std::string_view name) {
  return !word.quoted && !word.term.prefix && word.term.text == name;
}

std::string fts5_string(const Term& term) {
  std::string text = "\"";
  for (const char c : term.text) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + (term.prefix ? "\" *" : "\"");
}

std::string joined(const std::vector<Term>& terms, std::string_view between) {
  std::string text;
  for (const Term& term : terms) {
    if (!text.empty()) text += between;
    text += fts5_string(term);
  }
  return text;
}

}  // namespace

Query parse_query(std::string_view text, bool operators) {
  std::vector<Word> words = Lexer(text).words();
  Query query;
  bool begins = true;  // The next word is the first of an alternative.
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool between = operators && !begins && i + 1 < words.size();
    if (between && is(words[i], "OR")) {
      begins = true;
      continue;
    }
    const bool unwanted = between && is(words[i], "NOT");
    if (unwanted) ++i;
    if (begins) query.alternatives.emplace_back();
    begins = false;
    Alternative& alternative = query.alternatives.back();
    (unwanted ? alternative.unwanted : alternative.wanted).push_back(std::move(words[i].term));
  }
  return query;
}

// Terms that stand side by side must all match, and one without a word in it is passed over there,
// which it would not be beside AND.
std::string fts5_expression(const Query& query) {
  std::string text;
  for (const Alternative& alternative : query.alternatives) {
    if (!text.empty()) text += " OR ";
    text += "((" + joined(alternative.wanted, " ") + ")";
    if (!alternative.unwanted.empty())
      text += " NOT (" + joined(alternative.unwanted, " OR ") + ")";
    text += ")";
  }
  return text;
}

}  // namespace turnstile::text
