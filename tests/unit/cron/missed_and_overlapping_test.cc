// Due times that could not be run when they were due: nobody was there, or an earlier run was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/cron_fixture.h"
#include "support/told.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class MissedRunsOfAJob : public CronTest {
 protected:
  // Adds a job of every hour at noon, comes back at 17:30 and tells the history.
  std::vector<std::string> after_downtime(MissedRuns missed, int limit = 100) {
    CronJobSpec spec = job("a", "@hourly");
    spec.missed = missed;
    spec.missed_limit = limit;
    {
      Scheduler cron = scheduler();
      (void)cron.add(spec);
    }
    reopen();
    clock.set(at("2026-03-01T17:30"));
    HeldHandlers held;
    Scheduler cron = scheduler();
    cron.handle("test", held.handler());
    held.let_go();
    cron.start();
    settle(cron);
    begun_ = held.begun();
    EXPECT_EQ(shown(cron.find("a")->next_run), "2026-03-01T18:00:00+00:00");
    skipped_ = cron.find("a")->skipped;
    EXPECT_LE(held.peak(), 1);
    return outline(cron.history());
  }

  std::vector<TimePoint> begun_;
  std::int64_t skipped_ = 0;
};

// CRON-10: skip, once, all, and all with a limit give exactly the stated runs, the oldest first.
TEST_F(MissedRunsOfAJob, AreSkipped) {
  EXPECT_THAT(after_downtime(MissedRuns::Skip), ElementsAre("17:00 skipped x5"));
  EXPECT_THAT(begun_, IsEmpty());
  EXPECT_EQ(skipped_, 5);
}
TEST_F(MissedRunsOfAJob, AreRunOnce) {
  EXPECT_THAT(after_downtime(MissedRuns::Once), ElementsAre("17:00 done x5"));
  EXPECT_THAT(begun_, SizeIs(1));
}
TEST_F(MissedRunsOfAJob, AreAllRun) {
  EXPECT_THAT(after_downtime(MissedRuns::All),
              ElementsAre("13:00 done", "14:00 done", "15:00 done", "16:00 done", "17:00 done"));
  EXPECT_TRUE(std::is_sorted(begun_.begin(), begun_.end()));
}
TEST_F(MissedRunsOfAJob, AreRunUpToALimit) {
  EXPECT_THAT(after_downtime(MissedRuns::All, 2),
              ElementsAre("15:00 skipped x3", "16:00 done", "17:00 done"));
  EXPECT_THAT(shown(begun_), ElementsAre("2026-03-01T16:00:00+00:00", "2026-03-01T17:00:00+00:00"));
}

// CRON-10: a job of every 24 hours runs although its program is started anew every 10.
TEST_F(MissedRunsOfAJob, DoNotComeFromRestarts) {
  for (int start = 0; start < 5; ++start) {
    Scheduler cron = scheduler();
    cron.handle("test", do_nothing);
    (void)cron.add(job("a", "@every 24h"));
    cron.start();
    for (int hour = 0; hour < 10; ++hour)
      advance(cron, 1h);
    (void)cron.stop(patience());
    reopen();
  }
  EXPECT_THAT(outline(scheduler().history()), ElementsAre("12:00 done", "12:00 done"));
  EXPECT_EQ(ask<int>("SELECT count(DISTINCT due) FROM cron_run"), 2);
}

class OverlappingRuns : public CronTest {
 protected:
  OverlappingRuns() { cron_.handle("test", held_.handler()); }

  void start(CronJobSpec spec) {
    (void)cron_.add(spec);
    cron_.start();
    clock.advance(1h);
    cron_.wake();
    held_.wait_for_begun(1);
  }
  // An hour passes while the first run still goes on, and the scheduler has seen it.
  void pass_an_hour(int seen_by_then) {
    clock.advance(1h);
    cron_.wake();
    ASSERT_TRUE(wait_for_rows(seen_by_then));
  }
  bool wait_for_rows(int count) {
    Told<int> told;
    const Observation rows =
        lane().observe_query<int>("SELECT count(*) FROM cron_run",
                                  [&](const std::vector<int>& counts) { told.add(counts.at(0)); });
    told.wait_until([count](const auto& all) { return !all.empty() && all.back() >= count; });
    return true;
  }

  HeldHandlers held_;
  Scheduler cron_{lane(), options()};
};

// CRON-11: one at once, and those that were left out are counted.
TEST_F(OverlappingRuns, AreSkippedAndCounted) {
  start(job("a", "@hourly"));
  pass_an_hour(2);
  pass_an_hour(3);
  held_.let_go();
  settle(cron_);
  EXPECT_THAT(outline(cron_.history()),
              ElementsAre("13:00 done", "14:00 skipped", "15:00 skipped"));
  EXPECT_EQ(cron_.find("a")->skipped, 2);
  EXPECT_EQ(held_.peak(), 1);
}

TEST_F(OverlappingRuns, RunBesideEachOtherWhereThatIsAllowed) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Allow;
  start(spec);
  clock.advance(1h);
  cron_.wake();
  held_.wait_for_begun(2);
  held_.let_go();
  settle(cron_);
  EXPECT_THAT(outline(cron_.history()), ElementsAre("13:00 done", "14:00 done"));
  EXPECT_EQ(held_.peak(), 2);
}

TEST_F(OverlappingRuns, WaitOneAtATime) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Queue;
  start(spec);
  pass_an_hour(2);
  pass_an_hour(3);
  held_.let_go();
  settle(cron_);
  EXPECT_THAT(outline(cron_.history()), ElementsAre("13:00 done", "14:00 done", "15:00 skipped"));
  EXPECT_EQ(held_.peak(), 1);
}

TEST_F(OverlappingRuns, AllWaitWhereNoneMayBeMissed) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Queue;
  spec.missed = MissedRuns::All;
  start(spec);
  pass_an_hour(2);
  pass_an_hour(3);
  held_.let_go();
  settle(cron_);
  EXPECT_THAT(outline(cron_.history()), ElementsAre("13:00 done", "14:00 done", "15:00 done"));
  EXPECT_EQ(held_.peak(), 1);
}

TEST_F(OverlappingRuns, ThatWaitAreCancelledWithTheirJob) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Queue;
  start(spec);
  pass_an_hour(2);
  cron_.pause("a");
  settle(cron_);
  EXPECT_THAT(outline(cron_.history()), ElementsAre("13:00 cancelled", "14:00 cancelled"));
  EXPECT_THAT(held_.begun(), SizeIs(1));
}

// Where the missed ones may run beside each other, they do, as far as there are places.
TEST_F(OverlappingRuns, OfABacklogUseTheFreePlaces) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Allow;
  spec.missed = MissedRuns::All;
  (void)cron_.add(spec);
  clock.advance(7h);
  cron_.start();
  held_.wait_for_begun(5);
  held_.let_go();
  settle(cron_);
  EXPECT_EQ(held_.peak(), 5);
  EXPECT_THAT(held_.begun(), SizeIs(7));
}

}  // namespace
}  // namespace turnstile::test
