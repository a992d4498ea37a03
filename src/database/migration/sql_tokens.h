// SQL taken apart far enough to compare the text of two schema objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace turnstile::database {

/// Threads: immutable.
struct SqlToken {
  enum class Kind {
    Word,    ///< A keyword, a name or a number; in lower case.
    Name,    ///< A name in quotes, without them and in lower case: never a keyword.
    String,  ///< With its quotes.
    Symbol,  ///< One character.
  };
  Kind kind = Kind::Symbol;
  std::string text;

  [[nodiscard]] bool is_word(std::string_view word) const noexcept {
    return kind == Kind::Word && text == word;
  }
  [[nodiscard]] bool is_symbol(char symbol) const noexcept {
    return kind == Kind::Symbol && text[0] == symbol;
  }
};

/// Without white space and comments.
[[nodiscard]] std::vector<SqlToken> tokens_of(std::string_view sql);

/// The tokens from `first` to `last`, separated by blanks: equal for texts that differ in white
/// space, comments, case, and quotes around names.
[[nodiscard]] std::string text_of(const SqlToken* first, const SqlToken* last);
[[nodiscard]] std::string normalised(std::string_view sql);

/// What only the text of a CREATE TABLE tells. Threads: immutable.
struct TableText {
  struct Column {
    std::string name;
    std::string collation;  ///< Empty: none is said.
    std::string generated;  ///< The expression; empty: it is no generated column.
  };
  std::vector<Column> columns;
  std::vector<std::string> checks;  ///< Their expressions, sorted.
  bool autoincrement = false;
};
[[nodiscard]] TableText read_create_table(std::string_view sql);

}  // namespace turnstile::database
