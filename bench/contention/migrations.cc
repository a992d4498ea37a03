// Fifty schema steps on a new file (T17): Turnstile runs them in one transaction, the other side is
// the usual loop with one transaction each. Both are timed from the path to the ready database.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "contention/ledger.h"
#include "contention/scenarios.h"
#include "support/raw.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

constexpr int kSteps = 50;

Migrations make_steps() {
  Migrations steps;
  for (int i = 1; i <= kSteps; ++i) {
    const std::string table = "table_" + std::to_string(i);
    std::string sql = "CREATE TABLE " + table;
    sql.append("(id INTEGER PRIMARY KEY, name TEXT NOT NULL, val INTEGER, created INTEGER);");
    sql.append("CREATE INDEX ").append(table).append("_by_name ON ").append(table).append("(name)");
    steps.push_back({i, "make " + table, sql});
  }
  return steps;
}

Seconds migrate_raw(const std::string& path, Synchronous synchronous, const Migrations& steps) {
  const Time from = Clock::now();
  RawConnection connection(path, synchronous);
  connection.execute("PRAGMA journal_mode=WAL");
  for (const Migration& step : steps) {
    connection.execute("BEGIN IMMEDIATE");
    connection.execute(step.sql);
    connection.execute("PRAGMA user_version=" + std::to_string(step.version));
    connection.execute("COMMIT");
  }
  return Clock::now() - from;
}

Seconds migrate_turnstile(const std::string& path, Synchronous synchronous,
                          const Migrations& steps) {
  Options options{.synchronous = synchronous, .migrations = steps};
  const Time from = Clock::now();
  const Database database = Database::open(path, std::move(options));
  return Clock::now() - from;
}

double median_us(std::vector<Seconds> times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return middle->count() * 1e6;
}

}  // namespace

nlohmann::json run_migrations(const Arguments& arguments) {
  if (arguments.side != Side::Raw && arguments.side != Side::Turnstile)
    throw std::invalid_argument("migrations has the sides raw and turnstile");
  const TempDir directory;
  const Migrations steps = make_steps();
  const Window window = Window::after(Seconds(0), arguments.seconds);
  std::vector<Seconds> times;
  std::string complaint;
  do {
    const std::string path = directory.file("new-" + std::to_string(times.size()) + ".db");
    times.push_back(arguments.side == Side::Raw
                        ? migrate_raw(path, arguments.synchronous, steps)
                        : migrate_turnstile(path, arguments.synchronous, steps));
    Ledger ledger(path);
    // Turnstile keeps the record of the steps in a table of its own.
    ledger.expect(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'turnstile%'",
        kSteps);
    ledger.expect("PRAGMA user_version", kSteps);
    if (complaint.empty()) complaint = ledger.complaint();
  } while (!window.is_over());
  return {{"median_us", median_us(times)}, {"files", times.size()}, {"complaint", complaint}};
}

}  // namespace turnstile::bench
