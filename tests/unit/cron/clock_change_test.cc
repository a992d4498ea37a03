// Due times where clocks are changed: the rules that cron_expression.h states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/zoned.h"
#include "turnstile/cron_expression.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;

constexpr auto kBerlin = "Europe/Berlin";          // 02:00 -> 03:00; 03:00 -> 02:00
constexpr auto kNewYork = "America/New_York";      // 02:00 -> 03:00; 02:00 -> 01:00
constexpr auto kLordHowe = "Australia/Lord_Howe";  // 02:00 -> 02:30; 02:00 -> 01:30

// CRON-09: 02:30 on a day without it is due once, right after the gap.
TEST(ClockChange, MakesATimeInTheGapDueRightAfterIt) {
  EXPECT_THAT(due("30 2 * * *", "2026-03-28", 3, kBerlin),
              ElementsAre("2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00",
                          "2026-03-30T02:30:00+02:00"));
  EXPECT_THAT(due("30 2 * * *", "2026-03-08", 2, kNewYork),
              ElementsAre("2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"));
  EXPECT_THAT(due("15 2 * * *", "2026-10-04", 2, kLordHowe),
              ElementsAre("2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"));
}

TEST(ClockChange, MakesSeveralTimesInTheGapDueOnce) {
  EXPECT_THAT(due("*/20 2 * * *", "2026-03-29", 2, kBerlin),
              ElementsAre("2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"));
}

TEST(ClockChange, MakesATimeInTheGapAndOneAtItsEndDueOnce) {
  EXPECT_THAT(due("0 2,3 * * *", "2026-03-29", 2, kBerlin),
              ElementsAre("2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"));
}

// CRON-09: a repeated hour is due once, the first time.
TEST(ClockChange, MakesARepeatedTimeDueTheFirstTime) {
  EXPECT_THAT(due("30 2 * * *", "2026-10-25", 2, kBerlin),
              ElementsAre("2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"));
  EXPECT_THAT(due("30 1 * * *", "2026-11-01", 2, kNewYork),
              ElementsAre("2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"));
  EXPECT_THAT(due("45 1 * * *", "2026-04-05", 2, kLordHowe),
              ElementsAre("2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"));
}

TEST(ClockChange, DoesNotRepeatATimeWhenAskedInTheRepeatedHour) {
  const auto expression = CronExpression::parse("30 2 * * *");
  const TimeZone berlin = TimeZone::find(kBerlin);
  EXPECT_EQ(shown(expression.next_after(at("2026-10-25T01:10:00Z"), berlin), kBerlin),
            "2026-10-26T02:30:00+01:00");
  EXPECT_EQ(shown(expression.previous(at("2026-10-25T01:40:00Z"), berlin), kBerlin),
            "2026-10-25T02:30:00+02:00");
}

TEST(ClockChange, LetsSchedulesOfEveryHourGoOn) {
  EXPECT_THAT(due("*/30 * * * *", "2026-03-29 01:00", 3, kBerlin),
              ElementsAre("2026-03-29T01:30:00+01:00", "2026-03-29T03:00:00+02:00",
                          "2026-03-29T03:30:00+02:00"));
  EXPECT_THAT(due("@hourly", "2026-10-25 01:00", 4, kBerlin),
              ElementsAre("2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00",
                          "2026-10-25T03:00:00+01:00", "2026-10-25T04:00:00+01:00"));
  EXPECT_THAT(due("*/15 * * * *", "2026-04-05 01:30", 4, kLordHowe),
              ElementsAre("2026-04-05T01:45:00+11:00", "2026-04-05T01:30:00+10:30",
                          "2026-04-05T01:45:00+10:30", "2026-04-05T02:00:00+10:30"));
}

TEST(ClockChange, LeavesAMinuteInTheGapOutOfSchedulesOfEveryHour) {
  EXPECT_THAT(due("30 * * * *", "2026-03-29 01:00", 2, kBerlin),
              ElementsAre("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"));
  EXPECT_THAT(due("0 * * * *", "2026-10-04 01:00", 2, kLordHowe),
              ElementsAre("2026-10-04T03:00:00+11:00", "2026-10-04T04:00:00+11:00"));
}

TEST(ClockChange, DoesNotConcernIntervals) {
  EXPECT_THAT(due("@every 24h", "2026-03-28T12:00", 2, kBerlin),
              ElementsAre("2026-03-29T01:00:00+01:00", "2026-03-30T02:00:00+02:00"));
}

TEST(ClockChange, DoesNotConcernZonesWithoutSummerTime) {
  EXPECT_THAT(due("30 2 * * *", "2026-03-29", 2, "Asia/Kolkata"),
              ElementsAre("2026-03-29T02:30:00+05:30", "2026-03-30T02:30:00+05:30"));
}

TEST(ClockChange, IsKnownFarInTheFuture) {
  EXPECT_THAT(due("30 2 * * *", "2150-03-29", 1, kBerlin),
              ElementsAre("2150-03-29T03:00:00+02:00"));
}

// Samoa left out 30 December 2011.
TEST(ClockChange, MayBeAWholeDay) {
  EXPECT_THAT(due("0 12 * * *", "2011-12-29", 3, "Pacific/Apia"),
              ElementsAre("2011-12-29T12:00:00-10:00", "2011-12-31T00:00:00+14:00",
                          "2011-12-31T12:00:00+14:00"));
}

// Brazil changed its clocks at midnight.
TEST(ClockChange, MayBeAtMidnight) {
  EXPECT_THAT(due("@daily", "2018-11-03", 2, "America/Sao_Paulo"),
              ElementsAre("2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"));
  EXPECT_THAT(due("30 23 * * *", "2018-02-17", 2, "America/Sao_Paulo"),
              ElementsAre("2018-02-17T23:30:00-02:00", "2018-02-18T23:30:00-03:00"));
}

}  // namespace
}  // namespace turnstile::test
