// What an expression means, once it is read.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "cron/expression/calendar.h"
#include "cron/zone/written_time.h"
#include "sqlite/call.h"
#include "turnstile/cron_expression.h"

namespace turnstile::cron {

using Microseconds = std::chrono::sys_time<std::chrono::microseconds>;

/// Threads: immutable.
struct Interval {
  std::chrono::milliseconds period{0};
  Microseconds origin{};
};

}  // namespace turnstile::cron

namespace turnstile::detail {

/// Threads: immutable.
struct CronRule {
  std::string text;
  std::variant<cron::Calendar, cron::Interval, cron::WrittenTime> when;

  /// See CronExpression; a null zone is UTC.
  [[nodiscard]] std::optional<cron::Microseconds> next_after(cron::Microseconds time,
                                                             const ZoneRules* zone) const;
  [[nodiscard]] std::optional<cron::Microseconds> previous(cron::Microseconds time,
                                                           const ZoneRules* zone) const;
};

}  // namespace turnstile::detail

namespace turnstile::cron {

/// Reads an expression. Throws what CronExpression::parse() does.
[[nodiscard]] detail::CronRule parse_expression(std::string_view text, const Call& call);

}  // namespace turnstile::cron
