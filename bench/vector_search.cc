// T18: the ten nearest of 10,000 and 100,000 vectors of 384 floats, exactly. Against a scan of the
// same vectors in memory, which is what the processor can do: no file, no transaction, no ids.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/database.h"
#include "turnstile/vectors.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace turnstile::bench {
namespace {

constexpr std::size_t kDimension = 384;
constexpr std::size_t kNearest = 10;
constexpr std::size_t kQueries = 30;
constexpr std::size_t kClusters = 200;

/// Vectors of length 1 in clusters, as embeddings of texts are, the same ones in every run.
/// Threads: immutable.
class Data {
 public:
  explicit Data(std::size_t count) : count_(count), numbers_(count * kDimension) {
    const std::vector<float> centres = make(kClusters, [](std::size_t) { return nullptr; });
    numbers_ = make(count, [&](std::size_t i) { return &centres[i % kClusters * kDimension]; });
    queries_ = make(kQueries, [&](std::size_t i) { return &centres[i * kDimension]; });
  }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::span<const float> vector(std::size_t i) const {
    return std::span(numbers_).subspan(i * kDimension, kDimension);
  }
  [[nodiscard]] std::span<const float> query(std::size_t i) const {
    return std::span(queries_).subspan(i % kQueries * kDimension, kDimension);
  }

 private:
  template <class CentreOf>
  std::vector<float> make(std::size_t count, const CentreOf& centre_of) {
    constexpr float kSpread = 0.6F;
    const float deviation = 1 / std::sqrt(static_cast<float>(kDimension));
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> numbers(count * kDimension);
    for (std::size_t i = 0; i < count; ++i) {
      const float* centre = centre_of(i);
      float* vector = &numbers[i * kDimension];
      float squares = 0;
      for (std::size_t j = 0; j < kDimension; ++j) {
        vector[j] = centre == nullptr ? normal(random_) : centre[j] + kSpread * normal(random_);
        squares += vector[j] * vector[j];
      }
      for (std::size_t j = 0; j < kDimension; ++j)
        vector[j] /= std::sqrt(squares);
    }
    return numbers;
  }

  std::mt19937 random_{4711};
  std::size_t count_;
  std::vector<float> numbers_;
  std::vector<float> queries_;
};

const Data& data(std::size_t count) {
  static std::map<std::size_t, std::unique_ptr<const Data>> made;
  auto& instance = made[count];
  if (instance == nullptr) instance = std::make_unique<const Data>(count);
  return *instance;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float product_avx2(const float* a, const float* b) {
  constexpr std::size_t kLanes = 8;
  __m256 sums[4] = {};
  for (std::size_t i = 0; i < kDimension; i += 4 * kLanes)
    for (std::size_t j = 0; j < 4; ++j)
      sums[j] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + j * kLanes),
                                _mm256_loadu_ps(b + i + j * kLanes), sums[j]);
  const __m256 sum =
      _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  four = _mm_add_ss(four, _mm_movehdup_ps(four));
  return _mm_cvtss_f32(four);
}
#endif

float product_portable(const float* a, const float* b) {
  float sum = 0;
  for (std::size_t i = 0; i < kDimension; ++i)
    sum += a[i] * b[i];
  return sum;
}

using Product = float (*)(const float*, const float*);

Product fastest_product() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    return &product_avx2;
#endif
  return &product_portable;
}

std::vector<std::size_t> nearest_in_memory(const Data& data, std::span<const float> query) {
  static const Product product = fastest_product();
  std::vector<std::pair<float, std::size_t>> nearest;  // A heap with the farthest in front.
  for (std::size_t i = 0; i < data.count(); ++i) {
    const float distance = 1 - product(data.vector(i).data(), query.data());
    if (nearest.size() == kNearest) {
      if (distance >= nearest.front().first) continue;
      std::ranges::pop_heap(nearest);
      nearest.pop_back();
    }
    nearest.emplace_back(distance, i);
    std::ranges::push_heap(nearest);
  }
  std::ranges::sort(nearest);
  std::vector<std::size_t> found;
  for (const auto& [distance, i] : nearest)
    found.push_back(i);
  return found;
}

/// A file with the collection, which the samples of a size share. Threads: shared.
class StoredData {
 public:
  StoredData(const Data& data, VectorStorage storage, int page_size, VectorCodes codes)
      : database_(open(data, storage, page_size, codes)),
        collection_(VectorStore(database_.lane("bench")).open("bench")) {}

  [[nodiscard]] const VectorCollection& collection() const noexcept { return collection_; }

 private:
  static Database open(const Data& data, VectorStorage storage, int page_size, VectorCodes codes) {
    const char* chosen = std::getenv("TURNSTILE_BENCH_DIR");
    const std::filesystem::path directory =
        chosen == nullptr ? std::filesystem::current_path() : std::filesystem::path(chosen);
    const std::string path =
        (directory /
         ("vectors-" + std::to_string(data.count()) + "-" + std::to_string(page_size) + "-" +
          std::string(to_string(storage)) + "-" + std::string(to_string(codes)) + ".db"))
            .string();
    Options options;
    options.page_size = page_size;
#ifdef TURNSTILE_BENCH_VEC0
    if (storage == VectorStorage::SqliteVec)
      options.extensions = {{.path = TURNSTILE_BENCH_VEC0, .entry_point = ""}};
#endif
    Database database = Database::open(path, options);
    const VectorStore store(database.lane("fill"));
    if (!store.names().empty()) return database;
    const VectorCollection collection = store.create(
        "bench", {.dimension = static_cast<int>(kDimension), .storage = storage, .codes = codes});
    constexpr std::size_t kBatch = 1000;
    std::vector<VectorItem> batch;
    for (std::size_t i = 0; i < data.count(); ++i) {
      const auto vector = data.vector(i);
      batch.push_back({.id = std::to_string(i), .vector = {vector.begin(), vector.end()}});
      if (batch.size() < kBatch && i + 1 < data.count()) continue;
      collection.upsert(batch);
      batch.clear();
    }
    (void)database.maintenance().checkpoint();
    return database;
  }

  Database database_;
  VectorCollection collection_;
};

double recall(const Data& data, const VectorCollection& collection, const VectorSearch& search) {
  std::size_t common = 0;
  for (std::size_t i = 0; i < kQueries; ++i) {
    const auto wanted = nearest_in_memory(data, data.query(i));
    for (const VectorMatch& match : collection.search(data.query(i), search))
      common += static_cast<std::size_t>(std::ranges::count(wanted, std::stoull(match.id)));
  }
  return static_cast<double>(common) / (kQueries * kNearest);
}

void raw(benchmark::State& state) {
  const Data& vectors = data(static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(nearest_in_memory(vectors, vectors.query(i++)));
  state.SetItemsProcessed(state.iterations());
}

template <VectorStorage Storage, VectorCodes Codes, int PageSize>
void search(benchmark::State& state) {
#ifndef TURNSTILE_BENCH_VEC0
  if (Storage == VectorStorage::SqliteVec) return state.SkipWithError("built without sqlite-vec");
#endif
  const auto count = static_cast<std::size_t>(state.range(0));
  const Data& vectors = data(count);
  static std::map<std::size_t, std::unique_ptr<const StoredData>> stored;
  auto& file = stored[count];
  if (file == nullptr) file = std::make_unique<const StoredData>(vectors, Storage, PageSize, Codes);
  const VectorSearch nearest{.limit = static_cast<int>(kNearest)};
  const double found = recall(vectors, file->collection(), nearest);  // Warms up, too.
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(file->collection().search(vectors.query(i++), nearest));
  state.SetItemsProcessed(state.iterations());
  state.counters["recall"] = found;
}

void register_all(const std::string& name, std::int64_t count) {
  using enum VectorStorage;
  constexpr int kSmall = 4096;
  constexpr int kMedium = 16384;
  constexpr int kLarge = 65536;
  const auto add = [&](const std::string& side, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark((name + "/" + side).c_str(), run)->Arg(count)->UseRealTime();
  };
  add("raw", &raw);
  add("turnstile", &search<Packed, VectorCodes::Int8, kMedium>);
  add("pages-4k", &search<Packed, VectorCodes::Int8, kSmall>);
  add("pages-64k", &search<Packed, VectorCodes::Int8, kLarge>);
  add("bits", &search<Packed, VectorCodes::Bit, kMedium>);
  add("vec0", &search<SqliteVec, VectorCodes::Int8, kMedium>);
}

[[maybe_unused]] const bool kRegistered = [] {
  register_all("T18/10k", 10'000);
  register_all("T18/100k", 100'000);
  return true;
}();

}  // namespace
}  // namespace turnstile::bench
