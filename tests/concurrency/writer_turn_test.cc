#include "gate/writer_turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <numeric>
#include <thread>
#include <vector>

#include "gate/mutex.h"
#include "support/interleaving.h"
#include "support/turn_place.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::acquire;
using test::at_once;
using test::AtPoint;
using test::TurnPlace;

constexpr const char* kQueued = "WriterTurn::wait:queued";
constexpr const char* kDeadlinePassed = "WriterTurn::wait:deadline_passed";

class WriterTurnRace : public testing::Test {
 protected:
  // A thread that waits for the turn and is in the queue when this returns.
  std::future<Wait> queue_up(Deadline deadline = Deadline::never()) {
    AtPoint queued(kQueued);
    auto result =
        std::async(std::launch::async, [this, deadline] { return acquire(turn_, deadline); });
    queued.wait_until_reached();
    return result;
  }

  WriterTurn turn_;
};

TEST_F(WriterTurnRace, GrantsSixteenThreadsInArrivalOrder) {
  constexpr int kThreads = 16;
  Mutex mutex;
  std::vector<int> order;
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    AtPoint queued(kQueued);
    threads.emplace_back([&, i] {
      EXPECT_EQ(acquire(turn_, Deadline::never()), Wait::Granted);
      {
        MutexLock lock(mutex);
        order.push_back(i);
      }
      turn_.leave();
    });
    queued.wait_until_reached();
  }
  EXPECT_EQ(turn_.waiting(), std::size_t{kThreads});
  turn_.leave();
  threads.clear();
  std::vector<int> expected(kThreads);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, IsNotTakenPastAWaiterThatHasNotWokenYet) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  AtPoint asleep(kQueued, 1);
  auto waiter = std::async(std::launch::async, [&] { return acquire(turn_, Deadline::never()); });
  asleep.wait_until_reached();
  turn_.leave();
  EXPECT_EQ(acquire(turn_, at_once()), Wait::TimedOut);
  asleep.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  turn_.leave();
}

TEST_F(WriterTurnRace, BelongsToAWaiterThatIsGrantedItAtItsDeadline) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto waiter = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  turn_.leave();
  deadline_passed.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  EXPECT_TRUE(turn_.holder());
  turn_.leave();
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, GoesToTheNextWhenAWaiterHasTimedOut) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto first = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  auto second = queue_up();
  deadline_passed.release();
  EXPECT_EQ(first.get(), Wait::TimedOut);
  turn_.leave();
  EXPECT_EQ(second.get(), Wait::Granted);
  turn_.leave();
}

TEST_F(WriterTurnRace, WakesWaitersWhenTheyAreCancelled) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  auto first = queue_up();
  auto second = queue_up();
  turn_.close();
  turn_.cancel_waiting([](Place&) {});
  EXPECT_EQ(first.get(), Wait::Closed);
  EXPECT_EQ(second.get(), Wait::Closed);
  EXPECT_EQ(turn_.waiting(), 0U);
  turn_.leave();
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, IsClosedForAWaiterAtItsDeadlineToo) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto waiter = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  turn_.cancel_waiting([](Place&) {});
  deadline_passed.release();
  EXPECT_EQ(waiter.get(), Wait::Closed);
  turn_.leave();
}

TEST_F(WriterTurnRace, WaitsForWorkThatWasTakenAtItsDeadline) {
  ASSERT_EQ(acquire(turn_, at_once()), Wait::Granted);
  TurnPlace work(Place::Kind::Work);
  ASSERT_EQ(turn_.enter(work), WriterTurn::Entry::Queued);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto waiter = std::async(std::launch::async,
                           [&] { return turn_.wait(work, Deadline::after(milliseconds(1))); });
  deadline_passed.wait_until_reached();
  turn_.leave();
  ASSERT_TRUE(turn_.await_runner_turn());
  ASSERT_EQ(turn_.take_work(), &work);
  deadline_passed.release();
  WriterTurn::finish(work);
  EXPECT_EQ(waiter.get(), Wait::Done);
  turn_.leave();
}

TEST_F(WriterTurnRace, ExcludesUnderLoadWithDeadlines) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 500;
  int granted = 0;  // Written by whoever has the turn.
  std::atomic<int> expected{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < kRounds; ++round) {
          // Half of them with deadlines so short that granting and giving up often coincide.
          const auto deadline = i % 2 == 0 ? Deadline::never() : at_once();
          if (acquire(turn_, deadline) == Wait::Granted) {
            ++granted;
            ++expected;
            turn_.leave();
          }
        }
      });
    }
  }
  EXPECT_EQ(granted, expected);
  EXPECT_GE(granted, kThreads / 2 * kRounds);
  EXPECT_FALSE(turn_.holder());
  EXPECT_EQ(turn_.waiting(), 0U);
}

}  // namespace
}  // namespace turnstile::gate
