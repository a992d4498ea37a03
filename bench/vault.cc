// T19: what protection costs. A database that is encrypted page by page against a plain one, and a
// sealed one of 100 MB against moving as many bytes of a plain file.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "support/table.h"
#include "support/temp_dir.h"
#include "turnstile/database.h"
#include "vault/crypto/key_slots.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/sealed_database.h"

namespace turnstile::bench {
namespace {

using vault::KeyParameters;
using vault::KeySlots;
using vault::SealedDatabase;
using vault::SecretBytes;

// ---- Encrypted by pages: T2's read and T4's write ----

/// Threads: confined.
class Opened {
 public:
  explicit Opened(bool encrypted) : database_(open(encrypted)), lane_(database_.lane("bench")) {
    lane_.write([&](WriteTx& tx) {
      tx.execute(kCreateTable);
      for (std::int64_t i = 0; i < kRows; ++i)
        insert(tx);
    });
    // Enough for the log to reach its size, and for the readers' caches to be full.
    constexpr int kWarmUp = 3000;
    for (int i = 0; i < kWarmUp; ++i)
      write();
    for (std::int64_t id = 1; id <= kRows; ++id)
      read(id);
  }

  void write() {
    lane_.write([this](WriteTx& tx) {
      insert(tx);
      tx.execute(kUpdate, keys_.next());
    });
  }
  void read() { read(keys_.next()); }

 private:
  [[nodiscard]] Database open(bool encrypted) const {
    const std::string path = directory_.file("vault.db");
    if (!encrypted) return Database::open(path);
    return vault::open_encrypted_database(path, SecretBytes::random(vault::kDataKeySize), {});
  }
  void insert(WriteTx& tx) {
    const Record& record = records_[written_++];
    tx.execute(kInsert, record.name, record.val, record.payload, record.created);
  }
  void read(std::int64_t id) {
    lane_.read([id](ReadTx& tx) {
      auto row = tx.query<std::int64_t, std::string, std::int64_t, Blob, std::int64_t>(kSelect, id)
                     .first();
      benchmark::DoNotOptimize(row);
    });
  }

  TempDir directory_;
  Database database_;
  Lane lane_;
  Records records_;
  Keys keys_{0};
  std::int64_t written_ = 0;
};

template <bool Encrypted>
Opened& opened() {
  static Opened instance(Encrypted);  // The functions are called until they take long enough.
  return instance;
}

template <bool Encrypted>
void small_writes(benchmark::State& state) {
  Opened& database = opened<Encrypted>();
  for (auto _ : state)
    database.write();
  state.SetItemsProcessed(state.iterations());
}

template <bool Encrypted>
void cached_reads(benchmark::State& state) {
  Opened& database = opened<Encrypted>();
  for (auto _ : state)
    database.read();
  state.SetItemsProcessed(state.iterations());
}

// ---- Sealed: 100 MB ----

constexpr std::size_t kMegabyte = 1'000'000;
constexpr int kMegabytes = 100;

vault::SealedOptions on_demand() {
  vault::SealedOptions options;
  options.save_within = std::chrono::milliseconds(0);
  return options;
}

/// Threads: confined.
struct Sealed {
  TempDir directory;
  std::string path = directory.file("sealed");
  SecretBytes key = SecretBytes::random(vault::kDataKeySize);

  Sealed() {
    SealedDatabase sealed = SealedDatabase::create(path, key, {}, on_demand());
    sealed.database().lane("bench").write([](WriteTx& tx) {
      tx.execute("CREATE TABLE blob_of(id INTEGER PRIMARY KEY, content)");
      tx.execute("CREATE TABLE counter(n)");
      tx.execute("INSERT INTO counter VALUES (0)");
      for (int i = 0; i < kMegabytes; ++i)
        tx.execute("INSERT INTO blob_of(content) VALUES (randomblob(?))",
                   static_cast<std::int64_t>(kMegabyte));
    });
    sealed.close();
  }
};

Sealed& sealed_file() {
  static Sealed instance;
  return instance;
}

void save_sealed(benchmark::State& state) {
  Sealed& file = sealed_file();
  SealedDatabase sealed = SealedDatabase::open(file.path, file.key, {}, on_demand());
  const Lane lane = sealed.database().lane("bench");
  for (auto _ : state) {
    lane.write([](WriteTx& tx) { tx.execute("UPDATE counter SET n = n + 1"); });
    sealed.save();
  }
  state.SetItemsProcessed(state.iterations());
}

void require(bool done) {
  if (!done) std::abort();
}

/// The same with plain bytes: a file beside, brought to the medium, renamed.
void write_plain(const std::string& path, const std::vector<char>& content) {
  const std::string beside = path + ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(file >= 0);
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t written = ::write(file, content.data() + done, content.size() - done);
    require(written > 0);
    done += static_cast<std::size_t>(written);
  }
  require(::fsync(file) == 0);
  ::close(file);
  std::filesystem::rename(beside, path);
}

void save_plain(benchmark::State& state) {
  const TempDir directory;
  const std::vector<char> content(kMegabytes * kMegabyte, 'x');
  for (auto _ : state)
    write_plain(directory.file("plain"), content);
  state.SetItemsProcessed(state.iterations());
}

void open_sealed(benchmark::State& state) {
  Sealed& file = sealed_file();
  for (auto _ : state) {
    SealedDatabase sealed = SealedDatabase::open(file.path, file.key, {}, on_demand());
    benchmark::DoNotOptimize(sealed.database().lane("bench").read(
        [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT n FROM counter").one(); }));
    state.PauseTiming();
    sealed.close();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

void read_plain(benchmark::State& state) {
  const TempDir directory;
  const std::string path = directory.file("plain");
  write_plain(path, std::vector<char>(kMegabytes * kMegabyte, 'x'));
  for (auto _ : state) {
    std::vector<char> content(kMegabytes * kMegabyte);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t got = ::read(file, content.data() + done, content.size() - done);
      require(got > 0);
      done += static_cast<std::size_t>(got);
    }
    ::close(file);
    benchmark::DoNotOptimize(content.data());
  }
  state.SetItemsProcessed(state.iterations());
}

// ---- From the password to the key ----

void unlock(benchmark::State& state, const KeyParameters& cost) {
  constexpr std::string_view kPassword = "correct horse";
  const auto password = std::as_bytes(std::span(kPassword));
  const KeySlots slots = KeySlots::create(password, cost).slots;
  for (auto _ : state)
    benchmark::DoNotOptimize(slots.unlock(password));
  state.SetItemsProcessed(state.iterations());
}

// 19 MiB and two passes, what is advised as the least.
void unlock_cheaply(benchmark::State& state) {
  unlock(state, {.passes = 2, .memory_bytes = 19456 * 1024});
}
void unlock_by_default(benchmark::State& state) {
  unlock(state, {});
}

BENCHMARK(small_writes<false>)->Name("T19/write/raw")->UseRealTime();
BENCHMARK(small_writes<true>)->Name("T19/write/turnstile")->UseRealTime();
BENCHMARK(cached_reads<false>)->Name("T19/read/raw")->UseRealTime();
BENCHMARK(cached_reads<true>)->Name("T19/read/turnstile")->UseRealTime();
BENCHMARK(save_plain)->Name("T19/save/raw")->UseRealTime();
BENCHMARK(save_sealed)->Name("T19/save/turnstile")->UseRealTime();
BENCHMARK(read_plain)->Name("T19/open/raw")->UseRealTime();
BENCHMARK(open_sealed)->Name("T19/open/turnstile")->UseRealTime();
BENCHMARK(unlock_cheaply)->Name("T19/unlock/raw")->UseRealTime();
BENCHMARK(unlock_by_default)->Name("T19/unlock/turnstile")->UseRealTime();

}  // namespace
}  // namespace turnstile::bench
