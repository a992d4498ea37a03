// Work on the file as a whole, from Database::maintenance(). All that writes takes its turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/priority.h"
#include "turnstile/progress.h"

namespace turnstile {

namespace detail {
class Core;
}  // namespace detail

/// Settings of one call. Threads: immutable.
struct MaintenanceOptions {
  /// Longest wait until it may begin; the database's busy_timeout when empty.
  std::optional<std::chrono::milliseconds> timeout{};
  /// A stop that is requested ends it with Cancelled; what is done in parts keeps those it has
  /// done.
  std::stop_token stop{};
  ProgressSink progress{};
  Priority priority = Priority::Normal;  ///< Of optimize() and analyze(), among those that write.
};

enum class CheckpointMode {  ///< How much a checkpoint copies.
  Passive,                   ///< Copies what it can and waits for nobody.
  Truncate,  ///< Copies all of it and cuts the log to nothing; waits for readers until its timeout.
};

/// What a checkpoint did. Threads: immutable.
struct CheckpointReport {
  bool complete = false;        ///< All of the log is in the file; with Truncate: and it is empty.
  std::int64_t log_frames = 0;  ///< In the log when it began.
  std::int64_t copied_frames = 0;
};

/// A row whose foreign key leads nowhere. Threads: immutable.
struct ForeignKeyViolation {
  std::string table;
  std::optional<std::int64_t> rowid;  ///< Empty for a table without rowids.
  std::string parent;
};

/// How a table or index fills the file. Threads: immutable.
struct PageStatistics {
  std::string name;  ///< Of the table or index.
  std::int64_t pages = 0;
  std::int64_t bytes = 0;         ///< What the pages take.
  std::int64_t unused_bytes = 0;  ///< Of these, those that hold nothing.
};

/// A database's maintenance. It keeps the database's inside alive, but not open.
///
/// All calls throw Timeout, Cancelled, StorageError and MisuseError as those of Lane do; those that
/// write are refused inside a closure of the same database.
///
/// Threads: shared.
class Maintenance {
 public:
  explicit Maintenance(std::shared_ptr<detail::Core> core) noexcept;

  /// Lets SQLite look after the statistics of its query planner, as far as they need it
  /// (PRAGMA optimize). Costs little; best called now and then, or before closing.
  void optimize(const MaintenanceOptions& options = {},
                std::source_location where = std::source_location::current()) const;
  /// Gathers the statistics of all tables anew (ANALYZE).
  void analyze(const MaintenanceOptions& options = {},
               std::source_location where = std::source_location::current()) const;

  /// Gives free pages back to the file system, in small transactions between which others have
  /// their turn; at most `pages`, all when 0. Returns how many. Throws MisuseError
  /// (AUTO_VACUUM_OFF) for a file that was not made with AutoVacuum::Incremental.
  std::int64_t incremental_vacuum(
      std::int64_t pages = 0, const MaintenanceOptions& options = {},
      std::source_location where = std::source_location::current()) const;
  /// Rewrites the whole file without gaps (VACUUM). Nobody else writes meanwhile; readers go on.
  /// Takes up to twice the file's size in space, the write-ahead log included.
  void vacuum(const MaintenanceOptions& options = {},
              std::source_location where = std::source_location::current()) const;

  /// Copies the write-ahead log into the file. Nothing to do where there is none.
  CheckpointReport checkpoint(CheckpointMode mode = CheckpointMode::Truncate,
                              const MaintenanceOptions& options = {},
                              std::source_location where = std::source_location::current()) const;

  /// What is wrong with the file, a sentence each; empty: nothing was found. On a snapshot of its
  /// own, which keeps the log meanwhile as a backup does.
  [[nodiscard]] std::vector<std::string> integrity_check(
      IntegrityCheck check = IntegrityCheck::Full, const MaintenanceOptions& options = {},
      std::source_location where = std::source_location::current()) const;
  /// The rows whose foreign keys lead nowhere; at most 1,000.
  [[nodiscard]] std::vector<ForeignKeyViolation> foreign_key_check(
      const MaintenanceOptions& options = {},
      std::source_location where = std::source_location::current()) const;

  /// Makes the index of an FTS5 table anew from its content.
  void rebuild_text_index(std::string_view table, const MaintenanceOptions& options = {},
                          std::source_location where = std::source_location::current()) const;

  /// How tables and indexes fill the file, the largest first. Reads the whole file.
  [[nodiscard]] std::vector<PageStatistics> page_statistics(
      const MaintenanceOptions& options = {},
      std::source_location where = std::source_location::current()) const;

 private:
  std::shared_ptr<detail::Core> core_;
};

}  // namespace turnstile
