// Search by words and by meaning at once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge.h"

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
  bool by_words = false;
  bool by_meaning = false;
  std::string snippet;
};

/// What is asked for.
struct Query {
  std::string text;               ///< Valid UTF-8; "in quotes": side by side.
  std::span<const float> vector;  ///< Of the text, from the embedder.
  std::int64_t limit = 10;
};

/// The best hits first; at most one for each document. Two lists, the chunks that have all the
/// words and the chunks whose vectors are near, are put together by their places in them
/// (reciprocal rank fusion): scores of words and distances of vectors cannot be compared.
[[nodiscard]] std::vector<Hit> search(const Knowledge& knowledge, turnstile::ReadTx& tx,
                                      const Query& query);

}  // namespace kb
