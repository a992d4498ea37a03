#include "cron/job/due.h"

#include <algorithm>

namespace turnstile::cron {

namespace {

using std::chrono::microseconds;

// Counting goes on to here and no further: a job of every second may have been down for a year.
constexpr std::int64_t kMostCounted = 1000;

// From the newest to the oldest.
class Backwards {
 public:
  Backwards(const Schedule& schedule, TimePoint first, TimePoint newest)
      : schedule_(schedule), first_(first), at_(newest) {}

  [[nodiscard]] const std::optional<TimePoint>& at() const noexcept { return at_; }
  void advance() {
    if (at_ == first_) {
      at_.reset();
      return;
    }
    const auto before = schedule_.expression.previous(*at_, schedule_.zone);
    // The first one counts even if the zone's rules are not what they were when it was found.
    at_ = before ? std::max(*before, first_) : first_;
  }

 private:
  const Schedule& schedule_;
  const TimePoint first_;
  std::optional<TimePoint> at_;
};

std::int64_t count_rest(Backwards times) {
  std::int64_t count = 0;
  for (; times.at() && count < kMostCounted; times.advance())
    ++count;
  return count;
}

// How many of the due times, from the newest on, get a run of their own.
std::int64_t runs_wanted(const CronJobSpec& spec, bool on_time) {
  switch (spec.missed) {
    case MissedRuns::Skip:
      return on_time ? 1 : 0;
    case MissedRuns::Once:
      return 1;
    case MissedRuns::All:
      break;
  }
  return spec.missed_limit + (on_time ? 1 : 0);
}

// FNV-1a with a last step that mixes the high bits down (MurmurHash3's finaliser).
std::uint64_t hash_of(std::string_view name, std::uint64_t number) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001b3U; };
  for (const char c : name)
    add(static_cast<unsigned char>(c));
  for (unsigned shift = 0; shift < 64; shift += 8)
    add((number >> shift) & 0xffU);
  hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU;
  return hash ^ (hash >> 33U);
}

}  // namespace

Schedule Schedule::of(const CronJobSpec& spec, TimePoint origin, std::source_location where) {
  return {CronExpression::parse(spec.schedule, where).counted_from(origin),
          TimeZone::find(spec.zone, where)};
}

std::optional<TimePoint> Schedule::first(TimePoint now) const {
  const bool is_single = expression.kind() == CronExpression::Kind::At;
  return next_after(is_single ? TimePoint() : now);
}

DueTimes due_times(const Schedule& schedule, const CronJobSpec& spec, TimePoint next_run,
                   TimePoint now, std::chrono::milliseconds grace) {
  DueTimes due;
  due.next = schedule.next_after(now);
  if (schedule.expression.kind() == CronExpression::Kind::At) {
    due.runs = {next_run};
    return due;
  }
  const auto last = schedule.expression.previous(now + microseconds(1), schedule.zone);
  const TimePoint newest = last ? std::max(*last, next_run) : next_run;
  const bool on_time = now - newest <= grace;

  Backwards times(schedule, next_run, newest);
  for (std::int64_t wanted = runs_wanted(spec, on_time); times.at() && wanted > 0; --wanted) {
    due.runs.push_back(*times.at());
    times.advance();
  }
  std::reverse(due.runs.begin(), due.runs.end());
  if (spec.missed == MissedRuns::Once) {
    due.last_stands_for += count_rest(times);
  } else {
    due.skipped = times.at();
    due.skipped_count = count_rest(times);
  }
  return due;
}

microseconds jitter_of(const CronJobSpec& spec, TimePoint due) noexcept {
  const microseconds most = spec.jitter;
  if (most <= microseconds(0)) return microseconds(0);
  const auto since_epoch =
      static_cast<std::uint64_t>(std::chrono::floor<microseconds>(due.time_since_epoch()).count());
  const auto range = static_cast<std::uint64_t>(most.count()) + 1;
  return microseconds(static_cast<std::int64_t>(hash_of(spec.name, since_epoch) % range));
}

}  // namespace turnstile::cron
