#include "cron/expression/rule.h"

#include <algorithm>

#include "cron/zone/zone_rules.h"

namespace turnstile::cron {

namespace {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr Microseconds kBegin = sys_days(kFirstYear / 1 / 1);
constexpr Microseconds kEnd = sys_days((kLastYear + std::chrono::years(1)) / 1 / 1);

sys_seconds last_second_before(Microseconds time) {
  return std::chrono::ceil<seconds>(time) - seconds(1);
}

local_seconds shown_at(const ZonePeriod& period, sys_seconds time) {
  return local_seconds((time + period.offset).time_since_epoch());
}
sys_seconds moment_of(const ZonePeriod& period, local_seconds local) {
  return sys_seconds(local.time_since_epoch()) - period.offset;
}

// Each time that is named is due when the clock first shows it, or a later one: so the clock's
// highest reading so far says which of them are over.
std::optional<sys_seconds> next_named(const Calendar& calendar, sys_seconds after,
                                      const detail::ZoneRules* zone) {
  const auto named = calendar.first_from(latest_shown(zone, after) + seconds(1));
  return named ? std::optional(first_moment(zone, *named)) : std::nullopt;
}
std::optional<sys_seconds> last_named(const Calendar& calendar, sys_seconds until,
                                      const detail::ZoneRules* zone) {
  const auto named = calendar.last_until(latest_shown(zone, until));
  return named ? std::optional(first_moment(zone, *named)) : std::nullopt;
}

// What is due every hour is due whenever the clock shows it.
std::optional<sys_seconds> next_shown(const Calendar& calendar, sys_seconds after,
                                      const detail::ZoneRules* zone) {
  for (sys_seconds from = after + seconds(1); from < kEnd;) {
    const ZonePeriod period = period_at(zone, from);
    const auto local = calendar.first_from(shown_at(period, from));
    if (!local) return std::nullopt;
    const sys_seconds moment = moment_of(period, *local);
    if (moment < period.end) return moment;
    from = period.end;
  }
  return std::nullopt;
}
std::optional<sys_seconds> last_shown(const Calendar& calendar, sys_seconds until,
                                      const detail::ZoneRules* zone) {
  while (until >= kBegin) {
    const ZonePeriod period = period_at(zone, until);
    const auto local = calendar.last_until(shown_at(period, until));
    if (!local) return std::nullopt;
    const sys_seconds moment = moment_of(period, *local);
    if (moment >= period.begin) return moment;
    until = period.begin - seconds(1);
  }
  return std::nullopt;
}

std::optional<Microseconds> next_after(const Calendar& calendar, Microseconds time,
                                       const detail::ZoneRules* zone) {
  const auto after = std::chrono::floor<seconds>(time);
  return calendar.is_due_every_hour() ? next_shown(calendar, after, zone)
                                      : next_named(calendar, after, zone);
}
std::optional<Microseconds> previous(const Calendar& calendar, Microseconds time,
                                     const detail::ZoneRules* zone) {
  const sys_seconds until = last_second_before(time);
  return calendar.is_due_every_hour() ? last_shown(calendar, until, zone)
                                      : last_named(calendar, until, zone);
}

// The last due time at or before `time`, which may be before the origin.
Microseconds last_until(const Interval& interval, Microseconds time) {
  const auto since = time - interval.origin;
  auto periods = since / interval.period;
  if (since < interval.period * periods) --periods;
  return interval.origin + interval.period * periods;
}

std::optional<Microseconds> next_after(const Interval& interval, Microseconds time,
                                       const detail::ZoneRules*) {
  return std::max(last_until(interval, time) + interval.period, interval.origin);
}
std::optional<Microseconds> previous(const Interval& interval, Microseconds time,
                                     const detail::ZoneRules*) {
  const Microseconds last = last_until(interval, time - std::chrono::microseconds(1));
  return last < interval.origin ? std::nullopt : std::optional(last);
}

std::optional<Microseconds> next_after(const WrittenTime& at, Microseconds time,
                                       const detail::ZoneRules* zone) {
  const Microseconds moment = at.in(zone);
  return moment > time ? std::optional(moment) : std::nullopt;
}
std::optional<Microseconds> previous(const WrittenTime& at, Microseconds time,
                                     const detail::ZoneRules* zone) {
  const Microseconds moment = at.in(zone);
  return moment < time ? std::optional(moment) : std::nullopt;
}

}  // namespace

}  // namespace turnstile::cron

namespace turnstile::detail {

using cron::Microseconds;

std::optional<Microseconds> CronRule::next_after(Microseconds time, const ZoneRules* zone) const {
  const Microseconds from = std::max(time, cron::kBegin - std::chrono::microseconds(1));
  const auto next =
      std::visit([&](const auto& rule) { return cron::next_after(rule, from, zone); }, when);
  return next && *next < cron::kEnd ? next : std::nullopt;
}

std::optional<Microseconds> CronRule::previous(Microseconds time, const ZoneRules* zone) const {
  const Microseconds before = std::min(time, cron::kEnd);
  const auto last =
      std::visit([&](const auto& rule) { return cron::previous(rule, before, zone); }, when);
  return last && *last >= cron::kBegin ? last : std::nullopt;
}

}  // namespace turnstile::detail
