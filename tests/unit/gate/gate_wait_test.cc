// The ways in which a wait at the gate ends without the gate: given up by those who wanted it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <source_location>
#include <vector>

#include "gate/gate_file.h"
#include "gate/process_gate.h"
#include "support/claims.h"
#include "support/interleaving.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::AtPoint;
using testing::IsEmpty;

class GateWait : public testing::Test {
 protected:
  GateWait() { EXPECT_EQ(holder_.take(claim(), at_once()), Wait::Granted); }

  [[nodiscard]] std::filesystem::path database() const { return directory_.file("app.db"); }

  // A wait of `waiter` for ever, until `abandoned_`.
  [[nodiscard]] std::future<Wait> wait_for_ever(ProcessGate& waiter) {
    return std::async(std::launch::async, [&] {
      return waiter.take(claim(), Deadline::never(), [this] {
        ++asked_;
        return abandoned_.load();
      });
    });
  }
  [[nodiscard]] std::uint32_t wake_ups(std::size_t slot) const {
    const GateFile file = *GateFile::look_at(ProcessGate::path_for(database()));
    return file.page().slots[slot].wake_ups.load();
  }

  test::TempDir directory_;
  ProcessGate holder_{database()};  // In slot 0.
  ProcessGate waiter_{database()};  // In slot 1.
  std::atomic<int> asked_{0};
  std::atomic<bool> abandoned_{false};
};

TEST_F(GateWait, EndsWithoutADeadlineWhenItIsAbandoned) {
  AtPoint queued("ProcessGate::take:queued");
  auto wait = wait_for_ever(waiter_);
  queued.wait_until_reached();
  abandoned_ = true;
  EXPECT_EQ(wait.get(), Wait::Cancelled);
  EXPECT_FALSE(waiter_.held());
  EXPECT_THAT(holder_.view().waiting, IsEmpty());
  EXPECT_FALSE(holder_.should_give());
}

TEST_F(GateWait, AsksAgainAndAgain) {
  constexpr int kTimes = 20;
  int asked = 0;
  const auto before = steady_clock::now();
  EXPECT_EQ(waiter_.take(claim(), Deadline::never(), [&] { return ++asked == kTimes; }),
            Wait::Cancelled);
  // Every 5 ms; the rest is for a loaded machine.
  EXPECT_LT(steady_clock::now() - before, test::patience(milliseconds(2000)));
}

TEST_F(GateWait, IsWokenByAProd) {
  AtPoint queued("ProcessGate::take:queued", 1);
  auto wait = wait_for_ever(waiter_);
  queued.wait_until_reached();
  const std::uint32_t before = wake_ups(1);
  abandoned_ = true;
  waiter_.prod();
  EXPECT_EQ(wake_ups(1), before + 1);
  EXPECT_EQ(asked_, 0);
  queued.release();
  EXPECT_EQ(wait.get(), Wait::Cancelled);
  EXPECT_EQ(asked_, 1);
}

TEST_F(GateWait, GoesOnAfterAProdThatWasForNothing) {
  AtPoint queued("ProcessGate::take:queued");
  auto wait = wait_for_ever(waiter_);
  queued.wait_until_reached();
  for (int i = 0; i < 100; ++i)
    waiter_.prod();
  holder_.give();
  EXPECT_EQ(wait.get(), Wait::Granted);
}

TEST_F(GateWait, PassesOnAWakeUpThatCameWhenItWasAbandoned) {
  abandoned_ = true;
  AtPoint abandoned("ProcessGate::take:abandoned", 1);
  auto first = wait_for_ever(waiter_);
  abandoned.wait_until_reached();
  // Stopped before its first try, so that no timer of its own can do what the wake-up should.
  ProcessGate next(database());
  AtPoint queued("ProcessGate::take:queued", 1);
  auto second =
      std::async(std::launch::async, [&] { return next.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  const std::uint32_t before = wake_ups(2);
  holder_.give();
  ASSERT_EQ(wake_ups(2), before);
  abandoned.release();
  EXPECT_EQ(first.get(), Wait::Cancelled);
  EXPECT_EQ(wake_ups(2), before + 1);
  queued.release();
  EXPECT_EQ(second.get(), Wait::Granted);
}

TEST_F(GateWait, IsNotAskedAboutWhereNobodyIsInTheWay) {
  holder_.give();
  abandoned_ = true;
  EXPECT_EQ(wait_for_ever(waiter_).get(), Wait::Granted);
  EXPECT_EQ(wait_for_ever(waiter_).get(), Wait::Granted);
  EXPECT_EQ(asked_, 0);
}

TEST_F(GateWait, EndsAtItsDeadlineWhenNobodyAbandonsIt) {
  EXPECT_EQ(waiter_.take(claim(), Deadline::after(milliseconds(20)), [] { return false; }),
            Wait::TimedOut);
}

TEST_F(GateWait, EndsWhenItIsAbandonedWithoutASlotToo) {
  std::vector<std::unique_ptr<ProcessGate>> crowd;
  for (int i = 2; i < kGateSlots; ++i)
    crowd.push_back(std::make_unique<ProcessGate>(database()));
  ProcessGate extra(database());
  auto wait = wait_for_ever(extra);
  abandoned_ = true;
  extra.prod();
  EXPECT_EQ(wait.get(), Wait::Cancelled);
}

}  // namespace
}  // namespace turnstile::gate
