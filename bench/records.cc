// T15: records against the same statements written by hand, both through the public interface, on
// the same table. What is compared is what describing a type costs, and nothing else.
#include "turnstile/records.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/table.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::bench {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Threads: confined.
struct Document {
  std::int64_t id = 0;
  std::string name;
  std::int64_t val = 0;
  Blob payload;
  std::int64_t version = 0;
  Time updated{};
};

}  // namespace turnstile::bench

template <>
struct turnstile::Describe<turnstile::bench::Document> {
  using Document = turnstile::bench::Document;
  static constexpr auto table() {
    return turnstile::table(
        "document", column<&Document::id>("id").primary_key(), column<&Document::name>("name"),
        column<&Document::val>("val"), column<&Document::payload>("payload"),
        column<&Document::version>("version").version(),
        column<&Document::updated>("updated").updated(), index<&Document::val>("document_by_val"));
  }
};

namespace turnstile::bench {
namespace {

constexpr int kReadsPerTransaction = 16;
constexpr std::int64_t kPage = 20;  // As in kPageOfDocuments.
constexpr std::int64_t kInserts = 100'000;

constexpr std::string_view kInsertDocument =
    "INSERT INTO document(id, name, val, payload, version, updated) VALUES (?, ?, ?, ?, ?, ?)";
constexpr std::string_view kUpdateDocument =
    "UPDATE document SET name = ?, val = ?, payload = ?, updated = ?, version = version + 1 "
    "WHERE id = ? AND version = ?";
constexpr std::string_view kGetDocument =
    "SELECT id, name, val, payload, version, updated FROM document WHERE id = ?";
constexpr std::string_view kPageOfDocuments =
    "SELECT id, name, val, payload, version, updated FROM document WHERE val >= ? "
    "ORDER BY val, id LIMIT 20";

Time now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::vector<Document> make_documents(std::int64_t count) {
  const Records rows;
  std::vector<Document> documents;
  for (std::int64_t i = 0; i < count; ++i)
    documents.push_back({.name = rows[i].name, .val = i * 1000, .payload = rows[i].payload});
  return documents;
}

/// A file with the table and so many rows. Threads: as Database.
struct File {
  explicit File(std::int64_t rows) {
    if (rows > 0) records.insert_all(make_documents(rows));
  }

  TempDir directory;
  Database database = Database::open(directory.file("records.db"));
  Lane lane = database.lane("bench");
  turnstile::Records<Document> records{lane};
};

using Row = std::tuple<std::int64_t, std::string, std::int64_t, Blob, std::int64_t, Time>;

Document to_document(Row&& row) {
  auto& [id, name, val, payload, version, updated] = row;
  return {id, std::move(name), val, std::move(payload), version, updated};
}

/// Threads: scoped.
struct ByHand {
  static std::optional<Document> get(const File&, ReadTx& tx, std::int64_t id) {
    auto row = tx.query<std::int64_t, std::string, std::int64_t, Blob, std::int64_t, Time>(
                     kGetDocument, id)
                   .first();
    if (!row) return std::nullopt;
    return to_document(std::move(*row));
  }

  static std::vector<Document> page(const File&, ReadTx& tx, std::int64_t val) {
    std::vector<Document> documents;
    for (auto&& row : tx.query<std::int64_t, std::string, std::int64_t, Blob, std::int64_t, Time>(
             kPageOfDocuments, val))
      documents.push_back(to_document(std::move(row)));
    return documents;
  }

  static void insert(const File&, WriteTx& tx, Document& document) {
    document.version = 1;
    document.updated = now();
    document.id = tx.execute(kInsertDocument, nullptr, document.name, document.val,
                             document.payload, document.version, document.updated)
                      .last_insert_rowid;
  }

  static bool update(const File&, WriteTx& tx, Document& document) {
    const Time time = now();
    if (tx.execute(kUpdateDocument, document.name, document.val, document.payload, time,
                   document.id, document.version)
            .changes == 0)
      return false;
    document.updated = time;
    ++document.version;
    return true;
  }

  static void insert_all(const File&, WriteTx& tx, std::vector<Document>& documents) {
    Statement insert = tx.prepare(kInsertDocument);
    const Time time = now();
    for (Document& document : documents) {
      document.id = insert.execute(nullptr, document.name, document.val, document.payload, 1, time)
                        .last_insert_rowid;
      document.version = 1;
      document.updated = time;
    }
  }
};

/// Threads: scoped.
struct ByRecords {
  static std::optional<Document> get(const File& file, ReadTx& tx, std::int64_t id) {
    return file.records.get(tx, id);
  }
  static std::vector<Document> page(const File& file, ReadTx& tx, std::int64_t val) {
    return file.records.where(field<&Document::val> >= val)
        .order_by(field<&Document::val>)
        .limit(kPage)
        .all(tx);
  }
  static void insert(const File& file, WriteTx& tx, Document& document) {
    file.records.insert(tx, document);
  }
  static bool update(const File& file, WriteTx& tx, Document& document) {
    return file.records.update(tx, document) == UpdateResult::Updated;
  }
  static void insert_all(const File& file, WriteTx& tx, std::vector<Document>& documents) {
    file.records.insert_all(tx, documents);
  }
};

template <class Side>
void get(benchmark::State& state) {
  static const File file(kRows);  // The function is called until it takes long enough.
  Keys keys(0);
  for (auto _ : state) {
    file.lane.read([&](ReadTx& tx) {
      for (int i = 0; i < kReadsPerTransaction; ++i)
        benchmark::DoNotOptimize(Side::get(file, tx, keys.next()));
    });
  }
  state.SetItemsProcessed(state.iterations() * kReadsPerTransaction);
}

template <class Side>
void page(benchmark::State& state) {
  static const File file(kRows);
  Keys keys(0);
  for (auto _ : state) {
    file.lane.read([&](ReadTx& tx) {
      benchmark::DoNotOptimize(Side::page(file, tx, (keys.next() - kPage) * 1000));
    });
  }
  state.SetItemsProcessed(state.iterations() * kPage);
}

// As in T4, but with a version and a time: one document is new, another one is changed.
template <class Side>
void write(benchmark::State& state) {
  static const File file(kRows);
  static std::vector<Document> known = file.records.select().limit(1000).all();
  static std::vector<Document> fresh = make_documents(1000);
  static std::size_t written = 0;
  bool good = true;
  for (auto _ : state) {
    const std::size_t i = written++ % known.size();
    file.lane.write([&](WriteTx& tx) {
      fresh[i].id = 0;
      Side::insert(file, tx, fresh[i]);
      ++known[i].val;
      good = Side::update(file, tx, known[i]) && good;
    });
  }
  if (!good) state.SkipWithError("an update found its document changed");
  state.SetItemsProcessed(state.iterations());
}

template <class Side>
void bulk(benchmark::State& state) {
  const File file(0);
  std::vector<Document> documents = make_documents(kInserts);
  for (auto _ : state)
    file.lane.write([&](WriteTx& tx) { Side::insert_all(file, tx, documents); });
  state.SetItemsProcessed(state.iterations() * kInserts);
}

BENCHMARK(get<ByHand>)->Name("T15/get/raw")->UseRealTime();
BENCHMARK(get<ByRecords>)->Name("T15/get/turnstile")->UseRealTime();
BENCHMARK(page<ByHand>)->Name("T15/page/raw")->UseRealTime();
BENCHMARK(page<ByRecords>)->Name("T15/page/turnstile")->UseRealTime();
BENCHMARK(write<ByHand>)->Name("T15/write/raw")->UseRealTime();
BENCHMARK(write<ByRecords>)->Name("T15/write/turnstile")->UseRealTime();
// Once: a second time would find a table that is not empty.
BENCHMARK(bulk<ByHand>)->Name("T15/bulk/raw")->Iterations(1)->UseRealTime();
BENCHMARK(bulk<ByRecords>)->Name("T15/bulk/turnstile")->Iterations(1)->UseRealTime();

}  // namespace
}  // namespace turnstile::bench
