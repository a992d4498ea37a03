#include "gate/writer_turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <numeric>
#include <source_location>
#include <thread>
#include <utility>
#include <vector>

#include "gate/mutex.h"
#include "support/interleaving.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::AtPoint;

constexpr const char* kQueued = "WriterTurn::acquire:queued";
constexpr const char* kDeadlinePassed = "WriterTurn::acquire:deadline_passed";

Claim claim() {
  return Claim::of_this_thread("test", std::source_location::current());
}
Deadline at_once() {
  return Deadline::after(milliseconds(0));
}

class Work : public QueuedTurn {
 public:
  explicit Work(std::function<void()> on_granted) : on_granted_(std::move(on_granted)) {}
  void granted() noexcept override { on_granted_(); }

 private:
  std::function<void()> on_granted_;
};

class WriterTurnRace : public testing::Test {
 protected:
  // A thread that waits for the turn and is in the queue when this returns.
  std::future<Wait> queue_up(Deadline deadline = Deadline::never()) {
    AtPoint queued(kQueued);
    auto result = std::async(std::launch::async,
                             [this, deadline] { return turn_.acquire(claim(), deadline); });
    queued.wait_until_reached();
    return result;
  }

  WriterTurn turn_;
};

TEST_F(WriterTurnRace, GrantsSixteenThreadsInArrivalOrder) {
  constexpr int kThreads = 16;
  Mutex mutex;
  std::vector<int> order;
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    AtPoint queued(kQueued);
    threads.emplace_back([&, i] {
      EXPECT_EQ(turn_.acquire(claim(), Deadline::never()), Wait::Granted);
      {
        MutexLock lock(mutex);
        order.push_back(i);
      }
      turn_.release();
    });
    queued.wait_until_reached();
  }
  EXPECT_EQ(turn_.waiting(), std::size_t{kThreads});
  turn_.release();
  threads.clear();
  std::vector<int> expected(kThreads);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, IsNotTakenPastAWaiterThatHasNotWokenYet) {
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  AtPoint asleep(kQueued, 1);
  auto waiter =
      std::async(std::launch::async, [&] { return turn_.acquire(claim(), Deadline::never()); });
  asleep.wait_until_reached();
  turn_.release();
  EXPECT_EQ(turn_.acquire(claim(), at_once()), Wait::TimedOut);
  asleep.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  turn_.release();
}

TEST_F(WriterTurnRace, BelongsToAWaiterThatIsGrantedItAtItsDeadline) {
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto waiter = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  turn_.release();
  deadline_passed.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  EXPECT_TRUE(turn_.holder());
  turn_.release();
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, GoesToTheNextWhenAWaiterHasTimedOut) {
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto first = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  auto second = queue_up();
  deadline_passed.release();
  EXPECT_EQ(first.get(), Wait::TimedOut);
  turn_.release();
  EXPECT_EQ(second.get(), Wait::Granted);
  turn_.release();
}

TEST_F(WriterTurnRace, WakesWaitersWhenItIsClosed) {
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  auto first = queue_up();
  auto second = queue_up();
  turn_.close();
  EXPECT_EQ(first.get(), Wait::Closed);
  EXPECT_EQ(second.get(), Wait::Closed);
  EXPECT_EQ(turn_.waiting(), 0U);
  turn_.release();
  EXPECT_FALSE(turn_.holder());
}

TEST_F(WriterTurnRace, IsClosedForAWaiterAtItsDeadlineToo) {
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  AtPoint deadline_passed(kDeadlinePassed, 1);
  auto waiter = queue_up(Deadline::after(milliseconds(1)));
  deadline_passed.wait_until_reached();
  turn_.close();
  deadline_passed.release();
  EXPECT_EQ(waiter.get(), Wait::Closed);
  turn_.release();
}

TEST_F(WriterTurnRace, KeepsTheOrderBetweenThreadsAndQueuedWork) {
  std::vector<int> order;  // Written by whoever has the turn.
  ASSERT_EQ(turn_.acquire(claim(), at_once()), Wait::Granted);
  Work first([&] {
    order.push_back(1);
    turn_.release();
  });
  Work third([&] {
    order.push_back(3);
    turn_.release();
  });
  ASSERT_TRUE(turn_.enqueue(first, claim()));
  AtPoint queued(kQueued);
  std::jthread second([&] {
    EXPECT_EQ(turn_.acquire(claim(), Deadline::never()), Wait::Granted);
    order.push_back(2);
    turn_.release();
  });
  queued.wait_until_reached();
  ASSERT_TRUE(turn_.enqueue(third, claim()));
  turn_.release();
  second.join();
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
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
          if (turn_.acquire(claim(), deadline) == Wait::Granted) {
            ++granted;
            ++expected;
            turn_.release();
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
