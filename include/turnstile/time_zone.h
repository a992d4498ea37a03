// Time zones of the system's database (https://data.iana.org/time-zones/theory.html), for schedules
// and for times that people read and write.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

namespace turnstile {

namespace detail {
class ZoneRules;
}  // namespace detail

/// A time zone, as it is in the system's files at the moment of find(). A copy is cheap.
///
/// Threads: immutable.
class TimeZone {
 public:
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  /// UTC, which needs no files.
  TimeZone() noexcept = default;

  /// The zone of that name, such as `Europe/Berlin`, from the directory in the environment variable
  /// TZDIR, else from /usr/share/zoneinfo. Throws MisuseError: CRON_ZONE_UNKNOWN, with the name
  /// that was probably meant.
  [[nodiscard]] static TimeZone find(std::string_view name,
                                     std::source_location where = std::source_location::current());

  [[nodiscard]] std::string_view name() const noexcept;  ///< As it was asked for.

  /// What the local clock is ahead of UTC at `time`; negative in the west.
  [[nodiscard]] std::chrono::seconds offset_at(TimePoint time) const;

  /// `time` as the local clock shows it, such as `2026-03-29T03:00:00+02:00`; the fraction of the
  /// second only where there is one, in microseconds.
  [[nodiscard]] std::string format(TimePoint time) const;

  /// Reads `2026-03-01`, `2026-03-01 12:00`, `2026-03-01T12:00:30.5`, with `Z`, `+01:00` or nothing
  /// behind it; without an offset it is a time of this zone's clock. One that the clock leaves out
  /// is taken as the moment right after the gap, one that it shows twice as the first of the two.
  /// The years are 1970 to 2199. Throws MisuseError (CRON_TIME_INVALID).
  [[nodiscard]] TimePoint parse(std::string_view text,
                                std::source_location where = std::source_location::current()) const;

 private:
  friend class CronExpression;

  explicit TimeZone(std::shared_ptr<const detail::ZoneRules> rules) noexcept;

  std::shared_ptr<const detail::ZoneRules> rules_;  // Null: UTC.
};

}  // namespace turnstile
