// The beginning and the end of a scheduler's work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/cron_fixture.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class CronStop : public CronTest {
 protected:
  // A scheduler whose job runs with `handler` until it is let go.
  void begin(CronHandler handler) {
    cron.emplace(lane(), options());
    cron->handle("test", std::move(handler));
    (void)cron->add(job("a", "@hourly"));
    cron->start();
    clock.advance(1h);
    cron->wake();
    held.wait_for_begun(1);
  }

  HeldHandlers held;
  std::optional<Scheduler> cron;
};

// CRON-15: stop can be called when nothing was started, and again.
TEST_F(CronStop, MayBeCalledAtAnyTime) {
  Scheduler idle = scheduler();
  EXPECT_THAT(idle.stop(0ms), IsEmpty());
  idle.start();
  EXPECT_THAT(idle.stop(patience()), IsEmpty());
  EXPECT_THAT(idle.stop(0ms), IsEmpty());
}

TEST_F(CronStop, CanBeFollowedByAStart) {
  Scheduler again = scheduler();
  again.handle("test", do_nothing);
  (void)again.add(job("a", "@hourly"));
  for (int i = 0; i < 3; ++i) {
    again.start();
    again.start();
    advance(again, 1h);
    EXPECT_THAT(again.stop(patience()), IsEmpty());
  }
  EXPECT_THAT(outline(again.history()), ElementsAre("13:00 done", "14:00 done", "15:00 done"));
}

TEST_F(CronStop, AsksRunsToStopAndRecordsThem) {
  begin(held.handler());
  EXPECT_THAT(cron->stop(patience()), IsEmpty());
  EXPECT_THAT(outline(cron->history()), ElementsAre("13:00 interrupted"));
  EXPECT_EQ(cron->history()[0].text, "the scheduler was stopped: stopped");
}

// CRON-15: a stuck job does not keep stop() beyond its deadline, and is named.
TEST_F(CronStop, NamesARunThatDoesNotEndInTime) {
  begin(held.deaf_handler());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(cron->stop(20ms), ElementsAre("a"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
  EXPECT_THAT(outline(cron->history()), ElementsAre("13:00 running"));
  held.let_go();
  EXPECT_THAT(cron->stop(patience()), IsEmpty());
  EXPECT_THAT(outline(cron->history()), ElementsAre("13:00 interrupted"));
}

// What stop() has asked a run for is not taken back: it is waited for here.
TEST_F(CronStop, CanBeTakenBackWhileARunIsStuck) {
  std::promise<void> asked;
  bool first = true;
  begin([&](CronRun& run) {
    CronOutcome outcome = held.deaf_handler()(run);
    if (!std::exchange(first, false)) return outcome;
    const std::stop_callback callback(run.stop(), [&asked] { asked.set_value(); });
    EXPECT_EQ(asked.get_future().wait_for(patience()), std::future_status::ready);
    return outcome;
  });
  EXPECT_THAT(cron->stop(0ms), ElementsAre("a"));
  cron->start();
  held.let_go();
  settle(*cron);
  advance(*cron, 1h);
  EXPECT_THAT(outline(cron->history()), ElementsAre("13:00 interrupted", "14:00 done"));
}

TEST_F(CronStop, IsWhatTheDestructorDoes) {
  begin(held.handler());
  cron.reset();
  EXPECT_THAT(outline(scheduler().history()), ElementsAre("13:00 interrupted"));
}

// CRON-04: what waits for a free place when the scheduler is stopped never starts.
TEST_F(CronStop, LeavesWhatWaitsForAPlace) {
  CronOptions few = options();
  few.max_running = 2;
  cron.emplace(lane(), few);
  cron->handle("test", held.handler());
  for (int i = 0; i < 5; ++i)
    (void)cron->add(job("job " + std::to_string(i), "@hourly"));
  cron->start();
  clock.advance(1h);
  cron->wake();
  held.wait_for_begun(2);
  EXPECT_THAT(cron->stop(patience()), IsEmpty());
  EXPECT_THAT(held.begun(), SizeIs(2));
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_run"), 2);
  EXPECT_EQ(ask<int>("SELECT count(*) FROM cron_job WHERE next_run = 1772370000000000"), 3)
      << "they are still due";
}

TEST_F(CronStop, DoesNotHangWhenTheFileIsGone) {
  begin(held.deaf_handler());
  close();
  std::thread later([this] { held.let_go(); });
  cron.reset();
  later.join();
  EXPECT_GE(log.count("DB_CLOSED") + log.count("CANCELLED"), 1U);
}

}  // namespace
}  // namespace turnstile::test
