// Phase 4 of the start-up: the schema steps that a file lacks, in one transaction.
#pragma once

#include <source_location>

#include "sqlite/connection.h"
#include "turnstile/migration.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Throws MisuseError (MIGRATION_INVALID) unless the steps are numbered 1, 2, 3, ... and named.
void validate(const Migrations& migrations, std::source_location where);

/// Throws MigrationError (DB_SCHEMA_TOO_NEW) when the file has steps that the options do not know.
/// Asked before anything of the file is changed; migrate() asks again.
void require_known_schema(sqlite::Connection& connection, const Options& options);

/// What migrate() found and did. Threads: immutable.
struct MigrationResult {
  int found = 0;  ///< The version that the file had.
  int now = 0;
};

/// Runs the steps that the file lacks, all in one transaction that re-reads the version, so that of
/// several processes only one runs them. Foreign keys are not enforced meanwhile, because a step
/// that rebuilds a table would delete its children (https://sqlite.org/lang_altertable.html,
/// section 7); they are checked before the commit. Throws MigrationError: DB_SCHEMA_TOO_NEW,
/// DB_SCHEMA_OUTDATED when the options are read-only, MIGRATION_FAILED; the file is as it was then.
MigrationResult migrate(sqlite::Connection& connection, const Options& options);

}  // namespace turnstile::database
