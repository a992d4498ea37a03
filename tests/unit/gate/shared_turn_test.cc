#include "gate/shared_turn.h"
#include "support/claims.h"

#include <gtest/gtest.h>

#include <chrono>
#include <source_location>
#include <string_view>

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using TurnKind = SharedTurn::Kind;

TEST(SharedTurn, IsSharedByReaders) {
  SharedTurn turn;
  EXPECT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::Granted);
  EXPECT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, KeepsAWriterOutWhileSomebodyReads) {
  SharedTurn turn;
  ASSERT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::Granted);
  ASSERT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::Granted);
  turn.release(TurnKind::Shared);
  EXPECT_EQ(turn.acquire(TurnKind::Exclusive, claim(), at_once()), Wait::TimedOut);
  turn.release(TurnKind::Shared);
  EXPECT_EQ(turn.acquire(TurnKind::Exclusive, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, KeepsEverybodyOutWhileSomebodyWrites) {
  SharedTurn turn;
  ASSERT_EQ(turn.acquire(TurnKind::Exclusive, claim(), at_once()), Wait::Granted);
  EXPECT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::TimedOut);
  EXPECT_EQ(turn.acquire(TurnKind::Exclusive, claim(), at_once()), Wait::TimedOut);
  turn.release(TurnKind::Exclusive);
  EXPECT_EQ(turn.acquire(TurnKind::Shared, claim(), at_once()), Wait::Granted);
}

TEST(SharedTurn, NamesTheOldestHolder) {
  SharedTurn turn;
  EXPECT_FALSE(turn.holder());
  ASSERT_EQ(turn.acquire(TurnKind::Shared, claim("older"), at_once()), Wait::Granted);
  ASSERT_EQ(turn.acquire(TurnKind::Shared, claim("younger"), at_once()), Wait::Granted);
  ASSERT_TRUE(turn.holder());
  EXPECT_EQ(turn.holder()->lane, "older");
}

}  // namespace
}  // namespace turnstile::gate
