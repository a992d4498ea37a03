// Which due times are run after some were missed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cron/job/due.h"
#include "support/zoned.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// A job of every minute whose next run was to be at 12:01.
cron::DueTimes look_at(std::string_view time, MissedRuns missed, int limit = 100) {
  CronJobSpec spec;
  spec.schedule = "* * * * *";
  spec.zone = "UTC";
  spec.missed = missed;
  spec.missed_limit = limit;
  return cron::due_times(cron::Schedule::of(spec, {}), spec, at("2026-03-01T12:01"),
                         at("2026-03-01T" + std::string(time)), 30s);
}
std::vector<std::string> runs(const cron::DueTimes& due) {
  std::vector<std::string> times;
  for (const std::string& text : shown(due.runs))
    times.push_back(text.substr(11, 5));
  return times;
}

TEST(DueTimes, AreRunWhenTheyAreOnTime) {
  for (const MissedRuns missed : {MissedRuns::Skip, MissedRuns::Once, MissedRuns::All}) {
    const auto due = look_at("12:01:30", missed);
    EXPECT_THAT(runs(due), ElementsAre("12:01"));
    EXPECT_EQ(due.last_stands_for, 1);
    EXPECT_EQ(due.skipped_count, 0);
    EXPECT_EQ(shown(due.next), "2026-03-01T12:02:00+00:00");
  }
}

TEST(DueTimes, AreSkippedWhenTheyWereMissed) {
  const auto due = look_at("12:05:40", MissedRuns::Skip);
  EXPECT_THAT(runs(due), IsEmpty());
  EXPECT_EQ(shown(due.skipped), "2026-03-01T12:05:00+00:00");
  EXPECT_EQ(due.skipped_count, 5);
  EXPECT_EQ(shown(due.next), "2026-03-01T12:06:00+00:00");
}

TEST(DueTimes, AreSkippedButForOneThatIsOnTime) {
  const auto due = look_at("12:05:10", MissedRuns::Skip);
  EXPECT_THAT(runs(due), ElementsAre("12:05"));
  EXPECT_EQ(shown(due.skipped), "2026-03-01T12:04:00+00:00");
  EXPECT_EQ(due.skipped_count, 4);
}

TEST(DueTimes, AreRunOnceForAll) {
  const auto due = look_at("12:05:40", MissedRuns::Once);
  EXPECT_THAT(runs(due), ElementsAre("12:05"));
  EXPECT_EQ(due.last_stands_for, 5);
  EXPECT_EQ(due.skipped, std::nullopt);
}

TEST(DueTimes, AreAllRunTheOldestFirst) {
  const auto due = look_at("12:05:40", MissedRuns::All);
  EXPECT_THAT(runs(due), ElementsAre("12:01", "12:02", "12:03", "12:04", "12:05"));
  EXPECT_EQ(due.skipped, std::nullopt);
}

TEST(DueTimes, AreAllRunUpToALimitOfTheLatest) {
  const auto due = look_at("12:05:40", MissedRuns::All, 3);
  EXPECT_THAT(runs(due), ElementsAre("12:03", "12:04", "12:05"));
  EXPECT_EQ(shown(due.skipped), "2026-03-01T12:02:00+00:00");
  EXPECT_EQ(due.skipped_count, 2);
}

// One that is on time was not missed.
TEST(DueTimes, DoNotCountOneThatIsOnTimeAgainstTheLimit) {
  EXPECT_THAT(runs(look_at("12:05:10", MissedRuns::All, 3)),
              ElementsAre("12:02", "12:03", "12:04", "12:05"));
}

TEST(DueTimes, AreCountedUpToAThousand) {
  CronJobSpec spec;
  spec.schedule = "* * * * * *";
  spec.zone = "UTC";
  const auto due = cron::due_times(cron::Schedule::of(spec, {}), spec, at("2020-01-01"),
                                   at("2026-01-01T00:00:00.5"), 0s);
  EXPECT_EQ(due.skipped_count, 1000);
}

TEST(DueTimes, OfASingleTimeAreRunHoweverLate) {
  CronJobSpec spec;
  spec.schedule = "@at 2026-03-01T12:00";
  spec.zone = "UTC";
  const auto due = cron::due_times(cron::Schedule::of(spec, {}), spec, at("2026-03-01T12:00"),
                                   at("2027-01-01"), 0s);
  EXPECT_THAT(runs(due), ElementsAre("12:00"));
  EXPECT_EQ(due.next, std::nullopt);
}

// The zone's rules may have changed since the file was told the next run.
TEST(DueTimes, BeginWithTheOneThatTheFileNames) {
  CronJobSpec spec;
  spec.schedule = "0 * * * *";
  spec.zone = "UTC";
  spec.missed = MissedRuns::All;
  const auto due = cron::due_times(cron::Schedule::of(spec, {}), spec, at("2026-03-01T12:30"),
                                   at("2026-03-01T14:10"), 0s);
  EXPECT_THAT(runs(due), ElementsAre("12:30", "13:00", "14:00"));
}

TEST(Jitter, IsTheSameForEverybodyAndDiffersFromRunToRun) {
  CronJobSpec spec;
  spec.name = "job";
  spec.jitter = 10s;
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) {
    const TimePoint due = at("2026-03-01") + std::chrono::minutes(i);
    const auto jitter = cron::jitter_of(spec, due);
    EXPECT_EQ(jitter, cron::jitter_of(spec, due));
    EXPECT_GE(jitter, 0s);
    EXPECT_LE(jitter, 10s);
    seen.insert(jitter / 1s);
  }
  EXPECT_GE(seen.size(), 10U) << "they are spread over all of it";
}

}  // namespace
}  // namespace turnstile::test
