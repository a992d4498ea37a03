// Frames of a write-ahead log in bytes (https://sqlite.org/fileformat2.html#the_write_ahead_log).
#pragma once

#include <cstdint>

namespace turnstile::database {

[[nodiscard]] constexpr std::int64_t wal_bytes(std::int64_t frames,
                                               std::int64_t page_size_bytes) noexcept {
  constexpr std::int64_t kHeader = 32;
  constexpr std::int64_t kFrameHeader = 24;
  return kHeader + frames * (page_size_bytes + kFrameHeader);
}

/// How many whole frames fit.
[[nodiscard]] constexpr std::int64_t wal_frames_in(std::int64_t bytes,
                                                   std::int64_t page_size_bytes) noexcept {
  return (bytes - wal_bytes(0, page_size_bytes)) /
         (wal_bytes(1, 0) - wal_bytes(0, 0) + page_size_bytes);
}

}  // namespace turnstile::database
