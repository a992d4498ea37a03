#include "gate/shared_turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <source_location>
#include <string_view>

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using Kind = SharedTurn::Kind;

Claim claim(std::string_view lane = "test") {
  return Claim::of_this_thread(lane, std::source_location::current());
}
Deadline at_once() {
  return Deadline::after(milliseconds(0));
}

TEST(SharedTurn, IsSharedByReaders) {
  SharedTurn turn;
  EXPECT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
  EXPECT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, KeepsAWriterOutWhileSomebodyReads) {
  SharedTurn turn;
  ASSERT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
  ASSERT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
  turn.release(Kind::Shared);
  EXPECT_EQ(turn.acquire(Kind::Exclusive, claim(), at_once()), Wait::TimedOut);
  turn.release(Kind::Shared);
  EXPECT_EQ(turn.acquire(Kind::Exclusive, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, KeepsEverybodyOutWhileSomebodyWrites) {
  SharedTurn turn;
  ASSERT_EQ(turn.acquire(Kind::Exclusive, claim(), at_once()), Wait::Granted);
  EXPECT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::TimedOut);
  EXPECT_EQ(turn.acquire(Kind::Exclusive, claim(), at_once()), Wait::TimedOut);
  turn.release(Kind::Exclusive);
  EXPECT_EQ(turn.acquire(Kind::Shared, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, NamesTheOldestHolder) {
  SharedTurn turn;
  EXPECT_FALSE(turn.holder());
  ASSERT_EQ(turn.acquire(Kind::Shared, claim("older"), at_once()), Wait::Granted);
  ASSERT_EQ(turn.acquire(Kind::Shared, claim("younger"), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.holder());
  EXPECT_EQ(turn.holder()->lane, "older");
}

}  // namespace
}  // namespace turnstile::gate
