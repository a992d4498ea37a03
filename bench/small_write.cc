// T4: one caller that inserts a row and updates another one, a transaction each time.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "support/raw.h"
#include "support/table.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"

namespace turnstile::bench {
namespace {

/// Enough for the write-ahead log to reach its size on both sides: a log that still grows makes a
/// commit that waits for the disk almost twice as dear.
constexpr std::int64_t kWarmUp = 3000;

/// Threads: confined.
class RawWriter {
 public:
  explicit RawWriter(Synchronous synchronous) : synchronous_(synchronous) {
    for (std::int64_t i = 0; i < kWarmUp; ++i)
      write();
  }

  void write() {
    const Record& record = records_[written_++];
    begin_.run();
    insert_raw(insert_, record);
    update_.bind(1, keys_.next());
    update_.run();
    commit_.run();
  }

 private:
  std::string make() {
    std::string path = directory_.file("write.db");
    make_file(path, kRows);
    return path;
  }

  Synchronous synchronous_;
  TempDir directory_;
  RawConnection connection_{make(), synchronous_};
  RawStatement begin_{connection_, "BEGIN IMMEDIATE"};
  RawStatement insert_{connection_, kInsert};
  RawStatement update_{connection_, kUpdate};
  RawStatement commit_{connection_, "COMMIT"};
  Records records_;
  Keys keys_{0};
  std::int64_t written_ = 0;
};

/// Threads: confined.
class LaneWriter {
 public:
  explicit LaneWriter(Synchronous synchronous) : synchronous_(synchronous) {
    for (std::int64_t i = 0; i < kWarmUp; ++i)
      write();
  }

  void write() {
    const Record& record = records_[written_++];
    lane_.write([&](WriteTx& tx) {
      tx.execute(kInsert, record.name, record.val, record.payload, record.created);
      tx.execute(kUpdate, keys_.next());
    });
  }

 private:
  std::string make() {
    std::string path = directory_.file("write.db");
    make_file(path, kRows);
    return path;
  }

  Synchronous synchronous_;
  TempDir directory_;
  Database database_ = Database::open(make(), {.synchronous = synchronous_});
  Lane lane_ = database_.lane("bench");
  Records records_;
  Keys keys_{0};
  std::int64_t written_ = 0;
};

template <class Writer, Synchronous Level>
void small_write(benchmark::State& state) {
  static Writer writer(Level);  // The function is called until it takes long enough.
  for (auto _ : state)
    writer.write();
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(small_write<RawWriter, Synchronous::Normal>)->Name("T4/normal/raw")->UseRealTime();
BENCHMARK(small_write<LaneWriter, Synchronous::Normal>)->Name("T4/normal/turnstile")->UseRealTime();
BENCHMARK(small_write<RawWriter, Synchronous::Full>)->Name("T4/full/raw")->UseRealTime();
BENCHMARK(small_write<LaneWriter, Synchronous::Full>)->Name("T4/full/turnstile")->UseRealTime();

}  // namespace
}  // namespace turnstile::bench
