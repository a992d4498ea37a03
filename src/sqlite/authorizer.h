// What application SQL may not do: everything that would change the connection for its next user,
// or end the transaction under the library.
#pragma once

#include <string>
#include <vector>

namespace turnstile::sqlite {

/// What the compilation of a statement told of it and sqlite3_stmt does not.
///
/// Threads: immutable.
struct StatementTraits {
  bool changes_schema = false;   ///< SQLite leaves the count of changed rows as it was.
  bool inserts = false;          ///< By itself, not through a trigger.
  bool asks_for_rowid = false;   ///< Uses last_insert_rowid(), itself or in a trigger.
  bool makes_temporary = false;  ///< Creates a temporary table, index, view or trigger.
  /// The file's tables that it writes, itself, in a trigger or for a foreign key.
  std::vector<std::string> writes{};
};

/// Empty when application SQL may do `action` (https://sqlite.org/c3ref/c_alter_table.html) with
/// these arguments, else a clause that says what to use instead. Refused: transaction control,
/// savepoints, ATTACH and DETACH, the functions that reconfigure the engine, and every PRAGMA that
/// is not known to be a mere question (with an argument: table_info and its kin,
/// foreign_key_check, integrity_check, quick_check, defer_foreign_keys, which ends with the
/// transaction).
[[nodiscard]] std::string why_refused(int action, const char* first, const char* second);

/// What the authorizer is asked about; any of the texts may be null. Threads: scoped.
struct Action {
  int code = 0;
  const char* first = nullptr;
  const char* second = nullptr;
  const char* database = nullptr;
  const char* trigger =
      nullptr;  ///< The trigger or view that wants it; null: the statement itself.
};

/// Adds what `action` says of the statement to `traits`.
void note_action(StatementTraits& traits, const Action& action);

}  // namespace turnstile::sqlite
