#include "text/marking.h"
#include "sqlite/ascii.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace turnstile::text {

namespace {

/// Bytes of a text. Threads: immutable.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Finds terms in a text from its beginning to its end. Threads: confined.
class Finder {
 public:
  Finder(std::string_view text, const Query& query) : text_(sqlite::lower_ascii(text)) {
    for (const Alternative& alternative : query.alternatives)
      for (const Term& term : alternative.wanted)
        terms_.push_back({sqlite::lower_ascii(term.text), 0});
  }

  /// The first term that begins at `from` or later; of several that begin there the longest.
  [[nodiscard]] std::optional<Range> next(std::size_t from) {
    std::optional<Range> first;
    for (Searched& term : terms_) {
      if (term.place != std::string::npos && term.place <= from)
        term.place = text_.find(term.text, from);
      if (term.place == std::string::npos) continue;
      const Range found{term.place, term.place + term.text.size()};
      if (!first || found.begin < first->begin ||
          (found.begin == first->begin && found.end > first->end))
        first = found;
    }
    return first;
  }

 private:
  struct Searched {
    std::string text;
    std::size_t place = 0;  // The first one not before the place last asked for, once looked for.
  };

  const std::string text_;
  std::vector<Searched> terms_;
};

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The beginning of the word that is `words` before the one at `at`.
std::size_t back(std::string_view text, std::size_t at, int words) {
  for (; at > 0 && words >= 0; --words) {
    while (at > 0 && is_space(text[at - 1]) && words > 0)
      --at;
    while (at > 0 && !is_space(text[at - 1]))
      --at;
  }
  return at;
}

/// The end of the last of `words` words that begin at `at`.
std::size_t forward(std::string_view text, std::size_t at, int words) {
  for (; at < text.size() && words > 0; --words) {
    while (at < text.size() && is_space(text[at]))
      ++at;
    while (at < text.size() && !is_space(text[at]))
      ++at;
  }
  return at;
}

Range window(std::string_view text, const std::optional<Range>& first, int words) {
  if (words == 0) return {0, text.size()};
  const std::size_t begin = first ? back(text, first->begin, words / 4) : 0;
  const std::size_t end = forward(text, begin, words);
  return {begin, first ? std::max(end, first->end) : end};
}

}  // namespace

bool has_term(std::string_view text, const Query& query) {
  return Finder(text, query).next(0).has_value();
}

std::string mark(std::string_view text, const Query& query, const TextSnippet& snippet) {
  Finder finder(text, query);
  std::optional<Range> found = finder.next(0);
  const Range shown = window(text, found, snippet.words);
  std::string result = shown.begin > 0 ? snippet.ellipsis : std::string();
  std::size_t at = shown.begin;
  for (; found && found->end <= shown.end; found = finder.next(at)) {
    result += text.substr(at, found->begin - at);
    result += snippet.before;
    result += text.substr(found->begin, found->end - found->begin);
    result += snippet.after;
    at = found->end;
  }
  result += text.substr(at, shown.end - at);
  if (shown.end < text.size()) result += snippet.ellipsis;
  return result;
}

}  // namespace turnstile::text
