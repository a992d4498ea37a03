// T14: 300,000 rows in one transaction, with one prepared statement, into an empty table.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "support/raw.h"
#include "support/table.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

constexpr std::int64_t kInserts = 300'000;

// Both sides' time includes COMMIT and the checkpoint that the size of the log then makes due.

void raw(benchmark::State& state) {
  const TempDir directory;
  const std::string path = directory.file("bulk.db");
  make_file(path, 0);
  const Records records;
  RawConnection connection(path);
  for (auto _ : state) {
    connection.execute("BEGIN IMMEDIATE");
    RawStatement insert(connection, kInsert);
    for (std::int64_t i = 0; i < kInserts; ++i)
      insert_raw(insert, records[i]);
    connection.execute("COMMIT");
  }
  state.SetItemsProcessed(state.iterations() * kInserts);
}

void lane(benchmark::State& state) {
  const TempDir directory;
  const std::string path = directory.file("bulk.db");
  make_file(path, 0);
  const Records records;
  const Database database = Database::open(path);
  const Lane bulk = database.lane("bench");
  for (auto _ : state) {
    bulk.write([&](WriteTx& tx) {
      Statement insert = tx.prepare(kInsert);
      for (std::int64_t i = 0; i < kInserts; ++i) {
        const Record& record = records[i];
        insert.execute(record.name, record.val, record.payload, record.created);
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * kInserts);
}

// Once: a second time would find a table that is not empty.
BENCHMARK(raw)->Name("T14/raw")->Iterations(1)->UseRealTime();
BENCHMARK(lane)->Name("T14/turnstile")->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace turnstile::bench
