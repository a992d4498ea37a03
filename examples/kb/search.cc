#include "search.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace kb {

namespace {

void add_quoted(std::string& expression, std::string_view term) {
  if (!expression.empty()) expression += ' ';
  expression += '"';
  expression += term;
  expression += '"';
}

void add_words(std::string& expression, std::string_view words) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  for (;;) {
    words.remove_prefix(std::min(words.find_first_not_of(kBlank), words.size()));
    if (words.empty()) return;
    const std::string_view word = words.substr(0, words.find_first_of(kBlank));
    add_quoted(expression, word);
    words.remove_prefix(word.size());
  }
}

}  // namespace

std::string match_expression(std::string_view text) {
  std::string expression;
  // Every second piece between quotation marks is a phrase. No piece contains such a mark, so none
  // can end its own quotes; a mark without a partner reaches to the end of the text.
  for (bool quoted = false;; quoted = !quoted) {
    const std::size_t mark = text.find('"');
    const std::string_view piece = text.substr(0, mark);
    if (!quoted)
      add_words(expression, piece);
    else if (piece.find_first_not_of(' ') != std::string_view::npos)
      add_quoted(expression, piece);
    if (mark == std::string_view::npos) return expression;
    text.remove_prefix(mark + 1);
  }
}

std::vector<Hit> search(turnstile::ReadTx& tx, std::string_view text, std::int64_t limit) {
  std::vector<Hit> hits;
  const std::string expression = match_expression(text);
  if (expression.empty() || limit <= 0) return hits;
  std::set<std::string, std::less<>> seen;
  // The rows come as they are asked for, so this stops when there are enough documents.
  auto rows = tx.query<std::string, std::int64_t, std::int64_t, double, std::string>(
      "SELECT document.path, chunk.position + 1, document.chunk_count, -chunk_text.rank, "
      "snippet(chunk_text, 0, ?2, ?3, ' ... ', 20) "
      "FROM chunk_text JOIN chunk ON chunk.id = chunk_text.rowid "
      "JOIN document ON document.id = chunk.document_id "
      "WHERE chunk_text MATCH ?1 ORDER BY chunk_text.rank",
      expression, std::string_view(&kMatchBegin, 1), std::string_view(&kMatchEnd, 1));
  for (auto&& [path, chunk, chunk_count, score, snippet] : rows) {
    if (seen.insert(path).second) hits.push_back({path, chunk, chunk_count, score, snippet});
    if (std::ssize(hits) == limit) break;
  }
  return hits;
}

}  // namespace kb
