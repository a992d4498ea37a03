// What can still be read of a damaged database, in a new file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <vector>

#include "turnstile/error.h"
#include "turnstile/progress.h"

namespace turnstile {

/// Threads: immutable.
struct RecoveryOptions {
  /// Bytes of a page, a power of two from 512 to 65536. 0: find it out, from the header, from the
  /// write-ahead log, or else by what makes most of the file readable.
  std::uint32_t page_size_bytes = 0;
  /// Told of the phases `survey`, `rows`, `indexes` (in objects of the schema) and `verify`.
  ProgressSink progress{};
  /// Ends the recovery with Cancelled.
  std::stop_token stop{};
};

/// A page that could not be read, wholly or in part. Threads: immutable.
struct DamagedPage {
  std::uint32_t number = 0;  ///< From 1, as SQLite counts.
  std::string reason;        ///< A clause.
};

/// What became of one table. Threads: immutable.
struct RecoveredTable {
  std::string name;
  std::uint64_t rows = 0;           ///< In the table of the new file.
  std::uint64_t rows_put_back = 0;  ///< Of these, found on pages that the damage had cut off.
  std::uint64_t rows_rejected = 0;  ///< Refused by the table's own rules; in lost_and_found.
  /// Nobody can tell how many rows were on them.
  std::vector<DamagedPage> damaged_pages{};

  [[nodiscard]] bool complete() const noexcept {  ///< Nothing of it was lost.
    return rows_put_back == 0 && rows_rejected == 0 && damaged_pages.empty();
  }
};

/// An index, view, trigger or table that could not be made again. Threads: immutable.
struct LostObject {
  std::string type;  ///< `table`, `index`, `view` or `trigger`.
  std::string name;
  std::string reason;  ///< A clause.
};

/// What was read, and what was not. Threads: immutable.
struct RecoveryReport {
  std::filesystem::path source;
  std::filesystem::path destination;
  std::uint32_t page_size_bytes = 0;
  std::uint32_t pages = 0;               ///< Of the source, its write-ahead log included.
  std::uint32_t pages_in_log = 0;        ///< Of these, taken from committed frames of the log.
  std::uint32_t pages_rolled_back = 0;   ///< Taken from the journal of an unfinished transaction.
  std::vector<RecoveredTable> tables{};  ///< In the order of the schema.
  /// The table of the new file that has the rows whose place is not known; empty: there is none.
  std::string lost_and_found{};
  std::uint64_t rows_lost_and_found = 0;  ///< Those of no table, and the rejected ones.
  std::vector<LostObject> lost_objects{};
  std::vector<std::string> losses{};  ///< Clauses about what else is lost or may be.
  std::vector<std::string> notes{};   ///< Clauses about what was not as it should be, without loss.
  /// Another process that had the source open; what it wrote meanwhile may be missing.
  std::optional<Holder> in_use_by{};

  /// True when everything was read, and all of it is in its place.
  [[nodiscard]] bool complete() const noexcept;
  /// In the tables of the new file, lost_and_found not counted.
  [[nodiscard]] std::uint64_t rows() const noexcept;
  [[nodiscard]] std::uint64_t rows_rejected() const noexcept;  ///< Of all tables.
  /// Of tables; a damaged page of an index loses nothing.
  [[nodiscard]] std::size_t damaged_pages() const noexcept;
};

/// Makes a new database `destination` of what can be read of `source`, its write-ahead log and the
/// journal of an unfinished transaction included. The source is only read, and never by SQLite, so
/// that no damage can stop it and nothing of it changes.
///
/// The new file has the source's tables with their rows, indexes, views, triggers, page size, text
/// encoding, application_id and user_version. Rows whose table is not known, and those that the
/// table refuses, are in its table lost_and_found. It has passed SQLite's integrity check, is on
/// the medium, and appears under its name only then; nothing is overwritten, and a recovery that
/// fails or is cancelled leaves nothing. (One that is killed leaves a
/// hidden file, which the next one in that folder removes.)
///
/// While it runs, the source cannot be opened in this process. No other part of the process, such
/// as another SQLite, may have it open: closing a file drops all locks that a process has on it.
///
/// Throws MisuseError (DB_IN_USE, OPTION_INVALID), StorageError (DB_NOT_FOUND, DB_EXISTS,
/// DB_NO_DIRECTORY, DB_PERMISSION, DB_IO, DB_DISK_FULL; RECOVERY_FAILED when nothing could be
/// salvaged), Timeout (another thread opens or closes the source), Cancelled. Threads: shared.
RecoveryReport recover(const std::filesystem::path& source,
                       const std::filesystem::path& destination,
                       const RecoveryOptions& options = {},
                       std::source_location where = std::source_location::current());

}  // namespace turnstile
