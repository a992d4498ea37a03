#include "gate/writer_turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/interleaving.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::AtPoint;

Claim claim(std::string_view lane = "test") {
  return Claim::of_this_thread(lane, std::source_location::current());
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

TEST(WriterTurn, GrantsAFreeTurnEvenAfterTheDeadline) {
  WriterTurn turn;
  EXPECT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  turn.release();
}

TEST(WriterTurn, TimesOutWhileSomebodyHasIt) {
  WriterTurn turn;
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  EXPECT_EQ(turn.acquire(claim(), at_once()), Wait::TimedOut);
  EXPECT_EQ(turn.waiting(), 0U);
  turn.release();
}

TEST(WriterTurn, IsFreeAgainAfterAWaiterHasTimedOut) {
  WriterTurn turn;
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::TimedOut);
  turn.release();
  EXPECT_FALSE(turn.holder());
  EXPECT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  turn.release();
}

TEST(WriterTurn, NamesItsHolderSinceTheMomentOfTheGrant) {
  WriterTurn turn;
  EXPECT_FALSE(turn.holder());
  Claim early = claim("notes");
  early.since -= milliseconds(60000);
  const auto before = std::chrono::steady_clock::now();
  ASSERT_EQ(turn.acquire(early, at_once()), Wait::Granted);
  const std::optional<Claim> holder = turn.holder();
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->lane, "notes");
  EXPECT_GE(holder->since, before);
  turn.release();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, NamesTheNextHolderAtOnceAfterAHandOver) {
  WriterTurn turn;
  ASSERT_EQ(turn.acquire(claim("first"), at_once()), Wait::Granted);
  AtPoint queued("WriterTurn::acquire:queued", 1);
  auto second = std::async(std::launch::async,
                           [&] { return turn.acquire(claim("second"), Deadline::never()); });
  queued.wait_until_reached();
  const auto before = std::chrono::steady_clock::now();
  turn.release();
  const std::optional<Claim> holder = turn.holder();
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->lane, "second");
  EXPECT_GE(holder->since, before);
  queued.release();
  EXPECT_EQ(second.get(), Wait::Granted);
  turn.release();
}

TEST(WriterTurn, GrantsQueuedWorkAtOnceWhenFree) {
  WriterTurn turn;
  int grants = 0;
  Work work([&] { ++grants; });
  EXPECT_TRUE(turn.enqueue(work, claim("work")));
  EXPECT_EQ(grants, 1);
  ASSERT_TRUE(turn.holder());
  EXPECT_EQ(turn.holder()->lane, "work");
  turn.release();
}

TEST(WriterTurn, GrantsQueuedWorkInArrivalOrder) {
  WriterTurn turn;
  std::vector<int> order;
  Work first([&] { order.push_back(1); });
  Work second([&] { order.push_back(2); });
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.enqueue(first, claim()));
  ASSERT_TRUE(turn.enqueue(second, claim()));
  EXPECT_EQ(turn.waiting(), 2U);
  turn.release();
  turn.release();
  EXPECT_EQ(order, (std::vector{1, 2}));
  turn.release();
}

TEST(WriterTurn, LetsQueuedWorkUseTheTurnWhenItIsGranted) {
  // Would not return if granted() were called under the turn's own mutex.
  WriterTurn turn;
  Work work([&] { turn.release(); });
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.enqueue(work, claim()));
  turn.release();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, NeverGrantsWithdrawnWork) {
  WriterTurn turn;
  int grants = 0;
  Work work([&] { ++grants; });
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.enqueue(work, claim()));
  EXPECT_TRUE(turn.withdraw(work));
  turn.release();
  EXPECT_EQ(grants, 0);
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, CannotWithdrawWorkThatWasGranted) {
  WriterTurn turn;
  Work work([] {});
  ASSERT_TRUE(turn.enqueue(work, claim()));
  EXPECT_FALSE(turn.withdraw(work));
  turn.release();
}

TEST(WriterTurn, LetsNobodyInAfterClose) {
  WriterTurn turn;
  Work work([] {});
  turn.close();
  EXPECT_EQ(turn.acquire(claim(), Deadline::never()), Wait::Closed);
  EXPECT_FALSE(turn.enqueue(work, claim()));
}

TEST(WriterTurn, StillGrantsWhatWasQueuedBeforeClose) {
  WriterTurn turn;
  std::vector<int> order;
  Work first([&] { order.push_back(1); });
  Work second([&] { order.push_back(2); });
  ASSERT_EQ(turn.acquire(claim(), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.enqueue(first, claim()));
  ASSERT_TRUE(turn.enqueue(second, claim()));
  turn.close();
  EXPECT_EQ(turn.waiting(), 2U);
  turn.release();
  turn.release();
  turn.release();
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_FALSE(turn.holder());
}

}  // namespace
}  // namespace turnstile::gate
