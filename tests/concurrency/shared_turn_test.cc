#include "gate/shared_turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <source_location>
#include <string_view>
#include <thread>
#include <vector>

#include "support/claims.h"
#include "support/interleaving.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::AtPoint;
using Kind = SharedTurn::Kind;

constexpr const char* kClaimQueued = "SharedTurn::acquire:queued";

class SharedTurnRace : public testing::Test {
 protected:
  // A thread that waits for the turn and is in the queue when this returns.
  std::future<Wait> queue_up(Kind kind) {
    AtPoint queued(kClaimQueued);
    auto result = std::async(std::launch::async, [this, kind] {
      return turn_.acquire(kind, claim(), Deadline::never());
    });
    queued.wait_until_reached();
    return result;
  }
  static bool is_waiting(const std::future<Wait>& waiter) {
    return waiter.wait_for(milliseconds(0)) != std::future_status::ready;
  }

  SharedTurn turn_;
};

TEST_F(SharedTurnRace, LetsNoReaderPastAWaitingWriter) {
  ASSERT_EQ(turn_.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
  auto writer = queue_up(Kind::Exclusive);
  EXPECT_EQ(turn_.acquire(Kind::Shared, claim(), at_once()), Wait::TimedOut);
  turn_.release(Kind::Shared);
  EXPECT_EQ(writer.get(), Wait::Granted);
}

TEST_F(SharedTurnRace, LetsNoWriterPastAWaitingReader) {
  ASSERT_EQ(turn_.acquire(Kind::Exclusive, claim(), at_once()), Wait::Granted);
  AtPoint asleep(kClaimQueued, 1);
  auto reader = std::async(std::launch::async,
                           [&] { return turn_.acquire(Kind::Shared, claim(), Deadline::never()); });
  asleep.wait_until_reached();
  turn_.release(Kind::Exclusive);
  EXPECT_EQ(turn_.acquire(Kind::Exclusive, claim(), at_once()), Wait::TimedOut);
  asleep.release();
  EXPECT_EQ(reader.get(), Wait::Granted);
}

TEST_F(SharedTurnRace, GrantsWaitingReadersTogether) {
  ASSERT_EQ(turn_.acquire(Kind::Exclusive, claim(), at_once()), Wait::Granted);
  auto first = queue_up(Kind::Shared);
  auto second = queue_up(Kind::Shared);
  turn_.release(Kind::Exclusive);
  EXPECT_EQ(first.get(), Wait::Granted);
  EXPECT_EQ(second.get(), Wait::Granted);
}

TEST_F(SharedTurnRace, GrantsInArrivalOrderAcrossKinds) {
  ASSERT_EQ(turn_.acquire(Kind::Exclusive, claim(), at_once()), Wait::Granted);
  auto reader = queue_up(Kind::Shared);
  auto writer = queue_up(Kind::Exclusive);
  auto late_reader = queue_up(Kind::Shared);
  turn_.release(Kind::Exclusive);
  EXPECT_EQ(reader.get(), Wait::Granted);
  EXPECT_TRUE(is_waiting(writer));
  turn_.release(Kind::Shared);
  EXPECT_EQ(writer.get(), Wait::Granted);
  EXPECT_TRUE(is_waiting(late_reader));
  turn_.release(Kind::Exclusive);
  EXPECT_EQ(late_reader.get(), Wait::Granted);
}

TEST_F(SharedTurnRace, FreesThoseBehindAWriterThatTimesOut) {
  ASSERT_EQ(turn_.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
  AtPoint asleep(kClaimQueued, 1);
  auto writer = std::async(std::launch::async,
                           [&] { return turn_.acquire(Kind::Exclusive, claim(), at_once()); });
  asleep.wait_until_reached();
  auto reader = queue_up(Kind::Shared);
  EXPECT_TRUE(is_waiting(reader));
  asleep.release();
  EXPECT_EQ(writer.get(), Wait::TimedOut);
  EXPECT_EQ(reader.get(), Wait::Granted);
}

TEST_F(SharedTurnRace, NamesTheHolderThatIsLeft) {
  ASSERT_EQ(turn_.acquire(Kind::Shared, claim("older"), at_once()), Wait::Granted);
  std::thread([&] {
    EXPECT_EQ(turn_.acquire(Kind::Shared, claim("younger"), at_once()), Wait::Granted);
    turn_.release(Kind::Shared);
  }).join();
  ASSERT_TRUE(turn_.holder());
  EXPECT_EQ(turn_.holder()->lane, "older");
}

TEST_F(SharedTurnRace, ExcludesUnderLoad) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 300;
  int value = 0;  // Written by writers only, read by readers.
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < kRounds; ++round) {
          const Kind kind = i % 2 == 0 ? Kind::Exclusive : Kind::Shared;
          EXPECT_EQ(turn_.acquire(kind, claim(), Deadline::never()), Wait::Granted);
          if (kind == Kind::Exclusive)
            ++value;
          else
            EXPECT_GE(value, 0);
          turn_.release(kind);
        }
      });
    }
  }
  EXPECT_EQ(value, kThreads / 2 * kRounds);
  EXPECT_FALSE(turn_.holder());
}

}  // namespace
}  // namespace turnstile::gate
