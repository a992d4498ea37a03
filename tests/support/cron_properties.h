// What holds of every text that may be an expression: for the fuzz target and for a random test.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "support/zoned.h"
#include "turnstile/cron_expression.h"
#include "turnstile/error.h"

namespace turnstile::test {

/// What is wrong with how `text` is treated; empty when nothing is.
[[nodiscard]] inline std::string wrong_with_expression(std::string_view text) {
  static const std::array<TimeZone, 3> zones{TimeZone(), TimeZone::find("Europe/Berlin"),
                                             TimeZone::find("Australia/Lord_Howe")};
  static const std::array<TimePoint, 4> times{at("1970-01-01"), at("2026-03-28T23:59:59.999999"),
                                              at("2026-10-25T00:30"), at("2099-12-31T23:00:00.5")};
  constexpr auto kMoment = std::chrono::microseconds(1);
  try {
    const auto expression = CronExpression::parse(text);
    if (CronExpression::parse(expression.text()).text() != expression.text())
      return "its text is another expression";
    for (const TimeZone& zone : zones) {
      for (const TimePoint time : times) {
        const auto next = expression.next_after(time, zone);
        if (!next) continue;
        if (*next <= time) return "the next due time is not after " + shown(time);
        if (expression.previous(*next + kMoment, zone) != next)
          return "the time before " + shown(*next + kMoment) + " is another one";
        const auto before = expression.previous(*next, zone);
        if (before && *before > time) return "a due time before " + shown(next) + " is left out";
        if (before && expression.next_after(*before, zone) != next)
          return "the time after " + shown(before) + " is another one";
      }
    }
  } catch (const MisuseError& error) {
    constexpr auto kCodes =
        std::to_array<std::string_view>({"CRON_EXPRESSION_INVALID", "CRON_NEVER_DUE"});
    if (std::find(kCodes.begin(), kCodes.end(), error.code()) == kCodes.end())
      return "it is refused with " + std::string(error.what());
  }
  return {};
}

}  // namespace turnstile::test
