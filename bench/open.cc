// T16: from a path to the result of the first query, with a pool of four, against one connection.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/raw.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kTables = 50;
constexpr std::string_view kFirstQuery = "SELECT name FROM table_25 WHERE id = 1";

/// A file that another connection has open, as in a program's second process: its write-ahead log
/// is there and stays. Threads: confined.
struct File {
  TempDir directory;
  std::string path = directory.file("open.db");
  RawConnection keeper{path};

  File() {
    keeper.execute("PRAGMA journal_mode=WAL");
    keeper.execute("BEGIN IMMEDIATE");
    for (int i = 0; i < kTables; ++i) {
      const std::string table = "table_" + std::to_string(i);
      std::string index = "CREATE INDEX ";
      index.append(table).append("_by_name ON ").append(table).append("(name)");
      keeper.execute("CREATE TABLE " + table +
                     "(id INTEGER PRIMARY KEY, name TEXT NOT NULL, val INTEGER, created INTEGER)");
      keeper.execute(index);
      keeper.execute("INSERT INTO " + table + "(name) VALUES ('first')");
    }
    keeper.execute("COMMIT");
  }
};

/// Times opening and closing apart; only opening counts as the benchmark's time.
template <class Open, class Close>
void measure(benchmark::State& state, const Open& open, const Close& close) {
  Seconds closing{0};
  for (auto _ : state) {
    const auto start = Clock::now();
    open();
    const auto ready = Clock::now();
    close();
    closing += Clock::now() - ready;
    state.SetIterationTime(Seconds(ready - start).count());
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["close_seconds"] =
      benchmark::Counter(closing.count(), benchmark::Counter::kAvgIterations);
}

void raw(benchmark::State& state) {
  const File file;
  std::optional<RawConnection> connection;
  measure(
      state,
      [&] {
        connection.emplace(file.path);
        RawStatement first(*connection, kFirstQuery);
        first.step();
        benchmark::DoNotOptimize(first.text(0));
      },
      [&] { connection.reset(); });
}

void pool_of_four(benchmark::State& state) {
  const File file;
  std::optional<Database> database;
  measure(
      state,
      [&] {
        database.emplace(Database::open(file.path));
        benchmark::DoNotOptimize(database->lane("bench").read(
            [](ReadTx& tx) { return tx.query<std::string>(kFirstQuery).first(); }));
      },
      [&] { database.reset(); });
}

BENCHMARK(raw)->Name("T16/raw")->UseManualTime();
BENCHMARK(pool_of_four)->Name("T16/turnstile")->UseManualTime();

}  // namespace
}  // namespace turnstile::bench
