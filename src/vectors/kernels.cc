#include "vectors/kernels.h"

#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace turnstile::vectors {

namespace {

void dot_int8_portable(std::span<const std::int16_t> query, const CodeRun& codes,
                       std::int32_t* out) {
  for (std::size_t i = 0; i < codes.count; ++i) {
    const std::byte* code = codes.first + i * codes.stride;
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < query.size(); ++j)
      sum += query[j] * static_cast<std::int8_t>(code[j]);
    out[i] = sum;
  }
}

std::uint64_t word_at(const std::byte* bytes) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

void hamming_portable(std::span<const std::uint64_t> query, const CodeRun& codes,
                      std::int32_t* out) {
  for (std::size_t i = 0; i < codes.count; ++i) {
    const std::byte* code = codes.first + i * codes.stride;
    int bits = 0;
    for (std::size_t j = 0; j < query.size(); ++j)
      bits += std::popcount(query[j] ^ word_at(code + j * sizeof(std::uint64_t)));
    out[i] = bits;
  }
}

constexpr Kernels kPortable{"portable", &dot_int8_portable, &hamming_portable};

#if defined(__x86_64__)

// AVX-512 was no faster where it was measured: a scan waits for memory, not for arithmetic.

__attribute__((target("avx2"))) __m256i widened_at(const std::byte* bytes) noexcept {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
}

__attribute__((target("avx2"))) std::int32_t sum_of(__m256i sums) noexcept {
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(1, 0, 3, 2)));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(four);
}

__attribute__((target("avx2"))) void dot_int8_avx2(std::span<const std::int16_t> query,
                                                   const CodeRun& codes, std::int32_t* out) {
  constexpr std::size_t kHalf = kInt8Step / 2;
  for (std::size_t i = 0; i < codes.count; ++i) {
    const std::byte* code = codes.first + i * codes.stride;
    __m256i even = _mm256_setzero_si256();
    __m256i odd = _mm256_setzero_si256();
    for (std::size_t j = 0; j < query.size(); j += kInt8Step) {
      const auto* q = reinterpret_cast<const __m256i*>(query.data() + j);
      even = _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_loadu_si256(q), widened_at(code + j)));
      odd = _mm256_add_epi32(
          odd, _mm256_madd_epi16(_mm256_loadu_si256(q + 1), widened_at(code + j + kHalf)));
    }
    out[i] = sum_of(_mm256_add_epi32(even, odd));
  }
}

__attribute__((target("popcnt"))) void hamming_popcnt(std::span<const std::uint64_t> query,
                                                      const CodeRun& codes, std::int32_t* out) {
  for (std::size_t i = 0; i < codes.count; ++i) {
    const std::byte* code = codes.first + i * codes.stride;
    std::int64_t bits = 0;
    for (std::size_t j = 0; j < query.size(); ++j)
      bits += __builtin_popcountll(query[j] ^ word_at(code + j * sizeof(std::uint64_t)));
    out[i] = static_cast<std::int32_t>(bits);
  }
}

constexpr Kernels kAvx2{"avx2", &dot_int8_avx2, &hamming_popcnt};
constexpr Kernels kTable[] = {kPortable, kAvx2};

bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0;
}

#else

constexpr Kernels kTable[] = {kPortable};

#endif

std::size_t usable_kernels() noexcept {
#if defined(__x86_64__)
  if (!has_avx2()) return 1;
#endif
  return std::size(kTable);
}

}  // namespace

std::span<const Kernels> all_kernels() noexcept {
  static const std::size_t usable = usable_kernels();
  return std::span(kTable).first(usable);
}

const Kernels& kernels() noexcept {
  return all_kernels().back();
}

}  // namespace turnstile::vectors
