// What a database is opened with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/migration.h"
#include "turnstile/sql_definitions.h"

namespace turnstile {

enum class OpenMode {  ///< What may be done with the file.
  ReadWriteCreate,     ///< Make the file when it is missing.
  ReadWrite,           ///< The file must exist.
  ReadOnly,            ///< Never creates, migrates or writes; every call of write() is refused.
  Memory,              ///< No file: gone when the last handle closes. The path is only a name.
};

/// When a commit is safe against a power failure
/// (https://sqlite.org/pragma.html#pragma_synchronous). Against the death of the process it is safe
/// with either.
enum class Synchronous {
  Normal,  ///< The last commits may be undone by a power failure; the file stays whole.
  Full,    ///< A commit that returned is on the medium.
};

/// Fixed when the file is made (https://sqlite.org/pragma.html#pragma_auto_vacuum).
enum class AutoVacuum { None, Full, Incremental };

/// What to do where the file system cannot carry a write-ahead log (https://sqlite.org/wal.html).
enum class WithoutWal {
  Refuse,           ///< Throw StorageError (DB_WAL_UNAVAILABLE).
  RollbackJournal,  ///< Use a rollback journal; readers and the writer then wait for each other.
};

/// What to do with a write-ahead log that has reached Options::wal_limit_bytes because readers keep
/// it from being started over. But with Warn, the next writer waits up to a second for readers that
/// are younger than Options::pinned_reader_warning. Readers of other processes can only be named,
/// and only RefuseWrites stops the log from growing on under them.
enum class AtWalLimit {
  Warn,              ///< Tell the log sink; the log grows on.
  InterruptReaders,  ///< The old reads of this process throw Cancelled (READ_INTERRUPTED) at their
                     ///< next SQL. A closure that does not touch the database is not ended by that.
  RefuseWrites,  ///< Writes throw StorageError (WAL_LIMIT), which names the reader, until it ends.
};

/// Something that the library wants to tell and that is no error of a call: a degraded mode, a
/// failed checkpoint. The library itself never prints.
///
/// Threads: immutable.
struct LogEvent {
  enum class Severity { Info, Warning, Error };  ///< How bad it is.
  Severity severity = Severity::Info;
  std::string_view code;  ///< A stable name, such as `JOURNAL_FALLBACK`.
  std::string message;    ///< One sentence.
};

/// Called from any thread, one at a time, until a late close has ended; must not call the database.
using LogSink = std::function<void(const LogEvent&)>;

struct OpenTarget;

/// All settings of a database. They are given once, to Database::open, which alone applies them.
///
/// Threads: immutable.
struct Options {
  /// Connections in all, 1 to 64, all opened at start: one writer, the others readers. With 1,
  /// reads and writes share it and wait for each other. 0: four, and two with OpenMode::ReadOnly.
  int connections = 0;

  /// How long a call may wait, from its start until its closure runs: for its turn, for a reader
  /// and for SQLite's own locks together. Calls can name a shorter or longer time.
  std::chrono::milliseconds busy_timeout{5000};

  Synchronous synchronous = Synchronous::Normal;
  bool foreign_keys = true;
  OpenMode mode = OpenMode::ReadWriteCreate;
  WithoutWal without_wal = WithoutWal::Refuse;

  /// Make missing directories on the way to the file, with mode 0700.
  bool create_directories = false;

  /// Page size of a new file in bytes, a power of two from 512 to 65536; 0: SQLite's default.
  int page_size = 0;
  AutoVacuum auto_vacuum = AutoVacuum::None;  ///< Of a new file.

  /// The program's schema. A file with a newer one, or with other steps, is refused; without
  /// migrations the schema is not looked at.
  Migrations migrations;

  /// What a file that has tables but neither records of schema steps nor a `user_version` is taken
  /// for: one whose tables are what the steps up to this version make (0: none of them). Without
  /// it, such a file is refused (DB_SCHEMA_UNKNOWN). Other files do not care.
  std::optional<int> adopt_schema{};

  /// Before the first schema step that is run on a file with data, copy the file to
  /// `NAME.before-vN`, N being that step, and verify the copy. Needs as much space as the file.
  bool backup_before_migration = true;

  /// How long an open waits for another one that is running schema steps; `busy_timeout` begins
  /// after that.
  std::chrono::milliseconds migration_timeout{60000};

  /// A script of CREATE statements: what the program needs to find in the file, compared after the
  /// schema steps. Throws MigrationError (DB_SCHEMA_DIFFERS) with a list of the differences; tables
  /// and indexes beyond it are allowed. Empty: nothing is compared.
  std::string expect_schema;

  /// Read a file of which the caller knows that nobody writes to it, from a medium or directory
  /// where not even SQLite's lock and log files can be made. Needs OpenMode::ReadOnly. SQLite then
  /// takes no locks and overlooks a write-ahead log, so that a file beside which there is one with
  /// content is refused (DB_LOG_LEFT). Nothing else protects against a writer.
  bool immutable = false;

  /// What the program adds to SQL. Every connection has it before its first use, so that schema
  /// steps, indexes and the check of a backup may need it.
  std::vector<Extension> extensions;
  std::vector<Function> functions{};
  std::vector<Collation> collations{};

  /// Prepared statements kept by each connection; the least recently used one goes first.
  std::size_t statement_cache_size = 128;

  /// Frames in the write-ahead log at which it is copied back into the file. At twice as many the
  /// next writer waits for that. A frame is a page.
  int checkpoint_frames = 2000;

  /// A check for tests and development: runs the closure of every write twice, first in a savepoint
  /// that is undone. One that has an effect outside its transaction, or does not do the same again,
  /// shows by that.
  bool rehearse_closures = false;

  /// Bytes of write-ahead log beyond which `at_wal_limit` says what happens; 0: none. A log that
  /// nobody pins stays at twice `checkpoint_frames`; the limit is taken as at least four times.
  /// A transaction that is begun is never cut short, so that the log can pass the limit by one.
  std::int64_t wal_limit_bytes = std::int64_t{256} << 20;

  AtWalLimit at_wal_limit = AtWalLimit::InterruptReaders;

  /// How long a reader may keep a log from being copied before the log sink is told who it is
  /// (WAL_PINNED), once a reader and once more each time the log has doubled.
  std::chrono::milliseconds pinned_reader_warning{1000};

  /// Permits a second copy of SQLite in the process. Two copies do not know of each other's locks:
  /// committed data has been lost that way (https://sqlite.org/howtocorrupt.html, section 2.2.1).
  bool allow_second_engine = false;

  /// The SQLite VFS to use; empty: the default one.
  std::string vfs;

  LogSink log_sink;

  /// Reads a `file:` URI as SQLite and the drivers of other languages spell it, such as
  /// `file:app.db?mode=rw&_busy_timeout=5000&_foreign_keys=on`; its settings are laid over `base`.
  /// Throws MisuseError (URI_INVALID) for an unknown or doubled key, listing the known ones, and
  /// for settings that cannot be honoured, such as `cache=shared`, with the reason.
  [[nodiscard]] static OpenTarget from_uri(
      std::string_view uri, Options base,
      std::source_location where = std::source_location::current());
  [[nodiscard]] static OpenTarget from_uri(
      std::string_view uri, std::source_location where = std::source_location::current());
};

/// A path with the options to open it with.
///
/// Threads: immutable.
struct OpenTarget {
  std::string path;
  Options options;
};

}  // namespace turnstile
