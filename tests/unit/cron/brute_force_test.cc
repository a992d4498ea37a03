// Due times against an evaluator that knows nothing of the implementation: it takes the fields as
// the generator made them, walks through time and asks of each day, hour, minute and second whether
// it fits. Clocks come from the C library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/environment.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "support/thrown.h"
#include "support/zoned.h"
#include "turnstile/cron_expression.h"
#include "turnstile/error.h"

namespace turnstile::test {
namespace {

namespace chrono = std::chrono;
using chrono::local_days;
using chrono::seconds;
using chrono::sys_seconds;
using chrono::year_month_day;
using Random = std::mt19937_64;

int pick(Random& random, int least, int most) {
  return std::uniform_int_distribution<int>(least, most)(random);
}
bool chance(Random& random, int percent) {
  return pick(random, 1, 100) <= percent;
}

// One item of a list. What is not set does not restrict.
struct Item {
  enum class Form { Range, LastDay, NearestWorkday, LastWorkday, LastWeekday, NthWeekday };
  Form form = Form::Range;
  int from = 0;
  int to = 0;
  int step = 1;
};

struct Field {
  std::string text;
  bool star = false;
  std::vector<Item> items;

  [[nodiscard]] bool has(int value) const {
    for (const Item& item : items)
      if (value >= item.from && value <= item.to && (value - item.from) % item.step == 0)
        return true;
    return false;
  }
};

void add_range(Random& random, Field& field, int least, int most) {
  Item item;
  item.step = chance(random, 30) ? pick(random, 1, most - least) : 1;
  const std::string step =
      item.step > 1 || chance(random, 5) ? "/" + std::to_string(item.step) : "";
  if (chance(random, 25)) {
    item.from = least;
    item.to = most;
    field.text += "*" + step;
    field.star = true;
  } else {
    item.from = pick(random, least, most);
    const bool open = !step.empty() && chance(random, 30);
    item.to = open ? most : chance(random, 50) ? pick(random, item.from, most) : item.from;
    field.text += std::to_string(item.from);
    if (!open && (item.to != item.from || !step.empty() || chance(random, 10)))
      field.text += "-" + std::to_string(item.to);
    field.text += step;
  }
  field.items.push_back(item);
}

void add_day_of_month(Random& random, Field& field) {
  if (chance(random, 70)) return add_range(random, field, 1, 31);
  Item item;
  switch (pick(random, 1, 3)) {
    case 1:
      item.form = Item::Form::LastDay;
      item.from = chance(random, 50) ? 0 : pick(random, 1, 30);
      field.text += item.from == 0 ? "L" : "L-" + std::to_string(item.from);
      break;
    case 2:
      item.form = Item::Form::NearestWorkday;
      item.from = pick(random, 1, 31);
      field.text += std::to_string(item.from) + "W";
      break;
    default:
      item.form = Item::Form::LastWorkday;
      field.text += "LW";
  }
  field.items.push_back(item);
}

void add_day_of_week(Random& random, Field& field) {
  if (chance(random, 70)) return add_range(random, field, 0, 6);
  Item item;
  item.from = pick(random, 0, 6);
  item.form = chance(random, 50) ? Item::Form::LastWeekday : Item::Form::NthWeekday;
  item.step = pick(random, 1, 5);
  field.text += std::to_string(item.from) +
                (item.form == Item::Form::LastWeekday ? "L" : "#" + std::to_string(item.step));
  field.items.push_back(item);
}

template <class Add>
Field make_field(Random& random, int stars, const Add& add) {
  Field field;
  if (chance(random, stars)) {
    field.text = "*";
    field.star = true;
    field.items.push_back({Item::Form::Range, 0, 100, 1});
    return field;
  }
  for (int count = pick(random, 1, 3); count > 0; --count) {
    add(random, field);
    if (count > 1) field.text += ",";
  }
  return field;
}

struct Fields {
  Field second, minute, hour, day, month, weekday;
  bool six = false;

  [[nodiscard]] std::string text() const {
    return (six ? second.text + " " : "") + minute.text + " " + hour.text + " " + day.text + " " +
           month.text + " " + weekday.text;
  }
};

Fields make_fields(Random& random, int starred_hours = 30) {
  const auto of = [](int least, int most) {
    return [least, most](Random& r, Field& field) { add_range(r, field, least, most); };
  };
  Fields fields;
  fields.six = chance(random, 30);
  if (fields.six)
    fields.second = make_field(random, 20, of(0, 59));
  else
    fields.second.items.push_back({Item::Form::Range, 0, 0, 1});
  fields.minute = make_field(random, 20, of(0, 59));
  fields.hour = make_field(random, starred_hours, of(0, 23));
  fields.day = make_field(random, 40, add_day_of_month);
  fields.month = make_field(random, 50, of(1, 12));
  fields.weekday = make_field(random, 50, add_day_of_week);
  return fields;
}

int weekday_of(local_days day) {
  return static_cast<int>(chrono::weekday(day).c_encoding());
}
bool is_workday(local_days day) {
  return weekday_of(day) >= 1 && weekday_of(day) <= 5;
}
bool same_month(local_days a, local_days b) {
  return year_month_day(a).month() == year_month_day(b).month();
}

// The working day that is nearest to a day, by looking at the days around it.
local_days workday_near(local_days day) {
  for (const int apart : {0, -1, 1, 2, -2}) {
    const local_days other = day + chrono::days(apart);
    // Two days away is only for where the nearer one is in another month.
    if (is_workday(other) && same_month(other, day)) return other;
  }
  return day;
}

bool fits_day_of_month(const Field& field, local_days day) {
  const year_month_day date(day);
  const local_days first(date.year() / date.month() / 1);
  const local_days last(date.year() / date.month() / chrono::last);
  const int number = static_cast<int>((day - first).count()) + 1;
  for (const Item& item : field.items) {
    bool fits = false;
    if (item.form == Item::Form::Range) {
      fits = Field{"", false, {item}}.has(number);
    } else if (item.form == Item::Form::LastDay) {
      fits = last - day == chrono::days(item.from);
    } else if (item.form == Item::Form::NearestWorkday) {
      const local_days named = first + chrono::days(item.from - 1);
      fits = same_month(named, day) && workday_near(named) == day;
    } else {
      local_days workday = last;
      while (!is_workday(workday))
        workday -= chrono::days(1);
      fits = workday == day;
    }
    if (fits) return true;
  }
  return false;
}

bool fits_weekday(const Field& field, local_days day) {
  const int weekday = weekday_of(day);
  for (const Item& item : field.items) {
    if (item.form == Item::Form::Range) {
      if (Field{"", false, {item}}.has(weekday)) return true;
      continue;
    }
    if (weekday != item.from) continue;
    if (item.form == Item::Form::LastWeekday && !same_month(day, day + chrono::days(7)))
      return true;
    int nth = 1;
    for (local_days earlier = day; same_month(earlier - chrono::days(7), day); ++nth)
      earlier -= chrono::days(7);
    if (item.form == Item::Form::NthWeekday && nth == item.step) return true;
  }
  return false;
}

bool fits_day(const Fields& fields, local_days day) {
  const year_month_day date(day);
  if (!fields.month.has(static_cast<int>(static_cast<unsigned>(date.month())))) return false;
  const bool by_date = fits_day_of_month(fields.day, day);
  const bool by_name = fits_weekday(fields.weekday, day);
  return fields.day.star || fields.weekday.star ? by_date && by_name : by_date || by_name;
}

// In UTC: day by day, and in a day that fits second by second. Empty after `years`.
std::optional<TimePoint> next_in_utc(const Fields& fields, TimePoint after, int years) {
  const auto from = chrono::floor<seconds>(after) + seconds(1);
  auto day = chrono::floor<chrono::days>(from);
  for (const auto end = day + chrono::days(366 * years); day < end; day += chrono::days(1)) {
    if (!fits_day(fields, local_days(day.time_since_epoch()))) continue;
    for (seconds time = std::max(seconds(0), from - day); time < chrono::days(1);)
      if (!fields.hour.has(static_cast<int>(time / chrono::hours(1))))
        time = chrono::floor<chrono::hours>(time) + chrono::hours(1);
      else if (!fields.minute.has(static_cast<int>(time % chrono::hours(1) / chrono::minutes(1))))
        time = chrono::floor<chrono::minutes>(time) + chrono::minutes(1);
      else if (!fields.second.has(static_cast<int>((time % chrono::minutes(1)).count())))
        time += seconds(1);
      else
        return day + time;
  }
  return std::nullopt;
}

TimePoint random_time(Random& random) {
  const auto first = chrono::floor<seconds>(at("1971-01-01")).time_since_epoch().count();
  const auto last = chrono::floor<seconds>(at("2120-01-01")).time_since_epoch().count();
  return TimePoint(seconds(std::uniform_int_distribution<std::int64_t>(first, last)(random)));
}

// An expression from time to time names days that no month has; the evaluator decides by looking at
// fifty years, which hold a 29 February of each weekday.
bool is_refused(const Fields& fields) {
  const auto error = thrown<MisuseError>([&] { (void)CronExpression::parse(fields.text()); });
  EXPECT_EQ(error.code(), "CRON_NEVER_DUE") << error.what();
  EXPECT_EQ(next_in_utc(fields, at("2026-01-01"), 50), std::nullopt) << fields.text();
  return true;
}

std::optional<CronExpression> parsed(const Fields& fields) {
  try {
    return CronExpression::parse(fields.text());
  } catch (const MisuseError&) {
    EXPECT_TRUE(is_refused(fields));
    return std::nullopt;
  }
}

TEST(BruteForce, FindsTheSameDueTimes) {
  Random random(test_seed());
  const int count = test_size("TURNSTILE_TEST_EXPRESSIONS", 10'000);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    const Fields fields = make_fields(random);
    const auto expression = parsed(fields);
    if (!expression) {
      ++refused;
      continue;
    }
    TimePoint time = random_time(random);
    for (int n = 0; n < 3; ++n) {
      const auto next = expression->next_after(time);
      ASSERT_EQ(next, next_in_utc(fields, time, 50)) << fields.text() << " after " << shown(time);
      ASSERT_TRUE(next.has_value());
      ASSERT_EQ(expression->previous(*next + seconds(1)), next) << fields.text();
      const auto before = expression->previous(*next);
      ASSERT_TRUE(!before || expression->next_after(*before) == next)
          << fields.text() << " before " << shown(*next);
      time = *next;
    }
  }
  std::cout << count - refused << " compared, " << refused << " never due\n";
}

// A clock on the wall that the C library moves, read at every minute of some days. For expressions
// without seconds, and for clocks that are changed by whole minutes.
class WallClock {
 public:
  WallClock(const std::string& zone, sys_seconds begin, sys_seconds end)
      : begin_(begin),
        first_(begin - chrono::days(2)),  // So that the clock's highest reading is known.
        origin_(chrono::floor<chrono::days>(first_).time_since_epoch() - chrono::days(2)),
        days_((end - first_) / chrono::days(1) + 6) {
    const ScopedVariable tz("TZ", ":" + zone);
    ::tzset();
    for (sys_seconds time = first_; time < end; time += chrono::minutes(1)) {
      const std::time_t t = time.time_since_epoch().count();
      std::tm local{};
      ::localtime_r(&t, &local);
      const chrono::local_seconds shown((time + seconds(local.tm_gmtoff)).time_since_epoch());
      readings_.push_back((shown - origin_) / chrono::minutes(1));
    }
  }

  [[nodiscard]] std::vector<TimePoint> due(const Fields& fields) const {
    bool every_hour = true;
    for (int hour = 0; hour < 24; ++hour)
      every_hour = every_hour && fields.hour.has(hour);
    const std::vector<bool> fitting = fitting_minutes(fields);
    std::vector<TimePoint> due;
    sys_seconds time = first_;
    std::int64_t highest = readings_.front() - 1;
    for (const std::int64_t reading : readings_) {
      bool is_due = every_hour && fitting[static_cast<std::size_t>(reading)];
      for (; !every_hour && highest < reading; ++highest)
        is_due = fitting[static_cast<std::size_t>(highest + 1)] || is_due;
      if (is_due && time >= begin_) due.emplace_back(time);
      time += chrono::minutes(1);
    }
    return due;
  }

 private:
  // Whether each minute from origin_ on fits, if a clock shows it.
  [[nodiscard]] std::vector<bool> fitting_minutes(const Fields& fields) const {
    std::vector<bool> fitting;
    for (int day = 0; day < days_; ++day) {
      const bool fits = fits_day(fields, origin_ + chrono::days(day));
      for (int hour = 0; hour < 24; ++hour) {
        const bool hour_fits = fits && fields.hour.has(hour);
        for (int minute = 0; minute < 60; ++minute)
          fitting.push_back(hour_fits && fields.minute.has(minute));
      }
    }
    return fitting;
  }

  sys_seconds begin_;
  sys_seconds first_;
  local_days origin_;
  std::int64_t days_;
  std::vector<std::int64_t> readings_;  // In minutes from origin_.
};

Field any(int least, int most) {
  return {"*", true, {{Item::Form::Range, least, most, 1}}};
}

// Without seconds, and most of them due within some days.
Fields make_frequent_fields(Random& random) {
  Fields fields = make_fields(random, 15);
  fields.six = false;
  fields.second = {"", false, {{Item::Form::Range, 0, 0, 1}}};
  if (chance(random, 90)) fields.month = any(1, 12);
  if (chance(random, 80)) {
    fields.day = any(1, 31);
    fields.weekday = any(0, 6);
  }
  return fields;
}

std::string both(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  return "found " + testing::PrintToString(found) + "\nexpected " +
         testing::PrintToString(expected);
}

class BruteForceAtClockChanges
    : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(BruteForceAtClockChanges, FindsTheSameDueTimes) {
  const auto& [zone, day] = GetParam();
  Random random(test_seed());
  const TimeZone time_zone = TimeZone::find(zone);
  const auto begin = chrono::floor<seconds>(at(day)) - chrono::hours(36);
  const auto end = begin + chrono::hours(84);
  const WallClock clock(zone, begin, end);
  for (int i = 0; i < 400; ++i) {
    const Fields fields = make_frequent_fields(random);
    const auto expression = parsed(fields);
    if (!expression) continue;
    const std::vector<TimePoint> expected = clock.due(fields);
    std::vector<TimePoint> found;
    for (auto next = expression->next_after(begin - seconds(1), time_zone); next && *next < end;
         next = expression->next_after(*next, time_zone))
      found.push_back(*next);
    // Thousands of times are shown only when they are of interest.
    ASSERT_TRUE(found == expected) << fields.text() << "\n"
                                   << both(shown(found, zone), shown(expected, zone));
    std::vector<TimePoint> backwards;
    for (auto last = expression->previous(end, time_zone); last && *last >= begin;
         last = expression->previous(*last, time_zone))
      backwards.push_back(*last);
    std::ranges::reverse(backwards);
    ASSERT_TRUE(backwards == expected) << fields.text() << " backwards\n"
                                       << both(shown(backwards, zone), shown(expected, zone));
  }
}

INSTANTIATE_TEST_SUITE_P(Zones, BruteForceAtClockChanges,
                         testing::Values(std::pair("Europe/Berlin", "2026-03-29"),
                                         std::pair("Europe/Berlin", "2026-10-25"),
                                         std::pair("America/New_York", "2026-03-08"),
                                         std::pair("America/New_York", "2026-11-01"),
                                         std::pair("Australia/Lord_Howe", "2026-04-05"),
                                         std::pair("Australia/Lord_Howe", "2026-10-04"),
                                         std::pair("Asia/Kolkata", "2026-03-29"),
                                         std::pair("Europe/Dublin", "2040-10-28"),
                                         std::pair("America/Sao_Paulo", "2018-02-17"),
                                         std::pair("America/Sao_Paulo", "2018-11-04"),
                                         std::pair("Pacific/Apia", "2011-12-30")));

}  // namespace
}  // namespace turnstile::test
