// Functions and collations of the program, put into a connection.
#pragma once

#include "turnstile/sql_definitions.h"

struct sqlite3;

namespace turnstile::sqlite {

/// Return SQLite's result code. What is defined must outlive the handle.
[[nodiscard]] int define(sqlite3* handle, const Function& function) noexcept;
[[nodiscard]] int define(sqlite3* handle, const Collation& collation) noexcept;

}  // namespace turnstile::sqlite
