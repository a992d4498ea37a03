// T2 and T3: one row by its primary key, read into a struct of its own.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "support/raw.h"
#include "support/table.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

constexpr int kReadsPerTransaction = 16;

// The write-ahead log holds a commit on both sides, as in a program that writes now and then. While
// it is empty, SQLite asks for the file's size at every read, which would flatter the ratio.

/// Threads: shared.
struct File {
  TempDir directory;
  std::string path = directory.file("read.db");

  File() { make_file(path, kRows); }
};

/// Threads: shared.
struct RawFile : File {
  RawConnection writer{path};

  RawFile() {
    RawStatement update(writer, kUpdate);
    update.bind(1, 1);
    update.run();
  }
};

/// Threads: shared.
struct OpenedFile : File {
  Database database = Database::open(path);
  Lane lane = database.lane("bench");

  OpenedFile() {
    lane.write([](WriteTx& tx) { tx.execute(kUpdate, 1); });
  }
};

// One per program run: the benchmark functions are called several times, until they take long
// enough to be measured, and once a thread.
RawFile& raw_file() {
  static RawFile instance;
  return instance;
}
OpenedFile& opened_file() {
  static OpenedFile instance;
  return instance;
}

Record read_raw(RawStatement& select, std::int64_t id) {
  select.bind(1, id);
  Record record;
  if (select.step()) {
    record.id = select.integer(0);
    record.name = select.text(1);
    record.val = select.integer(2);
    record.payload = select.blob(3);
    record.created = select.integer(4);
  }
  select.reset();
  return record;
}

Record read_one(ReadTx& tx, std::int64_t id) {
  auto row =
      tx.query<std::int64_t, std::string, std::int64_t, Blob, std::int64_t>(kSelect, id).first();
  Record record;
  if (row) {
    auto& [key, name, val, payload, created] = *row;
    record = {key, std::move(name), val, std::move(payload), created};
  }
  return record;
}

void raw(benchmark::State& state) {
  const RawConnection connection(raw_file().path);
  RawStatement select(connection, kSelect);
  for (std::int64_t id = 1; id <= kRows; ++id)
    read_raw(select, id);  // Fills the cache, which Turnstile's pool keeps between calls.
  Keys keys(state.thread_index());
  for (auto _ : state)
    benchmark::DoNotOptimize(read_raw(select, keys.next()));
  state.SetItemsProcessed(state.iterations());
}

void single(benchmark::State& state) {
  const Lane& lane = opened_file().lane;
  Keys keys(state.thread_index());
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        lane.read([id = keys.next()](ReadTx& tx) { return read_one(tx, id); }));
  }
  state.SetItemsProcessed(state.iterations());
}

void grouped(benchmark::State& state) {
  const Lane& lane = opened_file().lane;
  Keys keys(state.thread_index());
  for (auto _ : state) {
    lane.read([&keys](ReadTx& tx) {
      for (int i = 0; i < kReadsPerTransaction; ++i)
        benchmark::DoNotOptimize(read_one(tx, keys.next()));
    });
  }
  state.SetItemsProcessed(state.iterations() * kReadsPerTransaction);
}

BENCHMARK(raw)->Name("T2/1/raw")->UseRealTime();
BENCHMARK(single)->Name("T2/1/turnstile")->UseRealTime();
BENCHMARK(raw)->Name("T2/2/raw")->Threads(2)->UseRealTime();
BENCHMARK(single)->Name("T2/2/turnstile")->Threads(2)->UseRealTime();
BENCHMARK(raw)->Name("T3/raw")->UseRealTime();
BENCHMARK(grouped)->Name("T3/turnstile")->UseRealTime();

}  // namespace
}  // namespace turnstile::bench
