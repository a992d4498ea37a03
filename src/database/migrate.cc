#include "database/migrate.h"

#include <string>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

int version_of(sqlite::Connection& connection) {
  return static_cast<int>(connection.query_integer("PRAGMA user_version"));
}

[[noreturn]] void fail(const sqlite::Connection& connection, Error::Details details) {
  details.lane = connection.call().lane;
  details.where = connection.call().where;
  throw MigrationError(std::move(details));
}

[[noreturn]] void fail(const sqlite::Connection& connection, std::string_view code,
                       std::string message) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  fail(connection, std::move(details));
}

std::string title(const Migration& step) {
  return "schema step " + std::to_string(step.version) + " (" + step.name + ")";
}

void require_not_newer(const sqlite::Connection& connection, int found, int known) {
  if (found <= known) return;
  fail(connection, code("DB_SCHEMA_TOO_NEW"),
       "the file has schema version " + std::to_string(found) +
           ", and the program knows versions up to " + std::to_string(known));
}

void run_step(sqlite::Connection& connection, const Migration& step) {
  try {
    connection.execute_script(step.sql);
  } catch (const Timeout&) {
    throw;
  } catch (const Error& error) {
    Error::Details details;
    details.code = code("MIGRATION_FAILED");
    details.message = title(step) + " failed: " + std::string(error.message());
    details.hint = error.hint();
    details.sqlite_code = error.sqlite_code();
    details.system_code = error.system_code();
    details.sql = error.sql();
    details.sql_offset = error.sql_offset();
    fail(connection, std::move(details));
  }
}

void check_foreign_keys(sqlite::Connection& connection) {
  const std::string table = connection.query_text("PRAGMA foreign_key_check");
  if (table.empty()) return;
  fail(connection, code("MIGRATION_FAILED"),
       "after the schema steps, rows of the table " + table + " refer to rows that do not exist");
}

void run_pending(sqlite::Connection& connection, const Options& options, int found) {
  for (const Migration& step : options.migrations) {
    if (step.version <= found) continue;
    run_step(connection, step);
    gate::sync_point("migrate:step_done");
  }
  if (options.foreign_keys) check_foreign_keys(connection);
  connection.execute("PRAGMA user_version=" + std::to_string(options.migrations.size()));
}

}  // namespace

void validate(const Migrations& migrations, std::source_location where) {
  Call call;
  call.where = where;
  int expected = 1;
  for (const Migration& step : migrations) {
    if (step.version != expected || step.name.empty()) {
      sqlite::raise_misuse(code("MIGRATION_INVALID"),
                           "schema step number " + std::to_string(expected) + " has version " +
                               std::to_string(step.version) + " and the name '" + step.name + "'",
                           call);
    }
    ++expected;
  }
}

void require_known_schema(sqlite::Connection& connection, const Options& options) {
  if (!options.migrations.empty()) {
    require_not_newer(connection, version_of(connection),
                      static_cast<int>(options.migrations.size()));
  }
}

MigrationResult migrate(sqlite::Connection& connection, const Options& options) {
  const int known = static_cast<int>(options.migrations.size());
  MigrationResult result;
  result.found = result.now = version_of(connection);
  if (known == 0) return result;
  require_not_newer(connection, result.found, known);
  if (result.found == known) return result;
  if (options.mode == OpenMode::ReadOnly) {
    fail(connection, code("DB_SCHEMA_OUTDATED"),
         "the file has schema version " + std::to_string(result.found) + " and the program needs " +
             std::to_string(known));
  }

  connection.execute("PRAGMA foreign_keys=0");
  if (const int began = connection.begin_immediate(); began != 0) sqlite::raise(connection, began);
  try {
    // Another process may have been faster between the first look and the write lock.
    result.found = version_of(connection);
    require_not_newer(connection, result.found, known);
    if (result.found < known) run_pending(connection, options, result.found);
    if (const int done = connection.commit(); done != 0) sqlite::raise(connection, done);
  } catch (...) {
    connection.rollback();
    throw;
  }
  result.now = known;
  return result;
}

}  // namespace turnstile::database
