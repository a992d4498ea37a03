#include "gate/writer_turn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <vector>

#include "support/turn_place.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::acquire;
using test::at_once;
using test::TurnPlace;
using Kind = Place::Kind;
using Entry = WriterTurn::Entry;
using testing::ElementsAre;

// All that the runner would do now, in its order.
std::vector<const Place*> take_all(WriterTurn& turn) {
  std::vector<const Place*> taken;
  while (const Place* place = turn.take_work())
    taken.push_back(place);
  return taken;
}

TEST(WriterTurn, GrantsAFreeTurnEvenAfterTheDeadline) {
  WriterTurn turn;
  EXPECT_EQ(acquire(turn, at_once()), Wait::Granted);
  turn.leave();
}

TEST(WriterTurn, TimesOutWhileSomebodyHasIt) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  EXPECT_EQ(acquire(turn, at_once()), Wait::TimedOut);
  EXPECT_EQ(turn.waiting(), 0U);
  turn.leave();
}

TEST(WriterTurn, IsFreeAgainAfterAWaiterHasTimedOut) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  ASSERT_EQ(acquire(turn, at_once()), Wait::TimedOut);
  turn.leave();
  EXPECT_FALSE(turn.holder());
  EXPECT_EQ(acquire(turn, at_once()), Wait::Granted);
  turn.leave();
}

TEST(WriterTurn, NamesItsHolderSinceTheMomentOfTheGrant) {
  WriterTurn turn;
  EXPECT_FALSE(turn.holder());
  TurnPlace early(Kind::Turn, Priority::Normal, "notes", milliseconds(60000));
  const auto before = std::chrono::steady_clock::now();
  ASSERT_EQ(turn.acquire(early, at_once()), Wait::Granted);
  const std::optional<Claim> holder = turn.holder();
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->lane, "notes");
  EXPECT_GE(holder->since, before);
  turn.leave();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, NamesTheNextHolderAtOnceAfterAHandOver) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once(), "first"), Wait::Granted);
  TurnPlace second(Kind::Turn, Priority::Normal, "second");
  ASSERT_EQ(turn.enter(second), Entry::Queued);
  turn.leave();
  ASSERT_TRUE(turn.holder());
  EXPECT_EQ(turn.holder()->lane, "second");
  EXPECT_EQ(turn.wait(second, at_once()), Wait::Granted);
  turn.leave();
}

TEST(WriterTurn, LetsAThreadDoItsOwnWorkWhileNobodyElseIsThere) {
  WriterTurn turn;
  TurnPlace work(Kind::Work);
  EXPECT_EQ(turn.enter(work), Entry::Granted);
  turn.leave();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, WakesTheRunnerForDetachedWorkWhenFree) {
  WriterTurn turn;
  TurnPlace work(Kind::Detached, Priority::Normal, "work");
  EXPECT_EQ(turn.enter(work), Entry::Queued);
  EXPECT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&work));
  EXPECT_EQ(turn.holder()->lane, "work");
  turn.leave();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, GivesTheRunnerWorkInArrivalOrder) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace first(Kind::Work);
  TurnPlace second(Kind::Detached);
  TurnPlace third(Kind::Work);
  for (TurnPlace* place : {&first, &second, &third})
    ASSERT_EQ(turn.enter(*place), Entry::Queued);
  EXPECT_EQ(turn.waiting(), 3U);
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&first, &second, &third));
  turn.leave();
}

TEST(WriterTurn, KeepsTheOrderBetweenWorkAndThreadsThatWantItForThemselves) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace first(Kind::Work);
  TurnPlace thread(Kind::Turn);
  TurnPlace last(Kind::Work);
  for (TurnPlace* place : {&first, &thread, &last})
    ASSERT_EQ(turn.enter(*place), Entry::Queued);
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&first));
  turn.leave();
  EXPECT_EQ(turn.wait(thread, at_once()), Wait::Granted);
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&last));
  turn.leave();
}

TEST(WriterTurn, TellsAWaiterWhenItsWorkIsDone) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace work(Kind::Work);
  ASSERT_EQ(turn.enter(work), Entry::Queued);
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  ASSERT_EQ(turn.take_work(), &work);
  WriterTurn::finish(work);
  EXPECT_EQ(turn.wait(work, at_once()), Wait::Done);
  turn.leave();
}

TEST(WriterTurn, PrefersTheMoreUrgentOfThoseThatComeTogether) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace bulk(Kind::Work, Priority::Bulk);
  TurnPlace normal(Kind::Work, Priority::Normal);
  TurnPlace interactive(Kind::Work, Priority::Interactive);
  for (TurnPlace* place : {&bulk, &normal, &interactive})
    ASSERT_EQ(turn.enter(*place), Entry::Queued);
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&interactive, &normal, &bulk));
  turn.leave();
}

// The bound of aging: nobody is overtaken by one who comes later than by the difference of the
// handicaps.
class WriterTurnAging : public testing::TestWithParam<std::pair<Priority, Priority>> {
 protected:
  static milliseconds bound() {
    const auto [late, early] = GetParam();
    return WriterTurn::kHandicaps[static_cast<std::size_t>(late)] -
           WriterTurn::kHandicaps[static_cast<std::size_t>(early)];
  }
  // Who goes first, when the less urgent one has come `lead` before the other.
  static bool less_urgent_goes_first(milliseconds lead) {
    const auto [late, early] = GetParam();
    WriterTurn turn;
    EXPECT_EQ(acquire(turn, at_once()), Wait::Granted);
    TurnPlace patient(Kind::Work, late, "patient", lead + milliseconds(10000));
    TurnPlace urgent(Kind::Work, early, "urgent", milliseconds(10000));
    EXPECT_EQ(turn.enter(patient), Entry::Queued);
    EXPECT_EQ(turn.enter(urgent), Entry::Queued);
    turn.leave();
    EXPECT_TRUE(turn.await_runner_turn());
    const std::vector<const Place*> order = take_all(turn);
    turn.leave();
    return order.front() == &patient;
  }
};

TEST_P(WriterTurnAging, LetsTheMoreUrgentOvertakeWithinTheBound) {
  EXPECT_FALSE(less_urgent_goes_first(bound() - milliseconds(5)));
}

TEST_P(WriterTurnAging, LetsNobodyOvertakeBeyondTheBound) {
  EXPECT_TRUE(less_urgent_goes_first(bound() + milliseconds(5)));
}

INSTANTIATE_TEST_SUITE_P(Pairs, WriterTurnAging,
                         testing::Values(std::pair(Priority::Normal, Priority::Interactive),
                                         std::pair(Priority::Bulk, Priority::Interactive),
                                         std::pair(Priority::Bulk, Priority::Normal)));

TEST(WriterTurn, NeverGivesOutWithdrawnWork) {
  WriterTurn turn;
  TurnPlace work(Kind::Work);
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  ASSERT_EQ(turn.enter(work), Entry::Queued);
  EXPECT_TRUE(turn.withdraw(work, Wait::Cancelled));
  EXPECT_EQ(turn.wait(work, at_once()), Wait::Cancelled);
  turn.leave();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, CannotWithdrawWorkThatWasTaken) {
  WriterTurn turn;
  TurnPlace work(Kind::Detached);
  ASSERT_EQ(turn.enter(work), Entry::Queued);
  ASSERT_TRUE(turn.await_runner_turn());
  ASSERT_EQ(turn.take_work(), &work);
  EXPECT_FALSE(turn.withdraw(work, Wait::Cancelled));
  turn.leave();
}

TEST(WriterTurn, HandsOutTheDetachedWorkThatIsAskedFor) {
  WriterTurn turn;
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace first(Kind::Detached);
  TurnPlace thread(Kind::Work);
  TurnPlace second(Kind::Detached, Priority::Bulk);
  for (TurnPlace* place : {&first, &thread, &second})
    ASSERT_EQ(turn.enter(*place), Entry::Queued);
  std::vector<const Place*> used;
  turn.withdraw_detached([&](const Place& place) { return &place != &first; },
                         [&](Place& place) { used.push_back(&place); });
  EXPECT_THAT(used, ElementsAre(&second));
  EXPECT_EQ(turn.waiting(), 2U);
  EXPECT_TRUE(turn.withdraw(first, Wait::Closed));
  EXPECT_TRUE(turn.withdraw(thread, Wait::Closed));
  turn.leave();
}

TEST(WriterTurn, ActsForItsHolderOnly) {
  WriterTurn turn;
  TurnPlace holder;
  TurnPlace other;
  ASSERT_EQ(turn.enter(holder), Entry::Granted);
  int acts = 0;
  turn.if_holder(other, [&] { ++acts; });
  EXPECT_EQ(acts, 0);
  turn.if_holder(holder, [&] { ++acts; });
  EXPECT_EQ(acts, 1);
  turn.forget_holder_place();
  turn.if_holder(holder, [&] { ++acts; });
  EXPECT_EQ(acts, 1);
  turn.leave();
}

TEST(WriterTurn, LetsNobodyNewInAfterClose) {
  WriterTurn turn;
  TurnPlace work(Kind::Detached);
  turn.close();
  EXPECT_EQ(acquire(turn, Deadline::never()), Wait::Closed);
  EXPECT_EQ(turn.enter(work), Entry::Closed);
}

TEST(WriterTurn, StillServesWhatWasQueuedBeforeClose) {
  WriterTurn turn;
  TurnPlace first(Kind::Work);
  TurnPlace second(Kind::Detached);
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  ASSERT_EQ(turn.enter(first), Entry::Queued);
  ASSERT_EQ(turn.enter(second), Entry::Queued);
  turn.close();
  turn.leave();
  ASSERT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&first, &second));
  turn.leave();
  EXPECT_FALSE(turn.holder());
}

TEST(WriterTurn, LetsThoseComeAgainAfterCloseWhoHadItBefore) {
  WriterTurn turn;
  TurnPlace place;
  ASSERT_EQ(turn.enter(place), Entry::Granted);
  turn.close();
  turn.leave();
  EXPECT_EQ(turn.enter(place, true), Entry::Granted);
  turn.leave();
}

TEST(WriterTurn, CancelsAllThatWaitButThoseWhoCameAgain) {
  WriterTurn turn;
  TurnPlace again;
  ASSERT_EQ(turn.enter(again), Entry::Granted);
  turn.leave();
  ASSERT_EQ(acquire(turn, at_once()), Wait::Granted);
  TurnPlace thread;
  TurnPlace detached(Kind::Detached);
  ASSERT_EQ(turn.enter(again, true), Entry::Queued);
  ASSERT_EQ(turn.enter(thread), Entry::Queued);
  ASSERT_EQ(turn.enter(detached), Entry::Queued);
  std::vector<const Place*> used;
  turn.cancel_waiting([&](Place& place) { used.push_back(&place); });
  EXPECT_THAT(used, ElementsAre(&detached));
  EXPECT_EQ(turn.wait(thread, at_once()), Wait::Closed);
  turn.leave();
  EXPECT_EQ(turn.wait(again, at_once()), Wait::Granted);
  turn.leave();
}

TEST(WriterTurn, EndsItsRunnerOnceNothingIsLeft) {
  WriterTurn turn;
  TurnPlace work(Kind::Detached);
  ASSERT_EQ(turn.enter(work), Entry::Queued);
  turn.stop_runner();
  EXPECT_TRUE(turn.await_runner_turn());
  EXPECT_THAT(take_all(turn), ElementsAre(&work));
  turn.leave();
  EXPECT_FALSE(turn.await_runner_turn());
}

}  // namespace
}  // namespace turnstile::gate
