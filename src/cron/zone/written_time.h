// Times as people write them: ISO 8601, with or without an offset from UTC.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "cron/zone/zone_rules.h"

namespace turnstile::cron {

/// The years that schedules and written times know: from the epoch to well before the system
/// clock's own limit, which is in 2262.
inline constexpr std::chrono::year kFirstYear{1970};
inline constexpr std::chrono::year kLastYear{2199};

/// Threads: immutable.
struct WrittenTime {
  std::chrono::local_time<std::chrono::microseconds> local;
  std::optional<std::chrono::seconds> offset;  ///< None: by the clock of whoever reads it.

  /// Reads what TimeZone::parse() does; nothing for other text.
  [[nodiscard]] static std::optional<WrittenTime> parse(std::string_view text);

  /// The moment that is meant; null is UTC. See first_moment() for times without an offset.
  [[nodiscard]] std::chrono::sys_time<std::chrono::microseconds> in(
      const detail::ZoneRules* zone) const;
};

/// The other way round: `2026-03-29T03:00:00+02:00`.
[[nodiscard]] std::string write_time(std::chrono::sys_time<std::chrono::microseconds> time,
                                     std::chrono::seconds offset);

}  // namespace turnstile::cron
