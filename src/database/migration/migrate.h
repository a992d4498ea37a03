// Runs the schema steps that a file lacks, in one transaction: for the application before the pool
// exists (phase 4 of the start-up), and for components in the writer's turn.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "database/migration/plan.h"
#include "database/write_job.h"
#include "sqlite/connection.h"
#include "turnstile/migration.h"

namespace turnstile::database {

/// What the gate's record says of a process that runs schema steps. Who waits for it knows by this
/// that it may take long.
inline constexpr std::string_view kMigrationLane = "migrate";

/// Threads: confined.
struct MigrationJob {
  std::string_view component;
  const Migrations& steps;
  const MigrateOptions& options;
  bool check_foreign_keys = true;
  bool may_write = true;
  std::filesystem::path file{};  ///< Empty in memory: nothing to copy.
  /// Called before anything that may take long. May be empty.
  std::function<void()> on_start{};
  /// COMMIT, for what has to be done with it. Empty: Connection::commit().
  std::function<int()> commit{};
};

/// Threads: confined.
struct MigrationOutcome {
  MigrationReport report;
  Actions after_commit;  ///< What the steps want to be done now that they are committed.
};

/// Runs the missing steps, all in one transaction that looks at the file again, so that of several
/// processes only one runs them. Foreign keys are not enforced meanwhile, because a step that
/// rebuilds a table would delete its children; they are checked before the commit. Throws what
/// make_plan() does, MigrationError: DB_SCHEMA_OUTDATED when it may not write, MIGRATION_FAILED;
/// StorageError; the file is as it was then.
[[nodiscard]] MigrationOutcome migrate(sqlite::Connection& connection, const MigrationJob& job);

/// For a log: `schema version 3 -> 5`, and where the copy is.
[[nodiscard]] std::string describe(const MigrationReport& report);

}  // namespace turnstile::database
