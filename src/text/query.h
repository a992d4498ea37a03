// What a person types into a search field, taken apart so that nothing in it can be an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace turnstile::text {

/// A word, or several that have to stand in a row. Threads: immutable.
struct Term {
  std::string text{};  ///< UTF-8, not empty, without control characters.
  bool prefix = false;

  [[nodiscard]] bool operator==(const Term&) const = default;
};

/// Terms that a row must have, and must not have. Threads: immutable.
struct Alternative {
  std::vector<Term> wanted{};  ///< One at least.
  std::vector<Term> unwanted{};

  [[nodiscard]] bool operator==(const Alternative&) const = default;
};

/// A row matches when one of the alternatives does; without any, none does. Threads: immutable.
struct Query {
  std::vector<Alternative> alternatives{};

  [[nodiscard]] bool empty() const noexcept { return alternatives.empty(); }
};

/// See TextIndex::search(), and TextSearch::operators.
[[nodiscard]] Query parse_query(std::string_view text, bool operators);

/// The query as FTS5 has it (https://sqlite.org/fts5.html#full_text_query_syntax), each term as a
/// string, so that none of it is syntax. The query must not be empty.
[[nodiscard]] std::string fts5_expression(const Query& query);

}  // namespace turnstile::text
