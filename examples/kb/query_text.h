// Between what people type and the full-text index's query language.
#pragma once

#include <string>
#include <string_view>

namespace kb {

/// The words of any text as an FTS5 query that asks for all of them. Each is quoted, so that `AND`,
/// `*` or a stray quotation mark mean nothing. Empty when there is no word.
[[nodiscard]] std::string to_full_text_query(std::string_view text);

/// The longest word of a text; empty when it has none.
[[nodiscard]] std::string pick_word(std::string_view text);

}  // namespace kb
