// Times as the files of a workspace have them: whole microseconds since 1970 UTC.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vault/text_record.h"

namespace turnstile::vault {

/// Whether it can be a time at all: the system's clock counts finer, and so not as far.
[[nodiscard]] constexpr bool is_timestamp(std::int64_t us) noexcept {
  using Clock = std::chrono::system_clock;
  constexpr auto kLatest =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::duration::max()).count();
  return us >= 0 && us <= kLatest;
}

/// Of a number that is_timestamp().
[[nodiscard]] inline std::chrono::system_clock::time_point time_of(std::int64_t us) {
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::microseconds(us)));
}

[[nodiscard]] inline std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Empty when the text is no such number.
[[nodiscard]] inline std::optional<std::int64_t> parse_timestamp(std::string_view text) noexcept {
  const auto us = parse_count(text);
  return us && is_timestamp(*us) ? us : std::nullopt;
}

}  // namespace turnstile::vault
