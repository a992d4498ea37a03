// Vectors as bytes, and exact distances.
#include "vectors/elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "support/test_seed.h"
#include "support/thrown.h"
#include "support/vector_database.h"

namespace turnstile::vectors {
namespace {

using testing::HasSubstr;

VectorDefinition definition_of(VectorElement element, VectorMetric metric, int dimension) {
  return {.dimension = dimension, .metric = metric, .element = element};
}

TEST(VectorElements, ComeBackFromTheirBytes) {
  const auto seed = test::test_seed();
  for (const VectorElement element :
       {VectorElement::Float32, VectorElement::Int8, VectorElement::Bit}) {
    const auto definition = definition_of(element, VectorMetric::L2, 48);
    test::RandomVectors random(seed, element, 48);
    const auto vector = random.next();
    EXPECT_EQ(from_bytes(definition, to_bytes(definition, vector)), vector);
    EXPECT_EQ(to_bytes(definition, vector).size(), byte_size(definition));
  }
}

TEST(VectorElements, OfAnotherSizeAreCorrupt) {
  const auto definition = definition_of(VectorElement::Float32, VectorMetric::L2, 4);
  const Blob bytes(15);
  EXPECT_EQ(test::thrown<StorageError>([&] { (void)from_bytes(definition, bytes); }).code(),
            "DB_CORRUPT");
  const std::vector<float> query{1, 2, 3, 4};
  EXPECT_EQ(
      test::thrown<StorageError>([&] { (void)ExactDistance(definition, query).to(bytes); }).code(),
      "DB_CORRUPT");
}

TEST(VectorElements, AreAsFarAsTheDefinitionOfTheMetricSays) {
  const auto seed = test::test_seed();
  const auto compare = [&](VectorElement element, VectorMetric metric) {
    for (const int dimension : {8, 16, 104, 768}) {
      const auto definition = definition_of(element, metric, dimension);
      test::RandomVectors random(seed, element, dimension);
      for (int i = 0; i < 20; ++i) {
        const auto a = random.next();
        const auto b = random.next();
        const double wanted = test::plain_distance(metric, a, b);
        EXPECT_NEAR(ExactDistance(definition, a).to(to_bytes(definition, b)), wanted,
                    1e-12 * (1 + std::abs(wanted)))
            << to_string(element) << " " << to_string(metric) << " " << dimension;
      }
    }
  };
  for (const VectorMetric metric :
       {VectorMetric::Cosine, VectorMetric::L2, VectorMetric::InnerProduct}) {
    compare(VectorElement::Float32, metric);
    compare(VectorElement::Int8, metric);
  }
  compare(VectorElement::Bit, VectorMetric::Hamming);
}

TEST(VectorElements, OfOddDimensionsAreAsFarToo) {
  for (int dimension = 1; dimension < 20; ++dimension) {
    const auto definition = definition_of(VectorElement::Float32, VectorMetric::L2, dimension);
    test::RandomVectors random(test::test_seed(), VectorElement::Float32, dimension);
    const auto a = random.next();
    const auto b = random.next();
    EXPECT_NEAR(ExactDistance(definition, a).to(to_bytes(definition, b)),
                test::plain_distance(VectorMetric::L2, a, b), 1e-12);
  }
}

// VEC-11: NaN, infinity and zero vectors.
TEST(VectorElements, ThatCannotBeComparedAreNamed) {
  const auto floats = definition_of(VectorElement::Float32, VectorMetric::Cosine, 2);
  using Float = std::numeric_limits<float>;
  const auto why = [](const VectorDefinition& definition, std::vector<float> vector) {
    return why_unfit(definition, vector);
  };
  EXPECT_EQ(why(floats, {1, 2}), "");
  EXPECT_EQ(why(floats, {1}), "has 1 numbers, and the collection's have 2");
  EXPECT_EQ(why(floats, {1, Float::quiet_NaN()}), "has a number 1 that is NaN");
  EXPECT_EQ(why(floats, {Float::infinity(), 1}), "has a number 0 that is infinity");
  EXPECT_EQ(why(floats, {-Float::infinity(), 1}), "has a number 0 that is -infinity");
  EXPECT_THAT(why(floats, {0, 0}), HasSubstr("is a zero vector"));
  EXPECT_EQ(why(definition_of(VectorElement::Float32, VectorMetric::L2, 2), {0, 0}), "");
}

TEST(VectorElements, ThatTheTypeCannotHoldAreNamed) {
  const auto why = [](VectorElement element, float number) {
    const auto definition = definition_of(element, VectorMetric::Hamming, 1);
    return why_unfit(definition, std::vector<float>{number});
  };
  EXPECT_EQ(why(VectorElement::Int8, 127), "");
  EXPECT_EQ(why(VectorElement::Int8, -128), "");
  EXPECT_THAT(why(VectorElement::Int8, 128), HasSubstr("from -128 to 127"));
  EXPECT_THAT(why(VectorElement::Int8, 0.5F), HasSubstr("whole number"));
  EXPECT_EQ(why(VectorElement::Bit, 1), "");
  EXPECT_THAT(why(VectorElement::Bit, 2), HasSubstr("must be 0 or 1"));
}

}  // namespace
}  // namespace turnstile::vectors
