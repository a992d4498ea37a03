// Checks of a statement's text that SQLite does not make.
#pragma once

#include <cstddef>
#include <string_view>

namespace turnstile::sqlite {

class Connection;

/// Throws MisuseError unless `sql` is UTF-8 and short enough for SQLite's interface.
void require_sql_text(const Connection& connection, std::string_view sql);

/// Throws MisuseError if anything but white space, comments and semicolons stands in `sql` from
/// byte `end` on: SQLite would pass over it in silence.
void require_nothing_behind(const Connection& connection, std::string_view sql, std::size_t end);

}  // namespace turnstile::sqlite
