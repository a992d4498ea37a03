#include "cron/expression/calendar.h"

#include <algorithm>
#include <bit>

#include "cron/zone/written_time.h"

namespace turnstile::cron {

namespace {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::year_month;
using std::chrono::year_month_day;

constexpr unsigned kSunday = 0;
constexpr unsigned kSaturday = 6;
constexpr unsigned kWeek = 7;
constexpr std::uint32_t kAllHours = (1U << 24U) - 1;

constexpr std::uint32_t bit(unsigned position) noexcept {
  return std::uint32_t{1} << position;
}
constexpr bool has(std::uint64_t set, unsigned position) noexcept {
  return ((set >> position) & 1U) != 0;
}

// The least member that is not below `from`; empty when there is none.
std::optional<unsigned> least_from(std::uint64_t set, unsigned from) noexcept {
  constexpr unsigned kBits = 64;
  const std::uint64_t rest = from < kBits ? set >> from << from : 0;
  if (rest == 0) return std::nullopt;
  return static_cast<unsigned>(std::countr_zero(rest));
}
std::optional<unsigned> greatest_until(std::uint64_t set, unsigned until) noexcept {
  constexpr unsigned kTop = 63;
  const std::uint64_t rest = set << (kTop - until) >> (kTop - until);
  if (rest == 0) return std::nullopt;
  return kTop - static_cast<unsigned>(std::countl_zero(rest));
}
std::optional<unsigned> greatest_below(std::uint64_t set, unsigned limit) noexcept {
  return limit == 0 ? std::nullopt : greatest_until(set, limit - 1);
}

unsigned length_of(year_month month) noexcept {
  return static_cast<unsigned>((month / std::chrono::last).day());
}
unsigned first_weekday_of(year_month month) noexcept {
  return std::chrono::weekday(local_days(month / 1)).c_encoding();
}

std::uint32_t days_in(const Calendar& calendar, year_month month) noexcept {
  if (!has(calendar.months, static_cast<unsigned>(month.month()))) return 0;
  return calendar.days.in_month(length_of(month), first_weekday_of(month));
}

/// A month's weekdays. Threads: immutable.
struct Month {
  unsigned length;
  unsigned first_weekday;

  [[nodiscard]] unsigned weekday_of(unsigned day) const noexcept {
    return (first_weekday + day - 1) % kWeek;
  }
  [[nodiscard]] bool is_working(unsigned day) const noexcept {
    const unsigned weekday = weekday_of(day);
    return weekday != kSaturday && weekday != kSunday;
  }
  // A Saturday's is the Friday before, a Sunday's the Monday after, but never in another month.
  [[nodiscard]] unsigned working_day_near(unsigned day) const noexcept {
    if (weekday_of(day) == kSaturday) return day > 1 ? day - 1 : day + 2;
    if (weekday_of(day) == kSunday) return day < length ? day + 1 : day - 2;
    return day;
  }
};

std::uint32_t by_day_of_month(const DaySet& set, const Month& month) noexcept {
  std::uint32_t days = set.of_month;
  for (unsigned day = 1; day <= month.length; ++day) {
    if (has(set.from_last, month.length - day)) days |= bit(day);
    if (has(set.nearest, day)) days |= bit(month.working_day_near(day));
  }
  if (set.last_working) {
    unsigned day = month.length;
    while (!month.is_working(day))
      --day;
    days |= bit(day);
  }
  return days;
}

std::uint32_t by_weekday(const DaySet& set, const Month& month) noexcept {
  std::uint32_t days = 0;
  for (unsigned day = 1; day <= month.length; ++day) {
    const unsigned weekday = month.weekday_of(day);
    const unsigned nth = (day - 1) / kWeek + 1;
    if (has(set.weekdays, weekday) || has(set.nth_weekdays, 8 * nth + weekday) ||
        (has(set.last_weekdays, weekday) && day + kWeek > month.length))
      days |= bit(day);
  }
  return days;
}

/// A time of day. Threads: immutable.
struct Clock {
  unsigned hour;
  unsigned minute;
  unsigned second;

  [[nodiscard]] static Clock of(std::chrono::seconds since_midnight) noexcept {
    const std::chrono::hh_mm_ss clock(since_midnight);
    return {static_cast<unsigned>(clock.hours().count()),
            static_cast<unsigned>(clock.minutes().count()),
            static_cast<unsigned>(clock.seconds().count())};
  }
  [[nodiscard]] std::chrono::seconds since_midnight() const noexcept {
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }
};
constexpr Clock kMidnight{0, 0, 0};
constexpr Clock kLastSecond{23, 59, 59};

// The first time of a day at or after `from` that fits.
std::optional<std::chrono::seconds> first_of_day(const Calendar& calendar, Clock from) noexcept {
  for (auto hour = least_from(calendar.hours, from.hour); hour;
       hour = least_from(calendar.hours, *hour + 1)) {
    if (*hour != from.hour) from = kMidnight;
    for (auto minute = least_from(calendar.minutes, from.minute); minute;
         minute = least_from(calendar.minutes, *minute + 1)) {
      if (*minute != from.minute) from.second = 0;
      if (const auto second = least_from(calendar.seconds, from.second))
        return Clock{*hour, *minute, *second}.since_midnight();
    }
  }
  return std::nullopt;
}

// The last one at or before `until`.
std::optional<std::chrono::seconds> last_of_day(const Calendar& calendar, Clock until) noexcept {
  for (auto hour = greatest_until(calendar.hours, until.hour); hour;
       hour = greatest_below(calendar.hours, *hour)) {
    if (*hour != until.hour) until = kLastSecond;
    for (auto minute = greatest_until(calendar.minutes, until.minute); minute;
         minute = greatest_below(calendar.minutes, *minute)) {
      if (*minute != until.minute) until.second = kLastSecond.second;
      if (const auto second = greatest_until(calendar.seconds, until.second))
        return Clock{*hour, *minute, *second}.since_midnight();
    }
  }
  return std::nullopt;
}

}  // namespace

std::uint32_t DaySet::in_month(unsigned length, unsigned first_weekday) const noexcept {
  const Month month{length, first_weekday};
  const std::uint32_t exist = (bit(length) - 1) << 1U;
  const std::uint32_t by_date = by_day_of_month(*this, month);
  const std::uint32_t by_name = by_weekday(*this, month);
  return (both ? by_date & by_name : by_date | by_name) & exist;
}

bool Calendar::is_due_every_hour() const noexcept {
  return hours == kAllHours;
}

bool Calendar::is_ever_due() const noexcept {
  // A month of any length begins on any day of the week, in some year.
  constexpr unsigned kFebruary = 2;
  constexpr std::uint32_t kShort = bit(4) | bit(6) | bit(9) | bit(11);
  for (unsigned month = 1; month <= 12; ++month) {
    if (!has(months, month)) continue;
    const unsigned length = month == kFebruary ? 29 : has(kShort, month) ? 30 : 31;
    for (unsigned first = 0; first < kWeek; ++first)
      if (days.in_month(length, first) != 0 ||
          (month == kFebruary && days.in_month(length - 1, first) != 0))
        return true;
  }
  return false;
}

std::optional<local_seconds> Calendar::first_from(local_seconds time) const {
  time = std::max(time, local_seconds(local_days(kFirstYear / 1 / 1)));
  const auto date = std::chrono::floor<std::chrono::days>(time);
  const year_month_day today(date);
  unsigned from = static_cast<unsigned>(today.day());
  for (year_month month = today.year() / today.month(); month.year() <= kLastYear;
       month += std::chrono::months(1), from = 1) {
    const std::uint32_t fitting = days_in(*this, month);
    for (auto day = least_from(fitting, from); day; day = least_from(fitting, *day + 1)) {
      const local_days candidate(month / std::chrono::day(*day));
      const Clock clock = candidate == date ? Clock::of(time - date) : kMidnight;
      if (const auto found = first_of_day(*this, clock)) return candidate + *found;
    }
  }
  return std::nullopt;
}

std::optional<local_seconds> Calendar::last_until(local_seconds time) const {
  constexpr unsigned kLongestMonth = 31;
  const local_days last_day(kLastYear / std::chrono::December / std::chrono::day(kLongestMonth));
  time = std::min(time, last_day + std::chrono::days(1) - std::chrono::seconds(1));
  const auto date = std::chrono::floor<std::chrono::days>(time);
  const year_month_day today(date);
  unsigned until = static_cast<unsigned>(today.day());
  for (year_month month = today.year() / today.month(); month.year() >= kFirstYear;
       month -= std::chrono::months(1), until = kLongestMonth) {
    const std::uint32_t fitting = days_in(*this, month);
    for (auto day = greatest_until(fitting, until); day; day = greatest_below(fitting, *day)) {
      const local_days candidate(month / std::chrono::day(*day));
      const Clock clock = candidate == date ? Clock::of(time - date) : kLastSecond;
      if (const auto found = last_of_day(*this, clock)) return candidate + *found;
    }
  }
  return std::nullopt;
}

}  // namespace turnstile::cron
