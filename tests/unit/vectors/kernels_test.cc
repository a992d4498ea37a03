// The inner loops of a scan, in every form that this machine has, against one that is plain to see.
#include "vectors/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/test_seed.h"

namespace turnstile::vectors {
namespace {

class VectorKernels : public testing::TestWithParam<Kernels> {};

struct Codes {
  std::size_t stride;
  std::vector<std::byte> bytes;
};

Codes random_codes(std::mt19937_64& random, std::size_t width, std::size_t count) {
  Codes codes{width + random() % 17, {}};
  codes.bytes.resize(codes.stride * count);
  for (std::byte& byte : codes.bytes)
    byte = static_cast<std::byte>(random());
  return codes;
}

std::int32_t plain_dot(const std::vector<std::int16_t>& query, const std::byte* code) {
  std::int64_t sum = 0;
  for (std::size_t j = 0; j < query.size(); ++j)
    sum += std::int64_t{query[j]} * static_cast<std::int8_t>(code[j]);
  return static_cast<std::int32_t>(sum);
}

TEST_P(VectorKernels, MultiplySignedBytesOfAnyWidth) {
  std::mt19937_64 random(test::test_seed());
  for (std::size_t width = kInt8Step; width <= 20 * kInt8Step; width += kInt8Step) {
    const std::size_t count = random() % 70;
    const Codes codes = random_codes(random, width, count);
    std::vector<std::int16_t> query(width);
    for (std::int16_t& number : query)
      number = static_cast<std::int16_t>(random() % 20001 - 10000);
    std::vector<std::int32_t> sums(count + 1, 4711);
    GetParam().dot_int8(query, {codes.bytes.data(), codes.stride, count}, sums.data());
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(sums[i], plain_dot(query, codes.bytes.data() + i * codes.stride))
          << "width " << width << ", code " << i;
    EXPECT_EQ(sums[count], 4711) << "wrote behind the end";
  }
}

TEST_P(VectorKernels, MultiplyTheLargestNumbers) {
  const std::vector<std::int16_t> query(kInt8Step, std::numeric_limits<std::int16_t>::min());
  const std::vector<std::byte> code(kInt8Step, std::byte{0x80});
  std::int32_t sum = 0;
  GetParam().dot_int8(query, {code.data(), code.size(), 1}, &sum);
  EXPECT_EQ(sum, 32 * 32768 * 128);
}

TEST_P(VectorKernels, CountDifferentBits) {
  std::mt19937_64 random(test::test_seed());
  for (std::size_t words = 1; words <= 20; ++words) {
    const std::size_t count = random() % 70;
    const Codes codes = random_codes(random, words * sizeof(std::uint64_t), count);
    std::vector<std::uint64_t> query(words);
    for (std::uint64_t& word : query)
      word = random();
    std::vector<std::int32_t> bits(count + 1, 4711);
    GetParam().hamming(query, {codes.bytes.data(), codes.stride, count}, bits.data());
    for (std::size_t i = 0; i < count; ++i) {
      int wanted = 0;
      for (std::size_t j = 0; j < words * sizeof(std::uint64_t); ++j) {
        const auto of_query = static_cast<unsigned char>(query[j / 8] >> (j % 8 * 8));
        wanted += std::popcount(static_cast<unsigned char>(
            of_query ^ std::to_integer<unsigned char>(codes.bytes[i * codes.stride + j])));
      }
      ASSERT_EQ(bits[i], wanted) << words << " words, code " << i;
    }
    EXPECT_EQ(bits[count], 4711) << "wrote behind the end";
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, VectorKernels,
                         testing::ValuesIn(all_kernels().begin(), all_kernels().end()),
                         [](const auto& form) { return std::string(form.param.name); });

}  // namespace
}  // namespace turnstile::vectors
