// Jobs in the file: what is kept of them, and how they are changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/cron_fixture.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CronJobs : public CronTest {
 protected:
  static CronJobSpec with_everything() {
    return {.name = "all",
            .schedule = "30 9 * * MON-FRI",
            .kind = "test",
            .payload = R"({"to": "ada"})",
            .zone = "Europe/Berlin",
            .timeout = 90s,
            .missed = MissedRuns::All,
            .missed_limit = 7,
            .overlap = Overlap::Queue,
            .jitter = 5s};
  }
};

// CRON-01: every field is there again after the file was closed.
TEST_F(CronJobs, KeepEveryField) {
  CronJob added;
  {
    Scheduler cron = scheduler();
    added = cron.add(with_everything());
  }
  reopen();
  Scheduler cron = scheduler();
  const CronJob read = cron.find("all").value();
  EXPECT_EQ(read.spec, with_everything());
  EXPECT_EQ(read.id, added.id);
  EXPECT_TRUE(read.enabled);
  EXPECT_EQ(shown(read.next_run), "2026-03-02T08:30:00+00:00");
  EXPECT_EQ(read.last_run, std::nullopt);
  EXPECT_EQ(read.last_status, std::nullopt);
  EXPECT_EQ(read.created, clock.now());
  EXPECT_EQ(read.updated, clock.now());
}

// CRON-01: a second job of a name is a change of the first. CRON-02: it keeps id and created.
TEST_F(CronJobs, AreChangedByAddingThemAgain) {
  Scheduler cron = scheduler();
  const CronJob first = cron.add(job("a", "@hourly"));
  clock.advance(1min);
  CronJobSpec spec = job("a", "@hourly");
  spec.payload = "new";
  const CronJob second = cron.add(spec);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.created, first.created);
  EXPECT_EQ(second.updated, clock.now());
  EXPECT_EQ(second.spec.payload, "new");
  EXPECT_THAT(cron.list(), testing::SizeIs(1));
}

TEST_F(CronJobs, AreNotTouchedWhenNothingIsNew) {
  Scheduler cron = scheduler();
  const CronJob first = cron.add(job("a", "@hourly"));
  clock.advance(1min);
  EXPECT_EQ(cron.add(job("a", "@hourly")).updated, first.updated);
}

// CRON-10: a program that adds its jobs at each start does not begin an interval anew.
TEST_F(CronJobs, KeepTheirNextRunUnlessTheScheduleIsAnother) {
  Scheduler cron = scheduler();
  (void)cron.add(job("a", "@every 1h"));
  clock.advance(10min);
  CronJobSpec spec = job("a", "@every 1h");
  spec.payload = "new";
  EXPECT_EQ(shown(cron.add(spec).next_run), "2026-03-01T13:00:00+00:00");
  spec.schedule = "@every 30m";
  EXPECT_EQ(shown(cron.add(spec).next_run), "2026-03-01T12:40:00+00:00");
}

TEST_F(CronJobs, GetANewNextRunWithANewZone) {
  Scheduler cron = scheduler();
  CronJobSpec spec = job("a", "0 9 * * *");
  EXPECT_EQ(shown(cron.add(spec).next_run), "2026-03-02T09:00:00+00:00");
  spec.zone = "America/New_York";
  EXPECT_EQ(shown(cron.add(spec).next_run), "2026-03-01T14:00:00+00:00");
}

// CRON-08: being added again does not end a pause.
TEST_F(CronJobs, StayPausedWhenTheyAreChanged) {
  Scheduler cron = scheduler();
  (void)cron.add(job("a", "@hourly"));
  EXPECT_TRUE(cron.pause("a"));
  EXPECT_FALSE(cron.add(job("a", "@daily")).enabled);
}

// CRON-02: list, list of the enabled ones, get by id and by name.
TEST_F(CronJobs, AreListedByName) {
  Scheduler cron = scheduler();
  const CronJob b = cron.add(job("b", "@hourly"));
  (void)cron.add(job("a", "@hourly"));
  cron.pause("a");
  const auto names = [](const std::vector<CronJob>& jobs) {
    std::vector<std::string> result;
    for (const CronJob& each : jobs)
      result.push_back(each.spec.name);
    return result;
  };
  EXPECT_THAT(names(cron.list()), ElementsAre("a", "b"));
  EXPECT_THAT(names(cron.list_enabled()), ElementsAre("b"));
  EXPECT_EQ(cron.find(b.id).value().spec.name, "b");
  EXPECT_EQ(cron.find("none"), std::nullopt);
  EXPECT_EQ(cron.find(4711), std::nullopt);
}

// CRON-02: pause and resume; what was due during the pause was not missed.
TEST_F(CronJobs, GoOnFromNowAfterAPause) {
  Scheduler cron = scheduler();
  CronJobSpec spec = job("a", "@hourly");
  spec.missed = MissedRuns::All;
  (void)cron.add(spec);
  EXPECT_TRUE(cron.pause("a"));
  EXPECT_FALSE(cron.find("a")->enabled);
  EXPECT_THAT(cron.next_runs("a", 3), IsEmpty());
  clock.advance(150min);
  EXPECT_TRUE(cron.resume("a"));
  EXPECT_EQ(shown(cron.find("a")->next_run), "2026-03-01T15:00:00+00:00");
}

TEST_F(CronJobs, AreNotChangedByAResumeWithoutAPause) {
  Scheduler cron = scheduler();
  const CronJob before = cron.add(job("a", "@every 1h"));
  clock.advance(10min);
  EXPECT_TRUE(cron.resume("a"));
  EXPECT_EQ(cron.find("a")->next_run, before.next_run);
}

// CRON-02: remove takes the history along.
TEST_F(CronJobs, AreRemovedWithTheirHistory) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(cron.history(), testing::SizeIs(1));
  EXPECT_TRUE(cron.remove("a"));
  EXPECT_EQ(cron.find("a"), std::nullopt);
  EXPECT_THAT(cron.history(), IsEmpty());
}

TEST_F(CronJobs, SayWhenThereIsNoneOfThatName) {
  Scheduler cron = scheduler();
  EXPECT_FALSE(cron.pause("none"));
  EXPECT_FALSE(cron.resume("none"));
  EXPECT_FALSE(cron.remove("none"));
  EXPECT_THAT(cron.next_runs("none", 3), IsEmpty());
}

TEST_F(CronJobs, TellTheirNextRuns) {
  Scheduler cron = scheduler();
  CronJobSpec spec = job("a", "30 2 * * *");
  spec.zone = "Europe/Berlin";
  (void)cron.add(spec);
  EXPECT_THAT(shown(cron.next_runs("a", 2), "Europe/Berlin"),
              ElementsAre("2026-03-02T02:30:00+01:00", "2026-03-03T02:30:00+01:00"));
  EXPECT_THAT(cron.next_runs("a", 0), IsEmpty());
}

TEST_F(CronJobs, CanBeAddedInTheCallersTransaction) {
  Scheduler cron = scheduler();
  EXPECT_THROW(lane().write([&](WriteTx& tx) {
    (void)cron.add(tx, job("a", "@hourly"));
    throw std::runtime_error("undone");
  }),
               std::runtime_error);
  EXPECT_EQ(cron.find("a"), std::nullopt);
  lane().write([&](WriteTx& tx) { (void)cron.add(tx, job("a", "@hourly")); });
  EXPECT_TRUE(cron.find("a").has_value());
}

TEST_F(CronJobs, TakeTheZoneOfTheOptions) {
  CronOptions in_tokyo = options();
  in_tokyo.zone = "Asia/Tokyo";
  Scheduler cron(lane(), in_tokyo);
  EXPECT_EQ(shown(cron.add(job("a", "0 9 * * *")).next_run), "2026-03-02T00:00:00+00:00");
}

TEST_F(CronJobs, AreRefusedWithSettingsThatTheyCannotHave) {
  Scheduler cron = scheduler();
  const auto refusal = [&](auto change) {
    CronJobSpec spec = job("a", "@hourly");
    change(spec);
    return std::string(thrown<MisuseError>([&] { (void)cron.add(spec); }).code());
  };
  EXPECT_EQ(refusal([](auto& spec) { spec.name = ""; }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.name = std::string(256, 'x'); }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.name = "\xff"; }), "PARAMETER_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.kind = ""; }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.timeout = 0ms; }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.jitter = -1ms; }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.missed_limit = 0; }), "CRON_JOB_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.schedule = "x y"; }), "CRON_EXPRESSION_INVALID");
  EXPECT_EQ(refusal([](auto& spec) { spec.schedule = "0 0 30 2 *"; }), "CRON_NEVER_DUE");
  EXPECT_EQ(refusal([](auto& spec) { spec.zone = "Mars/X"; }), "CRON_ZONE_UNKNOWN");
  EXPECT_THAT(cron.list(), IsEmpty());
}

TEST_F(CronJobs, AreRefusedWithOptionsThatASchedulerCannotHave) {
  const auto refusal = [&](auto change) {
    CronOptions bad = options();
    change(bad);
    return std::string(thrown<MisuseError>([&] { Scheduler cron(lane(), bad); }).code());
  };
  EXPECT_EQ(refusal([](auto& o) { o.zone = "Mars/X"; }), "CRON_ZONE_UNKNOWN");
  EXPECT_EQ(refusal([](auto& o) { o.max_running = 0; }), "OPTION_INVALID");
  EXPECT_EQ(refusal([](auto& o) { o.timeout = 0ms; }), "OPTION_INVALID");
  EXPECT_EQ(refusal([](auto& o) { o.lease = 10ms; }), "OPTION_INVALID");
  EXPECT_EQ(refusal([](auto& o) { o.grace = -1ms; }), "OPTION_INVALID");
  EXPECT_EQ(refusal([](auto& o) { o.history_per_job = 0; }), "OPTION_INVALID");
  EXPECT_EQ(refusal([](auto& o) { o.now = nullptr; }), "OPTION_INVALID");
}

TEST_F(CronJobs, HaveOneHandlerForEachKind) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  EXPECT_EQ(thrown<MisuseError>([&] { cron.handle("test", do_nothing); }).code(),
            "CRON_HANDLER_EXISTS");
  EXPECT_EQ(thrown<MisuseError>([&] { cron.handle("sql", do_nothing); }).code(),
            "CRON_HANDLER_EXISTS");
  EXPECT_EQ(thrown<MisuseError>([&] { cron.handle("", do_nothing); }).code(), "CRON_JOB_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] { cron.handle("other", nullptr); }).code(), "CRON_JOB_INVALID");
}

// The second scheduler of a file finds the tables and writes nothing.
TEST_F(CronJobs, HaveTheirTablesFromTheFirstScheduler) {
  { const Scheduler cron = scheduler(); }
  const auto writes = [&] { return ask<std::int64_t>("SELECT count(*) FROM turnstile_migration"); };
  const std::int64_t before = writes();
  { const Scheduler cron = scheduler(); }
  EXPECT_EQ(writes(), before);
  EXPECT_EQ(ask<std::string>("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE "
                             "type = 'table' AND name LIKE 'cron%' ORDER BY name)"),
            "cron_job,cron_run");
}

// People look with SQL.
TEST_F(CronJobs, AreReadableWithSql) {
  Scheduler cron = scheduler();
  (void)cron.add(with_everything());
  EXPECT_EQ(
      ask<std::string>("SELECT missed || ' ' || overlap || ' ' || datetime(next_run / 1000000, "
                       "'unixepoch') FROM cron_job"),
      "all queue 2026-03-02 08:30:00");
}

}  // namespace
}  // namespace turnstile::test
