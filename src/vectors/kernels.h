// The inner loops of a scan, in the fastest form that the machine has. They work on integers, so
// that every form gives the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace turnstile::vectors {

/// Codes of equal width that lie one after the other, as in a block. Threads: scoped.
struct CodeRun {
  const std::byte* first = nullptr;
  std::size_t stride = 0;  ///< Bytes from one code to the next.
  std::size_t count = 0;
};

/// Threads: immutable.
struct Kernels {
  std::string_view name;
  /// out[i] = the sum of query[j] times byte j of code i, taken as a signed number. The width of a
  /// code is the query's size, a multiple of kInt8Step. No sum may leave the range of an int32.
  void (*dot_int8)(std::span<const std::int16_t> query, const CodeRun& codes, std::int32_t* out);
  /// out[i] = the number of bits in which code i differs from the query; whole 64-bit words.
  void (*hamming)(std::span<const std::uint64_t> query, const CodeRun& codes, std::int32_t* out);
};

inline constexpr std::size_t kInt8Step = 32;

/// The forms that this machine can run, the slowest and simplest first.
[[nodiscard]] std::span<const Kernels> all_kernels() noexcept;

/// The fastest of them.
[[nodiscard]] const Kernels& kernels() noexcept;

}  // namespace turnstile::vectors
