// Full-text search.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"

namespace kb {

/// Around a found word in Hit::snippet. Control characters, which no honest text contains; whoever
/// shows the snippet replaces them.
inline constexpr char kMatchBegin = '\x02';
inline constexpr char kMatchEnd = '\x03';

struct Hit {
  std::string path;
  std::int64_t chunk = 0;  ///< Which one of the document, from 1.
  std::int64_t chunk_count = 0;
  double score = 0;  ///< The higher the better.
  std::string snippet;
};

/// What FTS5 understands by the words of `text`: all of them must occur, "quoted words" next to
/// each other. Each is quoted, so that none of it is an operator, whatever it contains. Empty when
/// there is nothing to look for.
[[nodiscard]] std::string match_expression(std::string_view text);

/// The best hits first; at most one for each document.
[[nodiscard]] std::vector<Hit> search(turnstile::ReadTx& tx, std::string_view text,
                                      std::int64_t limit);

}  // namespace kb
