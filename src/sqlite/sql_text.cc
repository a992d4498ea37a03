#include "sqlite/sql_text.h"

#include <climits>
#include <string>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"

namespace turnstile::sqlite {

namespace {

/// Where in `sql`, from `position` on, something stands that is neither white space, nor a
/// comment, nor a semicolon; its size when nothing does.
std::size_t skip_empty(std::string_view sql, std::size_t position) noexcept {
  constexpr std::string_view kNothing = " \t\n\f\r;";
  while (position < sql.size()) {
    const std::string_view rest = sql.substr(position);
    std::size_t end = 0;
    if (kNothing.find(rest.front()) != std::string_view::npos) {
      end = 1;
    } else if (rest.starts_with("--")) {
      end = rest.find('\n');
    } else if (rest.starts_with("/*")) {
      end = rest.find("*/", 2);
      if (end != std::string_view::npos) end += 2;
    } else {
      return position;
    }
    position = end == std::string_view::npos ? sql.size() : position + end;
  }
  return position;
}

}  // namespace

void require_sql_text(const Connection& connection, std::string_view sql) {
  if (sql.size() > INT_MAX) {
    raise_statement_misuse(connection, code("VALUE_TOO_BIG"),
                           "the text of the statement has " + std::to_string(sql.size()) + " bytes",
                           {});
  }
  const std::size_t invalid = find_invalid_utf8(sql);
  if (invalid != std::string_view::npos) {
    raise_statement_misuse(
        connection, code("SQL_ERROR"),
        "the text of the statement is not UTF-8 from byte " + std::to_string(invalid) + " on", sql,
        "Bind other bytes as a blob.", invalid);
  }
}

void require_nothing_behind(const Connection& connection, std::string_view sql, std::size_t end) {
  const std::size_t next = skip_empty(sql, end);
  if (next == sql.size()) return;
  const bool is_nul = sql[next] == '\0';
  raise_statement_misuse(
      connection, code("SQL_ERROR"),
      (is_nul ? "there is a NUL byte in the text" : "a second statement follows") +
          position_in(sql, next),
      sql,
      is_nul ? "Bind the value as a parameter." : "Use execute_script() for several statements.",
      next);
}

}  // namespace turnstile::sqlite
