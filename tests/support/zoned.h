// Times for tests of schedules, written as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/cron_expression.h"
#include "turnstile/time_zone.h"

namespace turnstile::test {

using TimePoint = std::chrono::system_clock::time_point;

/// A time in UTC, or by the clock of `zone`.
[[nodiscard]] inline TimePoint at(std::string_view text, std::string_view zone = "UTC") {
  return TimeZone::find(zone).parse(text);
}

/// As the clock of `zone` shows them.
[[nodiscard]] inline std::vector<std::string> shown(const std::vector<TimePoint>& times,
                                                    std::string_view zone = "UTC") {
  const TimeZone clock = TimeZone::find(zone);
  std::vector<std::string> texts;
  for (const TimePoint time : times)
    texts.push_back(clock.format(time));
  return texts;
}
[[nodiscard]] inline std::string shown(std::optional<TimePoint> time,
                                       std::string_view zone = "UTC") {
  return time ? TimeZone::find(zone).format(*time) : "never";
}

/// The first due times after `from`, as the clock of `zone` shows them.
[[nodiscard]] inline std::vector<std::string> due(std::string_view expression,
                                                  std::string_view from, std::size_t count,
                                                  std::string_view zone = "UTC") {
  return shown(CronExpression::parse(expression).next(at(from, zone), count, TimeZone::find(zone)),
               zone);
}

}  // namespace turnstile::test
