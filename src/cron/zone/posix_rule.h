// The rule for all times after the last one that a zone's file lists: a text such as
// `CET-1CEST,M3.5.0,M10.5.0/3` (POSIX, "Environment Variables", TZ; with the wider hours of
// RFC 9636, 3.3.1).
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace turnstile::cron {

/// A stretch of time in which a zone's offset from UTC is the same.
///
/// Threads: immutable.
struct ZonePeriod {
  std::chrono::sys_seconds begin;
  std::chrono::sys_seconds end;  ///< The first second after it.
  std::chrono::seconds offset;
};

/// Threads: immutable.
class PosixRule {
 public:
  /// Nothing for a text that is no such rule.
  [[nodiscard]] static std::optional<PosixRule> parse(std::string_view text);

  [[nodiscard]] ZonePeriod period_at(std::chrono::sys_seconds time) const;

 private:
  friend class PosixRuleParser;

  /// The day of a change, and the time of the local clock before it, from the day's beginning.
  struct Change {
    enum class Day {
      Julian,
      ZeroBased,
      Weekday
    };  ///< `J60` (without 29 February), `59`, `M3.5.0`.
    Day kind = Day::ZeroBased;
    int day = 0;  ///< Of the year; with Weekday: 0 is Sunday.
    unsigned month = 1;
    int week = 1;  ///< 5 is the last one.
    std::chrono::seconds time{std::chrono::hours(2)};

    [[nodiscard]] std::chrono::local_seconds in(std::chrono::year year) const;
  };
  struct Summer {
    std::chrono::seconds offset;
    Change begin;
    Change end;
  };

  std::chrono::seconds offset_{0};
  std::optional<Summer> summer_;
};

}  // namespace turnstile::cron
