// Which of a job's due times are run: the rules of time, without the file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "turnstile/cron.h"

namespace turnstile::cron {

using TimePoint = std::chrono::system_clock::time_point;

/// A job's schedule as it is to be asked. Threads: immutable.
struct Schedule {
  CronExpression expression;
  TimeZone zone;

  /// Throws MisuseError, see Scheduler::start(). `origin` is what `@every` counts from.
  [[nodiscard]] static Schedule of(const CronJobSpec& spec, TimePoint origin,
                                   std::source_location where = std::source_location::current());

  /// The first due time of a job that got this schedule now: a single time may be over.
  [[nodiscard]] std::optional<TimePoint> first(TimePoint now) const;
  [[nodiscard]] std::optional<TimePoint> next_after(TimePoint time) const {
    return expression.next_after(time, zone);
  }
};

/// What a look at a job finds. Threads: immutable.
struct DueTimes {
  std::vector<TimePoint> runs{};       ///< To be run, the oldest first.
  std::int64_t last_stands_for = 1;    ///< Due times that the last of them is about.
  std::optional<TimePoint> skipped{};  ///< The latest one that is not to be run.
  std::int64_t skipped_count = 0;      ///< Up to 1000.
  std::optional<TimePoint> next{};     ///< The first one that is still to come.
};

/// Sorts out the due times from `next_run`, the first that nobody has seen to, up to `now`, which
/// is not before it.
[[nodiscard]] DueTimes due_times(const Schedule& schedule, const CronJobSpec& spec,
                                 TimePoint next_run, TimePoint now,
                                 std::chrono::milliseconds grace);

/// How much later than `due` a run of the job is to start.
[[nodiscard]] std::chrono::microseconds jitter_of(const CronJobSpec& spec, TimePoint due) noexcept;

}  // namespace turnstile::cron
