// SHA-256 (FIPS 180-4), which tells whether a file is the one that was written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace turnstile::database {

/// Threads: confined.
class Sha256 {
 public:
  void add(std::span<const std::byte> bytes) noexcept;
  /// 64 lower-case hexadecimal digits; nothing may be added afterwards.
  [[nodiscard]] std::string finish();

 private:
  static constexpr std::size_t kBlock = 64;

  void compress(const std::byte* block) noexcept;

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, kBlock> rest_{};  // What does not fill a block yet.
  std::uint64_t size_ = 0;
};

}  // namespace turnstile::database
