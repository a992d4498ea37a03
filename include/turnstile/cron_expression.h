// When something is due: crontab's expressions, intervals and single times.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/time_zone.h"

namespace turnstile {

namespace detail {
struct CronRule;
}  // namespace detail

/// A schedule. One of:
///
///   30 9 * * MON-FRI         minute, hour, day of month, month, day of week
///   0 30 9 * * MON-FRI       the same with a second in front
///   @daily                   also @midnight, @hourly, @weekly, @monthly, @yearly, @annually
///   @every 1h30m             d, h, m, s and ms; at least 100ms
///   @at 2026-03-01T12:00     once; see TimeZone::parse()
///
/// A field is `*`, or a list of values, ranges `1-5`, and steps `*/15`, `8-18/2`, `5/10` (from 5
/// on). Months and days of the week have names of three letters; Sunday is 0 and 7. A day of the
/// month is also `L` (the last), `L-3` (three before it), `15W` (the working day nearest to the
/// 15th within its month) and `LW` (the last working day); a day of the week also `5L` or `FRIL`
/// (the last Friday) and `FRI#2` (the second). `?` is `*` in these two fields. When both of them
/// are restricted, that is, have no `*` or `?` in them, a day of either is due; otherwise a day has
/// to fit both.
///
/// Calendar expressions follow the clock of a time zone. Where that clock is changed:
/// - One whose hour field leaves hours out is due once for each time that it names, at the first
///   moment at which the clock shows that time or a later one: a time that the clock leaves out is
///   due right after the gap (several of them together, once), one that it shows twice is due the
///   first time.
/// - One that is due in every hour is due whenever the clock shows its minute and second, so that
///   it goes on at its own pace: not for a time that is left out, twice for one that is shown
///   twice.
///
/// Due times are those of the years 1970 to 2199.
///
/// Threads: immutable.
class CronExpression {
 public:
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  enum class Kind { Calendar, Every, At };  ///< How it was written.

  /// Throws MisuseError: CRON_EXPRESSION_INVALID with the field, the place and what is allowed
  /// there; CRON_NEVER_DUE for days that no month has, such as 30 February.
  [[nodiscard]] static CronExpression parse(
      std::string_view text, std::source_location where = std::source_location::current());

  /// As it was given, without blanks around it.
  [[nodiscard]] const std::string& text() const noexcept;
  [[nodiscard]] Kind kind() const noexcept;  ///< How it was written.

  /// The same with intervals counted from `origin`: `@every 1h` is due then and each hour after
  /// it. Without an origin they are counted from 1970-01-01 UTC. Has no effect on other kinds.
  [[nodiscard]] CronExpression counted_from(TimePoint origin) const;

  /// The first due time after `time`; empty when there is none any more.
  [[nodiscard]] std::optional<TimePoint> next_after(TimePoint time,
                                                    const TimeZone& zone = {}) const;
  /// The last due time before `time`.
  [[nodiscard]] std::optional<TimePoint> previous(TimePoint time, const TimeZone& zone = {}) const;
  /// The first `count` due times after `time`; fewer when there are no more.
  [[nodiscard]] std::vector<TimePoint> next(TimePoint time, std::size_t count,
                                            const TimeZone& zone = {}) const;

 private:
  explicit CronExpression(std::shared_ptr<const detail::CronRule> rule) noexcept;

  std::shared_ptr<const detail::CronRule> rule_;
};

}  // namespace turnstile
