// Codes of vectors: what they say of a distance is true, whatever the numbers.
#include "vectors/codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "support/test_seed.h"
#include "support/vector_database.h"
#include "vectors/elements.h"

namespace turnstile::vectors {
namespace {

struct Case {
  VectorElement element;
  VectorMetric metric;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return std::string(to_string(info.param.element)) + "_" +
         std::string(to_string(info.param.metric));
}

class VectorCodeBounds : public testing::TestWithParam<Case> {
 protected:
  [[nodiscard]] static VectorDefinition definition(int dimension) {
    return {.dimension = dimension, .metric = GetParam().metric, .element = GetParam().element};
  }

  // That the rank of the exact distance lies within what the code says.
  static void expect_true_bounds(const VectorDefinition& definition,
                                 const std::vector<float>& query,
                                 const std::vector<float>& vector) {
    const CodeFormat format(definition);
    CodeQuery code_query(format, query);
    const Blob record = format.encode(vector);
    ASSERT_EQ(code_query.compare(record), 1U);
    const RankRange range = code_query.rank(0);
    const double distance = ExactDistance(definition, query).to(to_bytes(definition, vector));
    const double rank = rank_of(*definition.metric, distance);
    // Not a number is true of everything.
    EXPECT_FALSE(range.lower > rank) << "dimension " << definition.dimension;
    EXPECT_FALSE(range.upper < rank) << "dimension " << definition.dimension;
  }
};

TEST_P(VectorCodeBounds, HoldTheExactDistance) {
  const auto seed = test::test_seed();
  for (const int dimension : {8, 16, 40, 384, 1536, 16384}) {
    test::RandomVectors random(seed, GetParam().element, dimension);
    for (int i = 0; i < 50; ++i)
      expect_true_bounds(definition(dimension), random.next(), random.next());
  }
}

TEST_P(VectorCodeBounds, HoldBetweenVectorsThatAreNearlyTheSame) {
  test::RandomVectors random(test::test_seed(), GetParam().element, 64);
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> vector = random.next();
    std::vector<float> near = vector;
    near[static_cast<std::size_t>(random.below(64))] =
        GetParam().element == VectorElement::Float32 ? 0.999F : 1;
    expect_true_bounds(definition(64), vector, vector);
    expect_true_bounds(definition(64), vector, near);
  }
}

TEST_P(VectorCodeBounds, HoldForVeryLargeAndVerySmallNumbers) {
  if (GetParam().element != VectorElement::Float32) return;
  test::RandomVectors random(test::test_seed(), GetParam().element, 24);
  for (const float scale : {3e37F, 1e20F, 1e-20F, 1e-38F, 1e-42F, 1.4e-45F}) {
    for (int i = 0; i < 50; ++i) {
      std::vector<float> a = random.next();
      std::vector<float> b = random.next();
      for (float& number : a)
        number *= scale;
      for (float& number : b)
        number *= scale;
      if (!why_unfit(definition(24), a).empty() || !why_unfit(definition(24), b).empty()) continue;
      expect_true_bounds(definition(24), a, b);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Of, VectorCodeBounds,
                         testing::Values(Case{VectorElement::Float32, VectorMetric::Cosine},
                                         Case{VectorElement::Float32, VectorMetric::L2},
                                         Case{VectorElement::Float32, VectorMetric::InnerProduct},
                                         Case{VectorElement::Int8, VectorMetric::Cosine},
                                         Case{VectorElement::Int8, VectorMetric::L2},
                                         Case{VectorElement::Int8, VectorMetric::InnerProduct},
                                         Case{VectorElement::Bit, VectorMetric::Hamming}),
                         name_of);

TEST(VectorCodes, AreNarrowWhereVectorsAreEmbeddings) {
  const VectorDefinition definition{.dimension = 384, .metric = VectorMetric::Cosine};
  test::RandomVectors random(test::test_seed(), VectorElement::Float32, 384);
  const CodeFormat format(definition);
  CodeQuery query(format, random.next());
  for (int i = 0; i < 100; ++i) {
    const Blob record = format.encode(random.next());
    query.compare(record);
    EXPECT_LT(query.rank(0).upper - query.rank(0).lower, 0.025);
  }
  EXPECT_EQ(format.record_size(), 384U + 16U);
}

TEST(VectorCodes, OfBitsForFloatsSayTheSigns) {
  const VectorDefinition definition{
      .dimension = 70, .metric = VectorMetric::Cosine, .codes = VectorCodes::Bit};
  test::RandomVectors random(test::test_seed(), VectorElement::Float32, 70);
  const CodeFormat format(definition);
  EXPECT_EQ(format.record_size(), 16U);
  EXPECT_FALSE(format.is_bounded());
  const auto a = random.next();
  const auto b = random.next();
  CodeQuery query(format, a);
  const Blob record = format.encode(b);
  query.compare(record);
  int differing = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    differing += (a[i] > 0) != (b[i] > 0) ? 1 : 0;
  EXPECT_EQ(query.rank(0).lower, differing);
}

TEST(VectorCodes, MatchTheirVectorOnly) {
  for (const VectorCodes codes : {VectorCodes::Int8, VectorCodes::Bit}) {
    const VectorDefinition definition{.dimension = 48, .metric = VectorMetric::L2, .codes = codes};
    test::RandomVectors random(test::test_seed(), VectorElement::Float32, 48);
    const CodeFormat format(definition);
    auto vector = random.next();
    const Blob record = format.encode(vector);
    EXPECT_TRUE(format.matches(record, vector));
    vector[7] = vector[7] > 0 ? -vector[7] - 1 : 1 - vector[7];  // Of the other sign.
    EXPECT_FALSE(format.matches(record, vector));
  }
}

}  // namespace
}  // namespace turnstile::vectors
