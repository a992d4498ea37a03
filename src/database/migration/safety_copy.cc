#include "database/migration/safety_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "database/location.h"
#include "gate/sync_point.h"
#include "sqlite/copy_pages.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"
#include "turnstile/statement.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

// Those that are stored, so without virtual ones, whose own tables are among them.
std::vector<std::string> stored_tables(sqlite::Connection& connection) {
  return connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
      .query<std::string>()
      .all();
}

bool is_own(std::string_view table) {
  return table.starts_with("sqlite_") || table.starts_with("turnstile_");
}

/// A file descriptor. Threads: confined.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags, mode_t mode = 0) noexcept
      : number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const noexcept { return number_; }

 private:
  int number_;
};

std::string_view code_of(int cause) {
  switch (cause) {
    case ENOSPC:
    case EDQUOT:
      return code("DB_DISK_FULL");
    case EACCES:
    case EPERM:
    case EROFS:
      return code("DB_PERMISSION");
    default:
      return code("DB_IO");
  }
}

}  // namespace

SafetyCopy::SafetyCopy(sqlite::Connection& connection, const fs::path& file, std::string_view label)
    : connection_(connection),
      file_(file),
      copy_(file.native() + ".before-" + std::string(label)),
      unfinished_(copy_.native() + ".unfinished") {}

bool SafetyCopy::is_worthwhile() {
  for (const std::string& table : stored_tables(connection_))
    if (!is_own(table) && connection_.query_integer("SELECT EXISTS(SELECT 1 FROM " +
                                                    sqlite::sql_name(table) + ")") != 0)
      return true;
  return false;
}

void SafetyCopy::remove_leftovers() noexcept {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    std::error_code ignored;
    fs::remove(unfinished_.native() + suffix, ignored);
  }
}

fs::path SafetyCopy::make() {
  try {
    remove_leftovers();
    write();
    gate::sync_point("migrate:copied");
    verify();
    publish();
    gate::sync_point("migrate:copy_published");
  } catch (const StorageError& error) {
    remove_leftovers();
    if (error.code() == code("MIGRATION_BACKUP")) throw;
    Error::Details details;
    details.code = error.code();
    details.message =
        "the copy before the schema steps cannot be made: " + std::string(error.message());
    details.hint =
        "Remove the cause, or go without a copy (Options::backup_before_migration); "
        "nothing was changed.";
    details.sqlite_code = error.sqlite_code();
    details.system_code = error.system_code();
    details.lane = connection_.call().lane;
    details.where = connection_.call().where;
    throw StorageError(std::move(details));
  } catch (...) {
    remove_leftovers();
    throw;
  }
  return copy_;
}

void SafetyCopy::write() {
  // With the owner and the mode of the file: who may not read that may not read a copy either.
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) raise_system("look at", file_);
  {
    const Descriptor made(unfinished_, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    if (made.number() < 0) raise_system("make", unfinished_);
    // Only root can give a file away; who cannot keeps it.
    static_cast<void>(::fchown(made.number(), status.st_uid, status.st_gid) == 0);
    if (::fchmod(made.number(), status.st_mode & 0777U) != 0) raise_system("protect", unfinished_);
  }
  // The transaction's own connection cannot be copied from, and another one sees the same.
  sqlite::Connection source(connection_.config(), connection_.call());
  sqlite::Connection::Config config;
  config.path = unfinished_.string();
  config.vfs = connection_.config().vfs;
  config.protection = connection_.config().protection;
  config.definitions = connection_.config().definitions;
  sqlite::Connection target(std::move(config), connection_.call());
  sqlite::copy_pages(source, target);
}

void SafetyCopy::verify() {
  sqlite::Connection::Config config;
  // The header says that there may be a log, which immutable keeps from being made.
  config.path = immutable_uri(unfinished_);
  config.uri = true;
  config.read_only = true;
  config.vfs = connection_.config().vfs;
  config.protection = connection_.config().protection;
  config.definitions = connection_.config().definitions;
  sqlite::Connection copy(std::move(config), connection_.call());
  const std::string found = copy.query_text("PRAGMA integrity_check");
  if (found != "ok") raise_unsound(found);
  const RowCounts expected = count_rows(connection_);
  const RowCounts copied = count_rows(copy);
  if (expected == copied) return;
  for (const auto& [table, rows] : expected) {
    const auto other = copied.find(table);
    if (other == copied.end()) raise_unsound("the table " + table + " is missing");
    if (other->second != rows) {
      raise_unsound("the table " + table + " has " + std::to_string(other->second) +
                    " rows, and that of the file " + std::to_string(rows));
    }
  }
  raise_unsound("it has tables that the file has not");
}

SafetyCopy::RowCounts SafetyCopy::count_rows(sqlite::Connection& connection) {
  RowCounts counts;
  for (const std::string& table : stored_tables(connection))
    counts[table] = connection.query_integer("SELECT count(*) FROM " + sqlite::sql_name(table));
  return counts;
}

void SafetyCopy::publish() {
  // Not a descriptor of the database itself: closing one of those would drop SQLite's locks.
  const Descriptor copy(unfinished_, O_RDONLY);
  if (copy.number() < 0 || ::fsync(copy.number()) != 0) raise_system("sync", unfinished_);
  if (::rename(unfinished_.c_str(), copy_.c_str()) != 0) raise_system("rename", unfinished_);
  const fs::path directory = copy_.parent_path();
  const Descriptor opened(directory, O_RDONLY | O_DIRECTORY);
  if (opened.number() < 0 || ::fsync(opened.number()) != 0) raise_system("sync", directory);
}

void SafetyCopy::raise_unsound(const std::string& why) const {
  Error::Details details;
  details.code = code("MIGRATION_BACKUP");
  details.message = "the copy before the schema steps is not sound: " + why;
  details.lane = connection_.call().lane;
  details.where = connection_.call().where;
  throw StorageError(std::move(details));
}

void SafetyCopy::raise_system(std::string_view what, const fs::path& path) const {
  const int cause = errno;
  sqlite::raise_system(code_of(cause), "cannot " + std::string(what) + " '" + path.string() + "'",
                       cause, connection_.call());
}

}  // namespace turnstile::database
