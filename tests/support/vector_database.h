// A database with a store of vectors, and what its tests need besides.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/place_of.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"

namespace turnstile {

inline void PrintTo(VectorStorage storage, std::ostream* out) {
  *out << to_string(storage);
}

}  // namespace turnstile

namespace turnstile::test {

/// The storages that this build can test.
[[nodiscard]] inline std::vector<VectorStorage> vector_storages() {
#ifdef TURNSTILE_TEST_VEC0
  return {VectorStorage::Packed, VectorStorage::SqliteVec};
#else
  return {VectorStorage::Packed};
#endif
}

[[nodiscard]] inline Options with_vec0(Options options = {}) {
#ifdef TURNSTILE_TEST_VEC0
  options.extensions.push_back({.path = place_of::vec0(), .entry_point = ""});
#endif
  return options;
}

/// Threads: shared.
class VectorDatabase {
 public:
  explicit VectorDatabase(Options options = with_vec0())
      : database_(Database::open(directory_.file("app.db"), std::move(options))) {}

  [[nodiscard]] Database& database() noexcept { return database_; }
  [[nodiscard]] std::string file() const { return directory_.file("app.db"); }
  [[nodiscard]] Lane lane() const { return database_.lane("vectors"); }
  [[nodiscard]] VectorStore store(VectorStoreOptions options = {}) const {
    return VectorStore(lane(), std::move(options));
  }
  VectorCollection create(const VectorDefinition& definition,
                          std::string_view name = "things") const {
    return store().create(name, definition);
  }

 private:
  TempDir directory_;
  Database database_;
};

[[nodiscard]] inline std::vector<std::string> ids_of(const std::vector<VectorMatch>& matches) {
  std::vector<std::string> ids;
  for (const VectorMatch& match : matches)
    ids.push_back(match.id);
  return ids;
}

/// Random vectors that fit an element type. Threads: confined.
class RandomVectors {
 public:
  RandomVectors(std::uint64_t seed, VectorElement element, int dimension)
      : random_(seed), element_(element), dimension_(static_cast<std::size_t>(dimension)) {}

  [[nodiscard]] std::mt19937_64& engine() noexcept { return random_; }
  [[nodiscard]] int below(int limit) {
    return std::uniform_int_distribution<int>(0, limit - 1)(random_);
  }

  [[nodiscard]] std::vector<float> next() {
    std::vector<float> vector(dimension_);
    do {
      for (float& number : vector)
        number = next_number();
    } while (std::ranges::all_of(vector, [](float number) { return number == 0; }));
    return vector;
  }

 private:
  float next_number() {
    switch (element_) {
      case VectorElement::Int8:
        return static_cast<float>(std::uniform_int_distribution<int>(-128, 127)(random_));
      case VectorElement::Bit:
        return static_cast<float>(random_() % 2);
      default:
        return std::normal_distribution<float>()(random_);
    }
  }

  std::mt19937_64 random_;
  VectorElement element_;
  std::size_t dimension_;
};

/// A distance as the definition of the metric says, one number after the other.
[[nodiscard]] inline double plain_distance(VectorMetric metric, std::span<const float> a,
                                           std::span<const float> b) {
  double dot = 0;
  double differences = 0;
  double differing = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    differences += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    differing += a[i] != b[i] ? 1 : 0;
    squares_a += double{a[i]} * a[i];
    squares_b += double{b[i]} * b[i];
  }
  switch (metric) {
    case VectorMetric::Cosine:
      return std::max(0.0, 1 - dot / std::sqrt(squares_a * squares_b));
    case VectorMetric::L2:
      return std::sqrt(differences);
    case VectorMetric::InnerProduct:
      return -dot;
    case VectorMetric::Hamming:
      return differing;
  }
  return 0;
}

}  // namespace turnstile::test
