// Schedulers that get in each other's way, at the moments at which that could do harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "support/cron_fixture.h"
#include "support/interleaving.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SeveralSchedulers : public CronTest {
 protected:
  static constexpr auto kBeforeVisit = "CronEngine::work:visits";
  static constexpr auto kAfterVisit = "CronEngine::work:visited";

  // How often each due time was claimed, when it is not once. What proves that claims are unique.
  std::vector<std::string> claimed_twice(const std::string& table) {
    return lane().read([&](ReadTx& tx) {
      return tx
          .query<std::string>("SELECT job || '@' || due || ' x' || count(*) FROM " + table +
                              " GROUP BY job, due HAVING count(*) > 1")
          .all();
    });
  }

  HeldHandlers held;
};

// CRON-12: two that have both seen that a job is due; one of them runs it.
TEST_F(SeveralSchedulers, ClaimADueTimeOnce) {
  Scheduler first = scheduler();
  Scheduler second = scheduler();
  first.handle("test", held.handler());
  second.handle("test", held.handler());
  (void)first.add(job("a", "@hourly"));
  first.start();
  second.start();
  settle(first);
  settle(second);
  {
    AtPoint visits(kBeforeVisit, 2);
    clock.advance(1h);
    first.wake();
    second.wake();
    visits.wait_until_reached(2);
  }
  held.let_go();
  settle(first);
  settle(second);
  EXPECT_THAT(held.begun(), SizeIs(1));
  EXPECT_THAT(outline(first.history()), ElementsAre("13:00 done"));
  EXPECT_THAT(claimed_twice("cron_run"), IsEmpty());
}

// The same with claims that look first and write later, in two transactions, as they must not be:
// the detector finds the due time that was claimed twice.
TEST_F(SeveralSchedulers, WouldClaimADueTimeTwiceWithoutTheTransaction) {
  Scheduler cron = scheduler();
  (void)cron.add(job("a", "@hourly"));
  run("CREATE TABLE careless_run AS SELECT job, due FROM cron_run WHERE 0");
  clock.advance(1h);
  const auto look = [&] {
    return lane().read([&](ReadTx& tx) {
      return tx
          .query<std::int64_t, TimePoint>("SELECT id, next_run FROM cron_job WHERE next_start <= ?",
                                          clock.now())
          .first();
    });
  };
  const auto claim = [&](std::optional<std::tuple<std::int64_t, TimePoint>> found) {
    if (!found) return;
    const auto [id, due] = *found;
    lane().write([&, id = id, due = due](WriteTx& tx) {
      tx.execute("INSERT INTO careless_run VALUES (?, ?)", id, due);
      tx.execute("UPDATE cron_job SET next_start = NULL WHERE id = ?", id);
    });
  };
  const auto first = look();
  const auto second = look();
  claim(first);
  claim(second);
  EXPECT_THAT(claimed_twice("careless_run"), SizeIs(1));
}

// The second line of defence: the clock was set back, or next_run was changed by hand.
TEST_F(SeveralSchedulers, NeverClaimADueTimeAgain) {
  Scheduler cron = scheduler();
  held.let_go();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  advance(cron, 1h);
  run("UPDATE cron_job SET next_run = next_run - 3600000000, next_start = next_start - 3600000000");
  settle(cron);
  EXPECT_THAT(held.begun(), SizeIs(1));
  EXPECT_EQ(shown(cron.find("a")->next_run), "2026-03-01T14:00:00+00:00");
}

TEST_F(SeveralSchedulers, ShareWhatIsDue) {
  CronOptions one = options();
  one.max_running = 1;
  Scheduler first(lane(), one);
  Scheduler second(lane(), one);
  for (Scheduler* cron : {&first, &second}) {
    cron->handle("test", held.handler());
    cron->start();
  }
  for (const char* name : {"a", "b", "c"})
    (void)first.add(job(name, "@hourly"));
  clock.advance(1h);
  first.wake();
  second.wake();
  held.wait_for_begun(2);
  EXPECT_EQ(held.peak(), 2);
  held.let_go();
  settle(first);
  settle(second);
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_run WHERE status = 'done'"), 3);
  EXPECT_EQ(ask<int>("SELECT count(DISTINCT owner) FROM cron_run"), 2);
}

// A run that waits for an earlier one of another scheduler begins when that ends, wherever.
TEST_F(SeveralSchedulers, TakeUpRunsThatWaited) {
  CronJobSpec spec = job("a", "@hourly");
  spec.overlap = Overlap::Queue;
  CronOptions patient = options();
  patient.lease = 24h;  // Nobody is to be taken for dead.
  std::optional<Scheduler> first;
  first.emplace(lane(), patient);
  first->handle("test", held.handler());
  (void)first->add(spec);
  first->start();
  clock.advance(1h);
  first->wake();
  held.wait_for_begun(1);
  clock.advance(1h);
  // The other one sees the second due time, and that the first still runs.
  Scheduler second(lane(), patient);
  second.handle("test", held.handler());
  second.start();
  settle(second);
  first.reset();
  held.wait_for_begun(2);
  held.let_go();
  settle(second);
  EXPECT_THAT(outline(second.history()), ElementsAre("13:00 interrupted", "14:00 done"));
}

// A commit of another scheduler, or of anybody, is enough; nobody has to say that a job is new.
TEST_F(SeveralSchedulers, HearOfJobsThatOthersAdd) {
  Scheduler runs = scheduler();
  runs.handle("test", held.handler());
  runs.start();
  settle(runs);
  Scheduler adds = scheduler();
  (void)adds.add(job("late", "@at 2020-01-01"));
  held.wait_for_begun(1);
  held.let_go();
}

TEST_F(SeveralSchedulers, HearOfPausesByOthers) {
  Scheduler runs = scheduler();
  runs.handle("test", held.handler());
  (void)runs.add(job("a", "@hourly"));
  runs.start();
  clock.advance(1h);
  runs.wake();
  held.wait_for_begun(1);
  Scheduler pauses = scheduler();
  EXPECT_TRUE(pauses.pause("a"));
  settle(runs);
  EXPECT_THAT(outline(runs.history()), ElementsAre("13:00 cancelled"));
}

// A pause between the claim and the handler's start: the handler is asked to stop all the same.
TEST_F(SeveralSchedulers, HearOfAPauseRightAfterAClaim) {
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  settle(cron);
  {
    AtPoint visited(kAfterVisit, 1);
    clock.advance(1h);
    cron.wake();
    visited.wait_until_reached();
    EXPECT_TRUE(cron.pause("a"));
  }
  settle(cron);
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 cancelled"));
}

// Stopped between the claim and the handler's start: the run is asked to stop, and recorded.
TEST_F(SeveralSchedulers, CanBeStoppedRightAfterAClaim) {
  Scheduler cron = scheduler();
  cron.handle("test", held.handler());
  (void)cron.add(job("a", "@hourly"));
  cron.start();
  settle(cron);
  std::future<std::vector<std::string>> stopped;
  {
    AtPoint visited(kAfterVisit, 1);
    clock.advance(1h);
    cron.wake();
    visited.wait_until_reached();
    stopped = std::async(std::launch::async, [&] { return cron.stop(patience()); });
  }
  EXPECT_THAT(stopped.get(), IsEmpty());
  EXPECT_THAT(outline(cron.history()), ElementsAre("13:00 interrupted"));
}

// One that stands still for longer than its lease is taken for dead; when it comes back, its run
// is not its own any more, and it changes nothing.
TEST_F(SeveralSchedulers, LoseRunsWhenTheyStandStill) {
  Scheduler slow = scheduler();
  slow.handle("test", held.handler());
  (void)slow.add(job("a", "0 13 * * *"));
  slow.start();
  clock.advance(1h);
  slow.wake();
  held.wait_for_begun(1);
  AtPoint stands_still(kBeforeVisit, 1);
  clock.advance(31s);
  slow.wake();
  stands_still.wait_until_reached();

  Scheduler other = scheduler();
  other.start();
  settle(other);
  EXPECT_THAT(outline(other.history()), ElementsAre("13:00 interrupted"));
  stands_still.release();
  settle(slow);
  EXPECT_THAT(outline(other.history()), ElementsAre("13:00 interrupted"));
  EXPECT_EQ(log.count("CRON_RUN_LOST"), 1U);
}

// The machine has slept, or its clock was set forward: nobody is dead for that.
TEST_F(SeveralSchedulers, DoNotTakeEachOtherForDeadWhenTheClockJumps) {
  Scheduler first = scheduler();
  Scheduler second = scheduler();
  first.handle("test", held.handler());
  (void)first.add(job("a", "0 13 * * *"));
  first.start();
  clock.advance(1h);
  first.wake();
  held.wait_for_begun(1);
  second.start();
  settle(second);
  clock.advance(1h);
  // The one that notices first could bury the other's run.
  settle(second);
  EXPECT_THAT(outline(second.history()), ElementsAre("13:00 running"));
  first.wake();
  held.let_go();
  settle(first);
  EXPECT_THAT(outline(second.history()), ElementsAre("13:00 done"));
}

}  // namespace
}  // namespace turnstile::test
