// How near the results are to the exact ones when a first pass goes by bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "support/vector_database.h"

namespace turnstile::test {
namespace {

constexpr int kDimension = 128;
constexpr int kItems = 5000;
constexpr int kQueries = 30;
constexpr int kLimit = 10;
constexpr std::size_t kClusters = 50;

// Vectors in clusters, the same ones in every run.
std::vector<std::vector<float>> clustered(int count) {
  std::mt19937 random(4711);
  std::normal_distribution<float> normal;
  const auto near = [&](const std::vector<float>& centre, float spread) {
    std::vector<float> vector(kDimension);
    for (std::size_t j = 0; j < vector.size(); ++j)
      vector[j] = (centre.empty() ? 0 : centre[j]) + spread * normal(random);
    return vector;
  };
  std::vector<std::vector<float>> centres;
  for (std::size_t i = 0; i < kClusters; ++i)
    centres.push_back(near({}, 1));
  std::vector<std::vector<float>> vectors;
  for (int i = 0; i < count; ++i)
    vectors.push_back(near(centres[static_cast<std::size_t>(i) % kClusters], 0.6F));
  return vectors;
}

struct Fixture {
  VectorDatabase db;
  VectorCollection exact = db.create({.dimension = kDimension}, "exact");
  VectorCollection bits = db.create({.dimension = kDimension, .codes = VectorCodes::Bit}, "bits");
  std::vector<std::vector<float>> queries;

  Fixture() {
    const auto vectors = clustered(kItems + kQueries);
    std::vector<VectorItem> items;
    for (std::size_t i = 0; i < kItems; ++i)
      items.push_back({.id = std::to_string(i), .vector = vectors[i]});
    exact.upsert(items);
    bits.upsert(items);
    queries.assign(vectors.begin() + kItems, vectors.end());
  }

  [[nodiscard]] double recall(int rerank) const {
    int common = 0;
    for (const auto& query : queries) {
      const auto wanted = ids_of(exact.search(query, {.limit = kLimit}));
      const auto found = ids_of(bits.search(query, {.limit = kLimit, .rerank = rerank}));
      for (const std::string& id : found)
        common += static_cast<int>(std::ranges::count(wanted, id));
    }
    return static_cast<double>(common) / (kQueries * kLimit);
  }
};

TEST(VectorRecall, OfBitsGrowsWithWhatIsComparedExactly) {
  const Fixture fixture;
  const double few = fixture.recall(1);
  const double some = fixture.recall(8);
  const double standard = fixture.recall(VectorSearch().rerank);
  RecordProperty("recall_1", std::to_string(few));
  RecordProperty("recall_8", std::to_string(some));
  RecordProperty("recall_default", std::to_string(standard));
  EXPECT_GT(few, 0.2) << "a tenth would be in the cluster by chance";
  EXPECT_LT(few, 0.9) << "the data is too easy to tell anything";
  EXPECT_GT(some, few);
  EXPECT_GE(standard, 0.98);
  EXPECT_EQ(fixture.recall(kItems / kLimit), 1) << "that is every item";
}

TEST(VectorRecall, OfBytesIsPerfect) {
  const Fixture fixture;
  for (const auto& query : fixture.queries) {
    std::vector<std::pair<double, std::string>> all;
    for (int i = 0; i < kItems; ++i) {
      const auto item = fixture.exact.get(std::to_string(i));
      all.emplace_back(plain_distance(VectorMetric::Cosine, query, item->vector), item->id);
    }
    std::ranges::sort(all);
    std::vector<std::string> wanted;
    for (int i = 0; i < kLimit; ++i)
      wanted.push_back(all[static_cast<std::size_t>(i)].second);
    ASSERT_EQ(ids_of(fixture.exact.search(query, {.limit = kLimit})), wanted);
    if (&query == &fixture.queries[4]) break;  // Looking at every item takes its time.
  }
}

}  // namespace
}  // namespace turnstile::test
