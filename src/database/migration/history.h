// What a file says of the schema steps that it has: the table turnstile_migration, in which each
// step leaves a record, and user_version.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/connection.h"
#include "turnstile/migration.h"
#include "turnstile/transaction.h"

namespace turnstile::database {

/// Threads: immutable.
struct MigrationRecord {
  int version = 0;
  std::string name;
  std::string checksum;
  std::string applied_at;
  bool adopted = false;
};

/// Threads: immutable.
struct History {
  int user_version = 0;
  bool has_records = false;              ///< There is the table, for whatever component.
  bool has_tables = false;               ///< There are tables that are not this library's own.
  std::vector<MigrationRecord> records;  ///< Of the component, by version.
};

/// Reads what the file says of a component.
[[nodiscard]] History read_history(ReadTx& tx, std::string_view component);

/// Makes the table of records where it is missing.
void make_record_table(sqlite::Connection& connection);

/// The duration of a step that was not run but adopted.
inline constexpr std::chrono::microseconds kAdopted{-1};

/// Records a step that the file has now.
void record(sqlite::Connection& connection, std::string_view component, const Migration& step,
            std::chrono::microseconds duration);

}  // namespace turnstile::database
