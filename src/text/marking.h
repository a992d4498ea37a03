// What FTS5's snippet() and highlight() do, for rows that were found without an index.
#pragma once

#include <string>
#include <string_view>

#include "text/query.h"
#include "turnstile/text.h"

namespace turnstile::text {

/// Whether one of the wanted terms is in `text`, whatever the case of ASCII letters.
[[nodiscard]] bool has_term(std::string_view text, const Query& query);

/// The words of `text` around the first of the wanted terms, or all of them, with each term marked.
[[nodiscard]] std::string mark(std::string_view text, const Query& query,
                               const TextSnippet& snippet);

}  // namespace turnstile::text
