// Schema steps: what a program's tables are made by, in order, once in the life of each file.
//
// The application's own steps are given to Database::open and run before the pool exists. A
// subsystem that keeps tables in the same file has steps of its own, under its own name, and runs
// them with Database::migrate.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile {

class WriteTx;

/// One step of a schema: SQL, or a function for what SQL cannot say. A file keeps a record of each
/// step that it has, in the table `turnstile_migration`; a step that has been run somewhere is not
/// to be changed any more, but followed by another one.
///
/// Threads: immutable.
struct Migration {
  int version = 0;     ///< 1, 2, 3, ... without a gap.
  std::string name{};  ///< For messages: what the step is about.
  /// One or more statements; without transaction control, PRAGMA and ATTACH. Its SHA-256 is
  /// recorded (CR LF counts as LF), so that an edit is noticed.
  std::string sql{};
  /// Instead of `sql`. Runs in the transaction that all missing steps share: yield_point() does
  /// nothing, after_commit() runs its action after the commit of all of them.
  std::function<void(WriteTx&)> apply{};
  /// Of `apply`, whose text nobody can see: this and the name are what is recorded of it.
  std::string revision{};
};

/// The steps of a program in the order of their versions.
using Migrations = std::vector<Migration>;

/// Reads the files `NNNN_name.sql` of a directory as the steps NNNN; the zeros in front are free,
/// other files are passed over. Throws MisuseError (MIGRATION_INVALID) for a gap, two files of one
/// number, a `.sql` file of another name or none at all, StorageError (MIGRATION_UNREADABLE).
[[nodiscard]] Migrations load_migrations(
    const std::filesystem::path& directory,
    std::source_location where = std::source_location::current());

/// How Database::migrate is to go about it. Threads: immutable.
struct MigrateOptions {
  bool dry_run = false;  ///< Run the missing steps, check the result, and undo all of it.
  /// Make a verified copy of the file first, if there is data that the steps could spoil.
  bool backup = true;
  /// See Options::adopt_schema.
  std::optional<int> adopt_schema{};
  /// The longest wait for the turn; as Options::busy_timeout when nothing is said.
  std::optional<std::chrono::milliseconds> timeout{};
};

/// What a migration found and did. Threads: immutable.
struct MigrationReport {
  struct Step {
    int version = 0;
    std::string name{};
    std::chrono::microseconds duration{0};
  };
  int found = 0;              ///< The version that the file had.
  int now = 0;                ///< The version that it has; after a dry run, that it would have.
  std::vector<Step> steps{};  ///< Those that were run.
  std::filesystem::path backup{};  ///< Empty: none was made.
};

enum class MigrationState {  ///< How a step and the file stand.
  Applied,                   ///< The file has it.
  Pending,                   ///< The file lacks it.
  Edited,                    ///< The file has it, with another checksum than the program's.
  Unknown,                   ///< The file has it, and the program does not know it.
};

[[nodiscard]] std::string_view to_string(MigrationState state) noexcept;  ///< In lower case.

/// One step, as the program and the file have it. Threads: immutable.
struct MigrationStatus {
  int version = 0;
  std::string name{};
  MigrationState state = MigrationState::Pending;
  std::string checksum{};           ///< Of the program's step, in hexadecimal; empty: Unknown.
  std::string recorded_checksum{};  ///< What the file says; empty: it has no record of the step.
  std::string applied_at{};         ///< ISO 8601 in UTC; empty: pending, or not recorded.
  bool adopted = false;             ///< Taken as run: the file had it before there were records.
};

}  // namespace turnstile
