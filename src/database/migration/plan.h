// What is to be done with a file: its history against the program's steps.
#pragma once

#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "database/migration/history.h"
#include "sqlite/connection.h"
#include "turnstile/migration.h"

namespace turnstile::database {

/// Throws MisuseError (MIGRATION_INVALID) unless the steps are numbered 1, 2, 3, ..., named, and
/// each has either SQL or a function.
void validate(const Migrations& migrations, std::source_location where);

/// Throws MisuseError (MIGRATION_INVALID) for what cannot be the name of a component.
void validate_component(std::string_view component, std::source_location where);

/// `schema step 3 (add colours)`.
[[nodiscard]] std::string title_of(int version, std::string_view name);

/// Throws MigrationError in the name of the connection's call.
[[noreturn]] void raise_migration(const sqlite::Connection& connection, std::string_view code,
                                  std::string message, std::string hint = {});

/// Threads: immutable.
struct Plan {
  int found = 0;        ///< The version that the file has.
  bool adopts = false;  ///< It has steps without records, which are to be made.
};

/// Looks at the file and compares. Throws MigrationError (DB_SCHEMA_TOO_NEW, DB_SCHEMA_UNKNOWN,
/// MIGRATION_EDITED, MIGRATION_GAP), MisuseError (OPTION_INVALID) for a version to adopt that there
/// is no step of.
[[nodiscard]] Plan make_plan(sqlite::Connection& connection, std::string_view component,
                             const Migrations& steps, std::optional<int> adopt_schema);

/// The same comparison as a list; throws only what SQLite says.
[[nodiscard]] std::vector<MigrationStatus> status_of(const History& history,
                                                     std::string_view component,
                                                     const Migrations& steps);

}  // namespace turnstile::database
