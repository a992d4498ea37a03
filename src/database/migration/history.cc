#include "database/migration/history.h"

#include <array>
#include <ctime>
#include <tuple>

#include "database/migration/checksum.h"
#include "gate/sync_point.h"
#include "turnstile/statement.h"

namespace turnstile::database {

namespace {

// ISO 8601 in UTC with microseconds; SQLite's own function has only milliseconds.
std::string now_as_text() {
  using std::chrono::duration_cast;
  using std::chrono::microseconds;
  const auto now = duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::time_t seconds = duration_cast<std::chrono::seconds>(now).count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string fraction = std::to_string(now.count() % 1'000'000);
  return std::string(text.data(), length) + '.' + std::string(6 - fraction.size(), '0') + fraction +
         'Z';
}

bool has_table(ReadTx& tx, std::string_view condition) {
  return tx
      .query<bool>("SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE type = 'table' AND " +
                   std::string(condition) + ")")
      .one();
}

}  // namespace

History read_history(ReadTx& tx, std::string_view component) {
  History history;
  history.user_version = tx.query<int>("PRAGMA user_version").one();
  gate::sync_point("read_history:version");
  history.has_records = has_table(tx, "name = 'turnstile_migration'");
  history.has_tables = has_table(tx, R"(name NOT LIKE 'sqlite\_%' ESCAPE '\' AND )"
                                     R"(name NOT LIKE 'turnstile\_%' ESCAPE '\')");
  if (!history.has_records) return history;
  for (auto [version, name, checksum, applied_at, adopted] :
       tx.query<int, std::string, std::string, std::string, bool>(
           "SELECT version, name, checksum, applied_at, duration_us IS NULL "
           "FROM turnstile_migration WHERE component = ? ORDER BY version",
           component))
    history.records.push_back({version, name, checksum, applied_at, adopted});
  return history;
}

void make_record_table(sqlite::Connection& connection) {
  connection.execute(
      "CREATE TABLE IF NOT EXISTS turnstile_migration("
      "component TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, "
      "checksum TEXT NOT NULL, applied_at TEXT NOT NULL, "
      "duration_us INTEGER, "  // NULL: adopted; the file had the step before there were records.
      "PRIMARY KEY(component, version)) STRICT, WITHOUT ROWID");
}

void record(sqlite::Connection& connection, std::string_view component, const Migration& step,
            std::chrono::microseconds duration) {
  connection
      .prepare(
          "INSERT INTO turnstile_migration(component, version, name, checksum, applied_at, "
          "duration_us) VALUES (?, ?, ?, ?, ?, nullif(?, -1))")
      .execute(component, step.version, step.name, checksum_of(step), now_as_text(),
               duration.count());
}

}  // namespace turnstile::database
