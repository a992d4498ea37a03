// Jobs that are run by one scheduler: what handlers are given, and what the history says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/cron_fixture.h"
#include "support/thrown.h"
#include "support/told.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CronRuns : public CronTest {};

TEST_F(CronRuns, BeginWhenTheyAreDueAndNotBefore) {
  Scheduler cron = scheduler();
  Told<TimePoint> told;
  cron.handle("test", [&](CronRun& run) {
    told.add(run.due());
    return CronOutcome::done();
  });
  (void)cron.add(job("a", "0 13 * * *"));
  cron.start();
  advance(cron, 1h - 1us);
  EXPECT_THAT(told.all(), IsEmpty());
  advance(cron, 1us);
  EXPECT_THAT(shown(told.all()), ElementsAre("2026-03-01T13:00:00+00:00"));
  EXPECT_EQ(shown(cron.find("a")->next_run), "2026-03-02T13:00:00+00:00");
}

// CRON-09: in the zone of the job.
TEST_F(CronRuns, AreDueByTheClockOfTheirZone) {
  clock.set(at("2026-03-28T12:00"));
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  CronJobSpec spec = job("a", "30 2 * * *");
  spec.zone = "Europe/Berlin";
  (void)cron.add(spec);
  cron.start();
  clock.set(at("2026-03-29 02:59:59+02:00"));
  settle(cron);
  EXPECT_THAT(cron.history(), IsEmpty());
  clock.set(at("2026-03-29 03:00:00+02:00"));
  settle(cron);
  EXPECT_THAT(cron.history(), SizeIs(1));
}

TEST_F(CronRuns, AreGivenTheJobAndTheRun) {
  Scheduler cron = scheduler();
  Told<std::string> told;
  cron.handle("test", [&](CronRun& run) {
    EXPECT_EQ(run.job().spec.name, "a");
    EXPECT_EQ(run.record().status, CronStatus::Running);
    EXPECT_EQ(run.record().started, clock.now());
    EXPECT_FALSE(run.stop().stop_requested());
    told.add(run.payload());
    return CronOutcome::done();
  });
  CronJobSpec spec = job("a", "@hourly");
  spec.payload = "for you";
  (void)cron.add(spec);
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(told.all(), ElementsAre("for you"));
}

// CRON-06: one success and one failure are two rows, the newest first; a limit of 1 gives that one.
TEST_F(CronRuns, LeaveAHistory) {
  Scheduler cron = scheduler();
  bool good = true;
  cron.handle("test", [&](CronRun&) {
    clock.advance(2s);
    return good ? CronOutcome::done("fine") : CronOutcome::failed("bad");
  });
  const CronJob added = cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  good = false;
  clock.set(at("2026-03-01T14:00"));
  settle(cron);

  const auto records = cron.history("a");
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].status, CronStatus::Failed);
  EXPECT_EQ(records[0].text, "bad");
  EXPECT_EQ(records[1].status, CronStatus::Done);
  EXPECT_EQ(records[1].text, "fine");
  for (const CronRecord& record : records) {
    EXPECT_EQ(record.job_id, added.id);
    EXPECT_EQ(record.job, "a");
    EXPECT_EQ(record.duration(), 2s);
    EXPECT_EQ(record.fence, 1);
    EXPECT_THAT(record.owner, HasSubstr("@"));
  }
  EXPECT_THAT(cron.history(1), ElementsAre(testing::Field(&CronRecord::id, records[0].id)));
  EXPECT_EQ(cron.find("a")->last_status, CronStatus::Failed);
  EXPECT_EQ(cron.find("a")->last_run, at("2026-03-01T14:00"));
}

// CRON-07: the row is there while the run goes on.
TEST_F(CronRuns, AreInTheHistoryFromTheirStart) {
  HeldHandlers held;
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  clock.advance(1h);
  cron.wake();
  held.wait_for_begun(1);
  const auto records = cron.history("a");
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].status, CronStatus::Running);
  EXPECT_EQ(records[0].started, clock.now());
  EXPECT_EQ(records[0].finished, std::nullopt);
  held.let_go();
  settle(cron);
  EXPECT_THAT(outline(cron.history("a")), ElementsAre("13:00 done"));
}

TEST_F(CronRuns, FailWithWhatTheirHandlerThrows) {
  Scheduler cron = scheduler();
  cron.handle("test", [](CronRun&) -> CronOutcome { throw std::runtime_error("no way"); });
  cron.handle("odd", [](CronRun&) -> CronOutcome { throw 42; });
  (void)cron.add(job("a", "@hourly"));
  CronJobSpec odd = job("b", "@hourly");
  odd.kind = "odd";
  (void)cron.add(odd);
  cron.start();
  advance(cron, 1h);
  EXPECT_EQ(cron.history("a")[0].status, CronStatus::Failed);
  EXPECT_EQ(cron.history("a")[0].text, "no way");
  EXPECT_EQ(cron.history("b")[0].status, CronStatus::Failed);
}

// CRON-05: the limit of the job goes before that of the options. CRON-07: the history says so.
TEST_F(CronRuns, AreAskedToStopWhenTheirTimeIsUp) {
  HeldHandlers held;
  CronOptions short_runs = options();
  short_runs.timeout = 50ms;
  Scheduler cron(lane(), short_runs);
  cron.handle("test", held.handler());
  (void)cron.add(job("default", "@hourly"));
  CronJobSpec own = job("own", "@hourly");
  own.timeout = 20ms;
  (void)cron.add(own);
  cron.start();
  advance(cron, 1h);
  EXPECT_EQ(cron.history("default")[0].status, CronStatus::TimedOut);
  EXPECT_EQ(cron.history("default")[0].text, "did not end within 50 ms: stopped");
  EXPECT_EQ(cron.history("own")[0].status, CronStatus::TimedOut);
  EXPECT_EQ(cron.history("own")[0].text, "did not end within 20 ms: stopped");
}

// CRON-04: five at once, the others wait for a free place.
TEST_F(CronRuns, AreFiveAtOnceAtMost) {
  HeldHandlers held;
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  for (int i = 0; i < 10; ++i)
    (void)cron.add(job("job " + std::to_string(i), "@hourly"));
  cron.start();
  clock.advance(1h);
  cron.wake();
  held.wait_for_begun(5);
  held.let_go();
  settle(cron);
  EXPECT_EQ(held.peak(), 5);
  EXPECT_THAT(held.begun(), SizeIs(10));
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_run WHERE status = 'done'"), 10);
}

// CRON-13: a single time is run once and then disabled. CRON-08: its last run is still known.
TEST_F(CronRuns, OfASingleTimeDisableTheJob) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("once", "@at 2026-03-01T13:00"));
  cron.start();
  advance(cron, 1h);
  advance(cron, 24h);
  EXPECT_THAT(outline(cron.history("once")), ElementsAre("13:00 done"));
  const CronJob after = cron.find("once").value();
  EXPECT_FALSE(after.enabled);
  EXPECT_EQ(after.next_run, std::nullopt);
  EXPECT_EQ(after.last_run, at("2026-03-01T13:00"));
}

// CRON-13: a past time runs at once.
TEST_F(CronRuns, OfATimeThatIsOverBeginAtOnce) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("once", "@at 2020-01-01"));
  cron.start();
  settle(cron);
  EXPECT_THAT(outline(cron.history("once")), ElementsAre("00:00 done"));
}

TEST_F(CronRuns, OfASingleTimeAreRepeatedForANewTimeOnly) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("once", "@at 2026-03-01T13:00"));
  cron.start();
  advance(cron, 1h);
  EXPECT_FALSE(cron.add(job("once", "@at 2026-03-01T13:00")).enabled);
  cron.resume("once");
  settle(cron);
  EXPECT_THAT(cron.history("once"), SizeIs(1));
  EXPECT_TRUE(cron.add(job("once", "@at 2026-03-01T14:00")).enabled);
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history("once")), ElementsAre("13:00 done", "14:00 done"));
}

// CRON-08: what is changed while a run goes on stays so when it ends.
TEST_F(CronRuns, LeaveChangesOfTheJobAlone) {
  HeldHandlers held;
  Scheduler cron = scheduler();
  cron.handle("test", held.deaf_handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  clock.advance(1h);
  cron.wake();
  held.wait_for_begun(1);
  CronJobSpec spec = job("a", "@daily");
  spec.payload = "new";
  (void)cron.add(spec);
  cron.pause("a");
  held.let_go();
  settle(cron);
  const CronJob after = cron.find("a").value();
  EXPECT_FALSE(after.enabled);
  EXPECT_EQ(after.spec, [&] {
    spec.zone = "UTC";
    return spec;
  }());
  EXPECT_EQ(after.last_run, at("2026-03-01T13:00"));
}

// CRON-02: pause cancels a run that goes on.
TEST_F(CronRuns, AreAskedToStopWhenTheirJobIsPaused) {
  HeldHandlers held;
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  clock.advance(1h);
  cron.wake();
  held.wait_for_begun(1);
  EXPECT_TRUE(cron.pause("a"));
  settle(cron);
  EXPECT_EQ(cron.history("a")[0].status, CronStatus::Cancelled);
}

// CRON-02: remove too; nothing is left of it.
TEST_F(CronRuns, AreAskedToStopWhenTheirJobIsRemoved) {
  HeldHandlers held;
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  clock.advance(1h);
  cron.wake();
  held.wait_for_begun(1);
  EXPECT_TRUE(cron.remove("a"));
  settle(cron);
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_run"), 0);
  EXPECT_EQ(log.count("CRON_RUN_LOST"), 1U);
}

// CRON-03: a bad schedule is left out with a warning that names the job.
TEST_F(CronRuns, LeaveOutJobsWhoseScheduleIsNotUnderstood) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  for (const char* name : {"a", "b", "c", "broken"})
    (void)cron.add(job(name, "@hourly"));
  run("UPDATE cron_job SET schedule = 'x y' WHERE name = 'broken'");
  cron.start();
  advance(cron, 1h);
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_run WHERE status = 'done'"), 3);
  EXPECT_THAT(log.of("CRON_EXPRESSION_INVALID"), ElementsAre(HasSubstr("'broken'")));
}

TEST_F(CronRuns, TakeUpABrokenJobThatWasRepaired) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  run("UPDATE cron_job SET schedule = 'x y'");
  advance(cron, 1h);
  EXPECT_THAT(log.of("CRON_EXPRESSION_INVALID"), SizeIs(1));
  EXPECT_THAT(cron.history(), IsEmpty());
  (void)cron.add(job("a", "@every 1h"));
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history("a")), ElementsAre("14:00 done"));
}

// CRON-03: an unknown zone fails the start.
TEST_F(CronRuns, DoNotStartWhileTheZoneOfAJobIsUnknown) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  run("UPDATE cron_job SET zone = 'Mars/X'");
  const auto error = thrown<MisuseError>([&] { cron.start(); });
  EXPECT_EQ(error.code(), "CRON_ZONE_UNKNOWN");
  EXPECT_THAT(std::string(error.message()), HasSubstr("'a'"));
  EXPECT_FALSE(cron.wait_until_idle(1ms));
}

TEST_F(CronRuns, OfAKindWithoutAHandlerAreLeftToOthers) {
  Scheduler cron = scheduler();
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(cron.history(), IsEmpty());
  EXPECT_THAT(log.of("CRON_KIND_UNHANDLED"), ElementsAre(HasSubstr("'a'")));
  cron.handle("test", do_nothing);
  settle(cron);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 done"));
}

TEST_F(CronRuns, KeepNoMoreHistoryThanTheyAreAllowed) {
  CronOptions forgetful = options();
  forgetful.history_per_job = 3;
  Scheduler cron(lane(), forgetful);
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  for (int i = 0; i < 6; ++i)
    advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("16:00 done", "17:00 done", "18:00 done"));
}

TEST_F(CronRuns, CutLongTextsBetweenCharacters) {
  CronOptions brief = options();
  brief.text_limit = 6;
  Scheduler cron(lane(), brief);
  cron.handle("test", [](CronRun&) {
    return CronOutcome::done(
        "\xff"
        "ab\xc3\xa4\xc3\xa4");
  });
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_EQ(cron.history()[0].text,
            "\xEF\xBF\xBD"
            "ab");
}

TEST_F(CronRuns, BeginLaterByTheirJitter) {
  Scheduler cron = scheduler();
  cron.handle("test", do_nothing);
  CronJobSpec spec = job("a", "0 13 * * *");
  spec.jitter = 10min;
  (void)cron.add(spec);
  const auto start = ask<TimePoint>("SELECT next_start FROM cron_job");
  ASSERT_GT(start, at("2026-03-01T13:00"));
  ASSERT_LE(start, at("2026-03-01T13:10"));
  cron.start();
  clock.set(start - 1us);
  settle(cron);
  EXPECT_THAT(cron.history(), IsEmpty());
  clock.set(start);
  settle(cron);
  const auto record = cron.history().at(0);
  EXPECT_EQ(record.due, at("2026-03-01T13:00"));
  EXPECT_EQ(record.started, start);
}

// CRON-14: who delivers results may fail as he likes.
TEST_F(CronRuns, AreToldOfAndNotHarmedByWhoIsTold) {
  Told<std::string> told;
  CronOptions telling = options();
  telling.on_run = [&](const CronRecord& record) {
    told.add(record.job + " " + std::string(to_string(record.status)));
    throw std::runtime_error("the mail server is down");
  };
  Scheduler cron(lane(), telling);
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(told.all(), ElementsAre("a running", "a done"));
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 done"));
  EXPECT_EQ(log.count("CRON_CALLBACK_FAILED"), 2U);
}

TEST_F(CronRuns, AreNotHarmedByALogSinkThatThrows) {
  CronOptions throwing = options();
  throwing.on_run = [](const CronRecord&) { throw std::runtime_error("the mail server is down"); };
  throwing.log_sink = [](const LogEvent&) { throw std::runtime_error("the disk is full"); };
  Scheduler cron(lane(), throwing);
  cron.handle("test", do_nothing);
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 done"));
}

class SqlJobs : public CronTest {
 protected:
  SqlJobs() { run("CREATE TABLE note(text TEXT CHECK (text <> 'bad'))"); }

  CronJobSpec sql_job(std::string payload) {
    CronJobSpec spec = job("sql", "@hourly");
    spec.kind = "sql";
    spec.payload = std::move(payload);
    return spec;
  }
};

TEST_F(SqlJobs, RunTheirPayloadInOneTransaction) {
  Scheduler cron = scheduler();
  (void)cron.add(sql_job("INSERT INTO note VALUES ('one'); INSERT INTO note VALUES ('two')"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 done"));
  EXPECT_EQ(ask<std::string>("SELECT group_concat(text) FROM note"), "one,two");
}

TEST_F(SqlJobs, UndoAPayloadThatFails) {
  Scheduler cron = scheduler();
  (void)cron.add(sql_job("INSERT INTO note VALUES ('one'); INSERT INTO note VALUES ('bad')"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 failed"));
  EXPECT_THAT(cron.history()[0].text, HasSubstr("CHECK constraint failed"));
  EXPECT_EQ(ask<int>("SELECT count(*) FROM note"), 0);
}

TEST_F(SqlJobs, AreInterruptedWhenTheirTimeIsUp) {
  Scheduler cron = scheduler();
  CronJobSpec spec = sql_job(
      "INSERT INTO note VALUES ('one');"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "INSERT INTO note SELECT i FROM n WHERE i < 0");
  spec.timeout = 50ms;
  (void)cron.add(spec);
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 timed_out"));
  EXPECT_EQ(ask<int>("SELECT count(*) FROM note"), 0);
}

// The record and the effect are in the file together: whatever comes after it, it counts.
TEST_F(SqlJobs, AreDoneWithTheirOwnCommit) {
  Scheduler cron = scheduler();
  cron.handle("test", [this](CronRun& run) {
    lane().write([&](WriteTx& tx) {
      tx.execute("INSERT INTO note VALUES ('done')");
      run.complete(tx, "in the transaction");
    });
    return CronOutcome::failed("too late to count");
  });
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 done"));
  EXPECT_EQ(cron.history()[0].text, "in the transaction");
}

TEST_F(SqlJobs, AreNotDoneWhenTheirJobWasPausedMeanwhile) {
  Scheduler cron = scheduler();
  Told<std::string> codes;
  cron.handle("test", [&](CronRun& run) {
    cron.pause("a");
    codes.add(std::string(thrown<Cancelled>([&] {
                            lane().write([&](WriteTx& tx) {
                              tx.execute("INSERT INTO note VALUES ('done')");
                              run.complete(tx);
                            });
                          }).code()));
    return CronOutcome::done();
  });
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  EXPECT_THAT(codes.all(), ElementsAre("CRON_RUN_LOST"));
  EXPECT_EQ(ask<int>("SELECT count(*) FROM note"), 0);
}

}  // namespace
}  // namespace turnstile::test
