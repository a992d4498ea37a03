// What application SQL may not do: everything that would change the connection for its next user,
// or end the transaction under the library.
#pragma once

#include <string>

namespace turnstile::sqlite {

/// What the compilation of a statement told of it and sqlite3_stmt does not.
///
/// Threads: immutable.
struct StatementTraits {
  bool changes_schema = false;   ///< SQLite leaves the count of changed rows as it was.
  bool inserts = false;          ///< By itself, not through a trigger.
  bool asks_for_rowid = false;   ///< Uses last_insert_rowid(), itself or in a trigger.
  bool makes_temporary = false;  ///< Creates a temporary table, index, view or trigger.
};

/// Empty when application SQL may do `action` (https://sqlite.org/c3ref/c_alter_table.html) with
/// these arguments, else a clause that says what to use instead. Refused: transaction control,
/// savepoints, ATTACH and DETACH, the functions that reconfigure the engine, and every PRAGMA that
/// is not known to be a mere question (with an argument: table_info and its kin,
/// foreign_key_check, integrity_check, quick_check, defer_foreign_keys, which ends with the
/// transaction).
[[nodiscard]] std::string why_refused(int action, const char* first, const char* second);

/// Adds what `action` says of the statement to `traits`. `trigger` is the trigger or view that
/// wants the action; null: the statement itself. `schema` is `main`, `temp`, ...; it may be null.
void note_action(StatementTraits& traits, int action, const char* second, const char* schema,
                 const char* trigger) noexcept;

}  // namespace turnstile::sqlite
