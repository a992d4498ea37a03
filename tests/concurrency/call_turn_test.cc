#include "vault/call_turn.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <vector>

#include "support/interleaving.h"
#include "support/thrown.h"

namespace turnstile::vault {
namespace {

using std::chrono::milliseconds;
using test::AtPoint;
using test::thrown;

Call call_until(Deadline deadline) {
  Call call;
  call.where = std::source_location::current();
  call.deadline = deadline;
  return call;
}
Call call_within(milliseconds budget) {
  return call_until(Deadline::after(budget));
}

class CallTurnRace : public testing::Test {
 protected:
  /// A thread that wants the turn and is in the line when this returns. Once it has the turn, it
  /// writes down its name and gives the turn back.
  std::future<void> line_up(int name, Call call = call_within(test::patience())) {
    AtPoint waiting("CallTurn:waiting");
    auto done = std::async(std::launch::async, [this, name, call] {
      const CallTurn::Hold hold(turn_, call);
      had_it_.push_back(name);  // One at a time, which is what is tested.
    });
    waiting.wait_until_reached();
    return done;
  }

  CallTurn turn_{"somebody has it"};
  std::vector<int> had_it_;
};

TEST_F(CallTurnRace, GoesOnInTheOrderOfArrival) {
  std::vector<std::future<void>> waiters;
  {
    const CallTurn::Hold hold(turn_, call_within(milliseconds(0)));
    for (int name = 0; name < 5; ++name)
      waiters.push_back(line_up(name));
  }
  for (auto& waiter : waiters)
    waiter.get();
  EXPECT_EQ(had_it_, (std::vector{0, 1, 2, 3, 4}));
}

// Who comes back at once does not overtake who sleeps.
TEST_F(CallTurnRace, LetsNobodyPastWhoIsFirstInTheLine) {
  AtPoint asleep("CallTurn:waiting", 1);
  std::optional<CallTurn::Hold> hold(std::in_place, turn_, call_within(milliseconds(0)));
  auto first = std::async(std::launch::async, [this] {
    const CallTurn::Hold own(turn_, call_within(test::patience()));
  });
  asleep.wait_until_reached();
  hold.reset();
  EXPECT_THROW(hold.emplace(turn_, call_within(milliseconds(0))), Timeout);
  asleep.release();
  EXPECT_NO_THROW(first.get());
}

TEST_F(CallTurnRace, IsNotWaitedForLongerThanTheDeadline) {
  const CallTurn::Hold hold(turn_, call_within(milliseconds(0)));
  auto late = line_up(1, call_within(milliseconds(20)));
  const auto error = thrown<Timeout>([&] { late.get(); });
  EXPECT_EQ(error.code(), "PROFILE_BUSY");
  EXPECT_GE(error.waited(), milliseconds(20));
}

TEST_F(CallTurnRace, NamesTheCallThatHasIt) {
  Call holder = call_within(milliseconds(0));
  holder.where = std::source_location::current();
  const CallTurn::Hold hold(turn_, holder);
  const auto error =
      thrown<Timeout>([&] { const CallTurn::Hold second(turn_, call_within(milliseconds(0))); });
  EXPECT_EQ(error.holder().thread_id, gate::this_thread_id());
  EXPECT_TRUE(error.holder().where.ends_with(":" + std::to_string(holder.where.line())));
}

TEST_F(CallTurnRace, IsHadByThoseBehindOneThatGaveUp) {
  std::future<void> behind;
  {
    const CallTurn::Hold hold(turn_, call_within(milliseconds(0)));
    auto impatient = line_up(1, call_within(milliseconds(1)));
    behind = line_up(2);
    EXPECT_THROW(impatient.get(), Timeout);
  }
  behind.get();
  EXPECT_EQ(had_it_, std::vector{2});
}

TEST_F(CallTurnRace, IsNotWaitedForAfterAStop) {
  const CallTurn::Hold hold(turn_, call_within(milliseconds(0)));
  std::stop_source stop;
  Call call = call_until(Deadline::never());
  call.stop = stop.get_token();
  auto stopped = line_up(1, call);
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { stopped.get(); }).code(), "CANCELLED");
}

}  // namespace
}  // namespace turnstile::vault
