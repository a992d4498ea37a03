#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace turnstile::audit {

/// Events can have happened from kEarliest on and before kLatest: the system's clock, which counts
/// nanoseconds in 64 bits, can tell a time some years beyond either.
inline constexpr std::chrono::sys_days kEarliest{std::chrono::year(1700) / 1 / 1};
inline constexpr std::chrono::sys_days kLatest{std::chrono::year(2200) / 1 / 1};

/// As times are stored: microseconds since 1970.
[[nodiscard]] std::int64_t to_microseconds(std::chrono::system_clock::time_point time) noexcept;
/// The same back. What somebody has changed to something out of the range stays out of it.
[[nodiscard]] std::chrono::system_clock::time_point from_microseconds(std::int64_t count) noexcept;

/// ISO 8601 in UTC with microseconds, such as `2026-03-01T12:00:00.000000Z`.
[[nodiscard]] std::string iso_time(std::chrono::system_clock::time_point time);

/// The same back, with up to six digits of a fraction or none; nothing for anything else
/// and for what is out of the range.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_iso_time(
    std::string_view text) noexcept;

}  // namespace turnstile::audit
