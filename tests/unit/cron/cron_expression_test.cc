// What expressions mean, and what is said of those that mean nothing. How they behave where clocks
// are changed is in clock_change_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/thrown.h"
#include "support/zoned.h"
#include "turnstile/cron_expression.h"
#include "turnstile/error.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The days of a month on which an expression without times is due.
std::vector<int> days(const std::string& fields, std::string_view month) {
  std::vector<int> result;
  const std::string first = std::string(month) + "-01";
  const TimePoint end = at(first) + std::chrono::days(31);
  for (const TimePoint due :
       CronExpression::parse("0 0 " + fields).next(at(first) - std::chrono::seconds(1), 40)) {
    const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(due));
    if (due < end && TimeZone().format(due).starts_with(month))
      result.push_back(static_cast<int>(static_cast<unsigned>(date.day())));
  }
  return result;
}

Error refusal(std::string_view text) {
  return thrown<MisuseError>([&] { (void)CronExpression::parse(text); });
}

TEST(CronExpression, HasFiveFields) {
  EXPECT_THAT(due("30 9 1 1 *", "2026-01-01", 2),
              ElementsAre("2026-01-01T09:30:00+00:00", "2027-01-01T09:30:00+00:00"));
}

TEST(CronExpression, HasSecondsInFrontOfSixFields) {
  EXPECT_THAT(due("*/20 0 0 1 1 *", "2026-01-01", 3),
              ElementsAre("2026-01-01T00:00:20+00:00", "2026-01-01T00:00:40+00:00",
                          "2027-01-01T00:00:00+00:00"));
}

TEST(CronExpression, IsDueAfterTheTimeAndNotAtIt) {
  EXPECT_EQ(shown(CronExpression::parse("* * * * *").next_after(at("2026-01-01T00:00:00.5"))),
            "2026-01-01T00:01:00+00:00");
  EXPECT_EQ(shown(CronExpression::parse("* * * * *").next_after(at("2026-01-01T00:01:00"))),
            "2026-01-01T00:02:00+00:00");
}

TEST(CronExpression, HasListsRangesAndSteps) {
  EXPECT_THAT(days("1,5-7,*/10 * *", "2026-03"), ElementsAre(1, 5, 6, 7, 11, 21, 31));
  EXPECT_THAT(days("20/5 * *", "2026-03"), ElementsAre(20, 25, 30));
  EXPECT_THAT(days("2-10/4 * *", "2026-03"), ElementsAre(2, 6, 10));
}

TEST(CronExpression, HasNamesOfMonthsAndWeekdays) {
  EXPECT_THAT(days("* MAR mon-Tue", "2026-03"), ElementsAre(2, 3, 9, 10, 16, 17, 23, 24, 30, 31));
  EXPECT_THAT(days("* JAN,feb *", "2026-03"), IsEmpty());
}

TEST(CronExpression, HasSundayTwice) {
  EXPECT_EQ(days("* * 0", "2026-03"), days("* * 7", "2026-03"));
  EXPECT_EQ(days("* * SAT-SUN", "2026-03"), days("* * 6,7", "2026-03"));
  EXPECT_THAT(days("* * FRI-SUN", "2026-03"),
              ElementsAre(1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28, 29));
  EXPECT_EQ(days("* * */2", "2026-03"), days("* * SUN,TUE,THU,SAT", "2026-03"));
}

TEST(CronExpression, HasTheLastDaysOfAMonth) {
  EXPECT_THAT(days("L * *", "2028-02"), ElementsAre(29));
  EXPECT_THAT(days("L-3 * *", "2026-04"), ElementsAre(27));
  EXPECT_THAT(days("1,L,l-30 * *", "2026-03"), ElementsAre(1, 31));
  EXPECT_THAT(days("LW * *", "2026-05"), ElementsAre(29));  // The 31st is a Sunday.
}

TEST(CronExpression, HasWorkingDaysNearOthers) {
  EXPECT_THAT(days("15W * *", "2026-08"), ElementsAre(14));  // A Saturday.
  EXPECT_THAT(days("15W * *", "2026-03"), ElementsAre(16));  // A Sunday.
  EXPECT_THAT(days("15W * *", "2026-04"), ElementsAre(15));
  EXPECT_THAT(days("1W * *", "2026-08"), ElementsAre(3));    // Not in the month before.
  EXPECT_THAT(days("31W * *", "2026-05"), ElementsAre(29));  // Not in the month after.
  EXPECT_THAT(days("31W * *", "2026-04"), IsEmpty());
}

TEST(CronExpression, HasTheNthAndTheLastWeekday) {
  EXPECT_THAT(days("* * FRI#2", "2026-03"), ElementsAre(13));
  EXPECT_THAT(days("* * 5L", "2026-03"), ElementsAre(27));
  EXPECT_THAT(days("* * friL,7#1", "2026-03"), ElementsAre(1, 27));
  EXPECT_THAT(days("* * MON#5", "2026-02"), IsEmpty());
}

TEST(CronExpression, IsDueOnEitherDayWhenBothAreRestricted) {
  EXPECT_THAT(days("13 * FRI", "2026-04"), ElementsAre(3, 10, 13, 17, 24));
}

// As crontab(5) says: a field with a star in it does not restrict.
TEST(CronExpression, IsDueOnDaysThatFitBothWhenOneHasAStar) {
  EXPECT_THAT(days("*/2 * MON", "2026-03"), ElementsAre(9, 23));
  EXPECT_THAT(days("* * MON", "2026-03"), ElementsAre(2, 9, 16, 23, 30));
  EXPECT_THAT(days("? * MON", "2026-03"), ElementsAre(2, 9, 16, 23, 30));
  EXPECT_THAT(days("13 * ?", "2026-03"), ElementsAre(13));
}

TEST(CronExpression, HasNamesForWholeSchedules) {
  const auto same = [](std::string_view name, std::string_view fields) {
    EXPECT_EQ(due(name, "2026-01-01", 5), due(fields, "2026-01-01", 5)) << name;
  };
  same("@yearly", "0 0 1 1 *");
  same("@annually", "0 0 1 1 *");
  same("@monthly", "0 0 1 * *");
  same("@weekly", "0 0 * * SUN");
  same("@daily", "0 0 * * *");
  same("@midnight", "0 0 * * *");
  same("@hourly", "0 * * * *");
}

TEST(CronExpression, CountsIntervalsFromTheirOrigin) {
  const auto hourly = CronExpression::parse("@every 1h30m").counted_from(at("2026-01-01T00:10"));
  EXPECT_THAT(shown(hourly.next(at("2026-01-01T00:10"), 2)),
              ElementsAre("2026-01-01T01:40:00+00:00", "2026-01-01T03:10:00+00:00"));
  EXPECT_EQ(shown(hourly.next_after(at("2020-01-01"))), "2026-01-01T00:10:00+00:00");
  EXPECT_EQ(shown(hourly.previous(at("2026-01-01T01:40"))), "2026-01-01T00:10:00+00:00");
  EXPECT_EQ(hourly.previous(at("2026-01-01T00:10")), std::nullopt);
}

TEST(CronExpression, HasIntervalsOfAllUnits) {
  EXPECT_THAT(due("@every 1d2h3m4s5ms", "1970-01-01", 1),
              ElementsAre("1970-01-02T02:03:04.005000+00:00"));
  EXPECT_THAT(due("@every 90s", "1970-01-01", 2),
              ElementsAre("1970-01-01T00:01:30+00:00", "1970-01-01T00:03:00+00:00"));
}

TEST(CronExpression, IsOnceAtATime) {
  const auto once = CronExpression::parse("@at 2026-03-01T12:00");
  EXPECT_EQ(once.kind(), CronExpression::Kind::At);
  EXPECT_EQ(shown(once.next_after(at("2026-01-01"))), "2026-03-01T12:00:00+00:00");
  EXPECT_EQ(once.next_after(at("2026-03-01T12:00")), std::nullopt);
  EXPECT_EQ(shown(once.previous(at("2026-03-02"))), "2026-03-01T12:00:00+00:00");
  EXPECT_EQ(shown(once.next_after(at("2026-01-01"), TimeZone::find("Europe/Berlin"))),
            "2026-03-01T11:00:00+00:00");
}

TEST(CronExpression, KnowsTheTimeBefore) {
  const auto expression = CronExpression::parse("30 9 29 2 *");
  EXPECT_EQ(shown(expression.previous(at("2026-01-01"))), "2024-02-29T09:30:00+00:00");
  EXPECT_EQ(shown(expression.previous(at("2024-02-29T09:30"))), "2020-02-29T09:30:00+00:00");
  EXPECT_EQ(shown(expression.previous(at("2024-02-29T09:30:00.000001"))),
            "2024-02-29T09:30:00+00:00");
  EXPECT_EQ(expression.previous(at("1972-01-01")), std::nullopt);
}

TEST(CronExpression, FindsDaysThatAreFarApart) {
  EXPECT_EQ(shown(CronExpression::parse("0 0 29 2 *").next_after(at("2096-03-01"))),
            "2104-02-29T00:00:00+00:00");
  EXPECT_EQ(shown(CronExpression::parse("0 0 ? 2 SUN#5").next_after(at("2088-03-01"))),
            "2128-02-29T00:00:00+00:00")
      << "every 28 years, and 40 across 2100";
}

TEST(CronExpression, EndsWithTheYear2199) {
  EXPECT_THAT(due("@yearly", "2197-06-01", 5), SizeIs(2));
  EXPECT_EQ(CronExpression::parse("@hourly").next_after(TimePoint::max()), std::nullopt);
  EXPECT_EQ(shown(CronExpression::parse("@hourly").previous(TimePoint::max())),
            "2199-12-31T23:00:00+00:00");
  EXPECT_EQ(shown(CronExpression::parse("@hourly").next_after(TimePoint::min())),
            "1970-01-01T00:00:00+00:00");
}

TEST(CronExpression, KeepsItsTextWithoutBlanksAround) {
  EXPECT_EQ(CronExpression::parse(" \t0 0   * * *  ").text(), "0 0   * * *");
}

TEST(CronExpression, RefusesDaysThatNoMonthHas) {
  for (const std::string_view text : {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *",
                                      "0 0 L-30 4 *", "0 0 30,31 FEB ?", "0 0 */30 FEB MON#2"})
    EXPECT_EQ(refusal(text).code(), "CRON_NEVER_DUE") << text;
  EXPECT_EQ(
      refusal("0 0 30 2 *").message(),
      "'0 0 30 2 *' is never due: no such month has a day that fits the day of month '30' and "
      "the day of week '*'");
}

TEST(CronExpression, TakesDaysThatFewMonthsHave) {
  for (const std::string_view text :
       {"0 0 29 2 *", "0 0 31 1-4 *", "0 0 ? 2 SUN#5", "0 0 30 2 MON", "0 0 L-28 2 *"})
    EXPECT_NO_THROW((void)CronExpression::parse(text)) << text;
}

TEST(CronExpression, NamesFieldTextPlaceAndWhatIsAllowed) {
  const Error error = refusal("0 9 1-40 * *");
  EXPECT_EQ(error.code(), "CRON_EXPRESSION_INVALID");
  EXPECT_EQ(error.message(),
            "day of month '1-40' at character 5 of '0 9 1-40 * *' is not from 1 to 31");
  EXPECT_THAT(std::string(error.hint()), HasSubstr("1 to 31, L (the last)"));
}

struct Refused {
  std::string text;
  std::string message;
};

class RefusedExpression : public testing::TestWithParam<Refused> {};

TEST_P(RefusedExpression, IsExplained) {
  const Error error = refusal(GetParam().text);
  EXPECT_EQ(error.code(), "CRON_EXPRESSION_INVALID");
  EXPECT_THAT(std::string(error.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    CronExpression, RefusedExpression,
    testing::Values(
        Refused{"", "'' has 0 fields, and a schedule has five, or six with seconds in front"},
        Refused{"* * * *", "has 4 fields"}, Refused{"* * * * * * *", "has 7 fields"},
        Refused{"60 * * * *", "minute '60' at character 1 of '60 * * * *' is not from 0 to 59"},
        Refused{"0 24 * * *", "hour '24' at character 3"},
        Refused{"0 0 0 * *", "day of month '0' at character 5"},
        Refused{"0 0 * 13 *", "month '13' at character 7"},
        Refused{"0 0 * * 8", "day of week '8' at character 9 of '0 0 * * 8' is not from 0 to 7"},
        Refused{"99999999999999999999 * * * *", "is not from 0 to 59"},
        Refused{"1,,2 * * * *", "minute ',2' at character 3 of '1,,2 * * * *' is not understood"},
        Refused{"1, * * * *", "minute '1,' at character 1 of '1, * * * *' ends too early"},
        Refused{"5-1 * * * *", "minute '5-1' at character 1 of '5-1 * * * *' goes backwards"},
        Refused{"0 0 * * FRI-MON", "day of week 'FRI-MON' at character 9"},
        Refused{"*/0 * * * *", "has a step of nothing"},
        Refused{"*/90 * * * *", "has a step that leaves the field; @every may be meant"},
        Refused{"1-2-3 * * * *", "minute '-3' at character 4"},
        Refused{"*5 * * * *", "minute '5' at character 2"},
        Refused{"MON * * * *", "minute 'MON' at character 1 of 'MON * * * *' is not understood"},
        Refused{"? * * * *", "minute '?'"}, Refused{"L * * * *", "minute 'L'"},
        Refused{"0 0 ?,1 * *", "day of month '?'"},
        Refused{"0 0 * * L", "day of week 'L' at character 9"},
        Refused{"0 0 * * FRI#6", "is not from #1 to #5"},
        Refused{"0 0 L-31 * *", "is not from L-1"}, Refused{"0 0 * * JAN", "day of week 'JAN'"},
        Refused{"0 0 * MON *", "month 'MON'"},
        Refused{"0 0 * * MONDAY", "day of week 'DAY' at character 12"},
        Refused{"0 0 W * *", "day of month 'W'"}, Refused{"0 0 L-W * *", "day of month 'W'"},
        Refused{"@dayly", "'@dayly' is not a known name"}, Refused{"@reboot", "'@reboot'"},
        Refused{"@every", "is not an interval"}, Refused{"@every 99ms", "is not an interval"},
        Refused{"@every 1x", "'1x' in '@every 1x' is not an interval"},
        Refused{"@every 1h 30m", "is not an interval"},
        Refused{"@every 99999999999d", "is not an interval"},
        Refused{"@every -1s", "is not an interval"}, Refused{"@at", "is not a time"},
        Refused{"@at tomorrow", "'tomorrow' in '@at tomorrow'"},
        Refused{std::string(251, '*'), "has 251 characters"}));

}  // namespace
}  // namespace turnstile::test
