// What a scan keeps: never too little, and not much more.
#include "vectors/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "support/test_seed.h"

namespace turnstile::vectors {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::int64_t> slots_of(Candidates& candidates) {
  std::vector<std::int64_t> slots;
  for (const Candidate& candidate : candidates.take())
    slots.push_back(candidate.slot);
  return slots;
}

TEST(VectorCandidates, KeepAllOfTheNearest) {
  std::mt19937_64 random(test::test_seed());
  std::uniform_real_distribution<double> ranks(0, 1);
  constexpr std::size_t kLimit = 10;
  constexpr double kError = 0.001;
  Candidates candidates(kLimit, kInfinity);
  std::vector<std::pair<double, std::int64_t>> truth;
  for (std::int64_t slot = 0; slot < 20000; ++slot) {
    const double rank = ranks(random);
    const double shift = (ranks(random) - 0.5) * 2 * kError;
    truth.emplace_back(rank, slot);
    candidates.offer(slot, {rank + shift - kError, rank + shift + kError});
  }
  std::ranges::sort(truth);
  const auto kept = slots_of(candidates);
  for (std::size_t i = 0; i < kLimit; ++i)
    EXPECT_THAT(kept, testing::Contains(truth[i].second));
  EXPECT_LT(kept.size(), 200U) << "a scan that keeps everything would be no use";
}

TEST(VectorCandidates, ComeWithTheMostPromisingFirst) {
  Candidates candidates(3, kInfinity);
  candidates.offer(1, {0.3, 0.5});
  candidates.offer(2, {0.1, 0.9});
  candidates.offer(3, {0.2, 0.2});
  EXPECT_THAT(slots_of(candidates), testing::ElementsAre(2, 3, 1));
}

TEST(VectorCandidates, OfEqualRankAreAllKept) {
  Candidates candidates(2, kInfinity);
  for (std::int64_t slot = 0; slot < 5000; ++slot)
    candidates.offer(slot, {1, 1});
  EXPECT_EQ(slots_of(candidates).size(), 5000U);
}

TEST(VectorCandidates, BeyondTheLimitOfRanksAreNot) {
  Candidates candidates(5, 0.5);
  candidates.offer(1, {0.6, 0.7});
  candidates.offer(2, {0.5, 0.7});
  EXPECT_THAT(slots_of(candidates), testing::ElementsAre(2));
}

TEST(VectorCandidates, OfWhichNothingIsKnownAreKept) {
  Candidates candidates(1, 0.5);
  candidates.offer(1, {0.1, 0.1});
  candidates.offer(2, {std::nan(""), std::nan("")});
  candidates.offer(3, RankRange::unknown());
  candidates.offer(4, {0.2, 0.2});
  EXPECT_THAT(slots_of(candidates), testing::UnorderedElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace turnstile::vectors
