#include "database/copies/whole_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>

#include "database/copies/file_error.h"
#include "database/copies/sha256.h"
#include "gate/sync_point.h"
#include "gate/write_all.h"
#include "sqlite/error_code.h"
#include "sqlite/online_backup.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

// A copy of pages says that it has a write-ahead log, as the original does; whoever opened it would
// make one beside it, and could not where he may not write. These two bytes of the header say it
// (https://sqlite.org/fileformat2.html#file_format_version_numbers).
void forget_log(const TempFile& copy, const Call& call) {
  constexpr std::array<char, 2> kRollbackJournal{1, 1};
  constexpr off_t kVersions = 18;
  if (copy.size() == 0) return;
  const int cause =
      gate::write_all_at(copy.descriptor(), std::as_bytes(std::span(kRollbackJournal)), kVersions);
  if (cause != 0) raise_file_error(cause, "cannot write " + sqlite::quoted(copy.path()), call);
}

}  // namespace

Reading reading_of(const sqlite::Connection& connection) {
  return {connection.config().protection, connection.config().definitions};
}

Reading reading_with(const SqlDefinitions& definitions) {
  return {.definitions = std::make_shared<const SqlDefinitions>(definitions)};
}

std::unique_ptr<sqlite::Connection> open_scratch(const std::filesystem::path& path,
                                                 const Call& call, const Reading& reading) {
  sqlite::Connection::Config config;
  config.path = path.string();
  config.protection = reading.protection;
  config.definitions = reading.definitions;
  auto connection = std::make_unique<sqlite::Connection>(std::move(config), call);
  connection->execute("PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY");
  return connection;
}

void Attention::require_wanted() const {
  if (call.stop.stop_requested()) sqlite::raise_stopped(call);
}

std::vector<TableRows> count_rows(sqlite::Connection& connection, const Attention& attention) {
  const std::vector<std::string> names =
      connection
          .prepare(
              "SELECT name FROM sqlite_schema WHERE type = 'table'"
              " AND sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY name")
          .query<std::string>()
          .all();
  std::vector<TableRows> tables;
  for (const std::string& name : names) {
    attention.require_wanted();
    attention.tell("count", std::ssize(tables), std::ssize(names));
    tables.push_back(
        {name, connection.prepare("SELECT count(*) FROM main." + sqlite::sql_name(name))
                   .query<std::int64_t>()
                   .one()});
  }
  return tables;
}

std::vector<std::string> find_damage(sqlite::Connection& connection, IntegrityCheck check,
                                     const Attention& attention) {
  attention.require_wanted();
  attention.tell("check", 0, -1);
  std::vector<std::string> problems =
      connection
          .prepare(check == IntegrityCheck::Full ? "PRAGMA integrity_check(100)"
                                                 : "PRAGMA quick_check(100)")
          .query<std::string>()
          .all();
  if (problems == std::vector<std::string>{"ok"}) problems.clear();
  return problems;
}

std::vector<std::string> find_orphans(sqlite::Connection& connection, const Attention& attention) {
  attention.require_wanted();
  std::vector<std::string> orphans;
  const auto violations = connection
                              .prepare(
                                  "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check"
                                  " GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 100")
                              .query<std::string, std::string, std::int64_t>()
                              .all();
  for (const auto& [table, parent, count] : violations) {
    std::string orphan = std::to_string(count) + " rows of ";
    orphan.append(table).append(" refer to rows of ").append(parent).append(" that are not there");
    orphans.push_back(std::move(orphan));
  }
  return orphans;
}

std::unique_ptr<sqlite::Connection> open_immutable(const std::filesystem::path& path,
                                                   const Call& call, const Reading& reading) {
  sqlite::Connection::Config config;
  config.path = sqlite::file_uri(path) + "?immutable=1";
  config.uri = true;
  config.read_only = true;
  config.protection = reading.protection;
  config.definitions = reading.definitions;
  return std::make_unique<sqlite::Connection>(std::move(config), call);
}

void copy_pages(sqlite::Connection& source, TempFile& copy, int pages_per_step,
                const Attention& attention) {
  {
    const auto destination = open_scratch(copy.path(), attention.call, reading_of(source));
    sqlite::OnlineBackup backup(source, *destination);
    gate::sync_point("copy_pages:begin");
    while (backup.step(pages_per_step)) {
      const std::int64_t total = backup.total_pages();
      attention.tell("copy", total - backup.remaining_pages(), total);
      gate::sync_point("copy_pages:step");
      attention.require_wanted();
    }
    attention.tell("copy", backup.total_pages(), backup.total_pages());
  }
  // These bytes of an encrypted page are authenticated with the rest of it.
  if (!source.config().protection) forget_log(copy, attention.call);
}

void copy_compactly(sqlite::Connection& source, TempFile& copy, const Attention& attention) {
  attention.require_wanted();
  attention.tell("compact", 0, -1);
  const std::stop_callback on_stop(attention.call.stop, [&source] { source.interrupt(); });
  source.execute("VACUUM INTO " + sqlite::sql_text(copy.path().string()));
  attention.require_wanted();
}

std::vector<std::string> require_true_copy(const TempFile& copy,
                                           const std::vector<TableRows>& tables,
                                           IntegrityCheck check, const Attention& attention,
                                           const Reading& reading) {
  std::vector<std::string> problems;
  std::vector<std::string> orphans;
  try {
    const auto connection = open_immutable(copy.path(), attention.call, reading);
    const std::stop_callback on_stop(attention.call.stop,
                                     [&connection] { connection->interrupt(); });
    problems = find_damage(*connection, check, attention);
    orphans = find_orphans(*connection, attention);
    const std::vector<TableRows> copied = count_rows(*connection, attention);
    if (copied != tables) {
      const auto [first, second] = std::ranges::mismatch(copied, tables);
      problems.push_back("the copy has other rows than the original, from table " +
                         (second == tables.end() ? first->table : second->table) + " on");
    }
  } catch (const StorageError& error) {
    problems.emplace_back(error.message());
  }
  if (problems.empty()) return orphans;
  Error::Details details;
  details.code = code("BACKUP_INVALID");
  details.message = "the copy is not whole: " + list(problems);
  details.lane = attention.call.lane;
  details.where = attention.call.where;
  throw StorageError(std::move(details));
}

std::string hash_file(int descriptor, std::int64_t size, const Attention& attention) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  const auto block = std::make_unique<std::array<std::byte, kBlock>>();
  Sha256 hash;
  for (std::int64_t done = 0;;) {
    attention.require_wanted();
    attention.tell("hash", done, size);
    const ssize_t count = ::pread(descriptor, block->data(), kBlock, done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) raise_file_error(errno, "cannot read the file to be hashed", attention.call);
    if (count == 0) return hash.finish();
    hash.add(std::span(*block).first(static_cast<std::size_t>(count)));
    done += count;
  }
}

std::string list(const std::vector<std::string>& problems) {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i)
    text += (i == 0 ? "" : "; ") + problems[i];
  if (problems.size() > kShown)
    text += "; and " + std::to_string(problems.size() - kShown) + " more";
  return text;
}

}  // namespace turnstile::database
