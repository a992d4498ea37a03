#include "sqlite/deadline.h"

#include <gtest/gtest.h>

namespace turnstile {
namespace {

using namespace std::chrono_literals;

TEST(Deadline, OfAHugeBudgetNeverPasses) {
  EXPECT_TRUE(Deadline::after(std::chrono::milliseconds::max()).is_never());
}

TEST(Deadline, OfAMillionYearsNeverPasses) {
  EXPECT_TRUE(Deadline::after(std::chrono::years(1'000'000)).is_never());
}

TEST(Deadline, OfAHundredYearsIsAMoment) {
  EXPECT_FALSE(Deadline::after(std::chrono::years(100)).is_never());
}

TEST(Deadline, OfNoBudgetHasPassed) {
  EXPECT_TRUE(Deadline::after(0ms).expired());
}

TEST(Deadline, OfAHugelyNegativeBudgetHasPassed) {
  const Deadline deadline = Deadline::after(std::chrono::milliseconds::min());
  EXPECT_TRUE(deadline.expired());
  EXPECT_EQ(deadline.left(), 0ns);
}

TEST(Deadline, ThatNeverPassesIsNotExpired) {
  EXPECT_FALSE(Deadline::never().expired());
}

TEST(Deadline, ThatNeverPassesLeavesAllTimeThereIs) {
  EXPECT_EQ(Deadline::never().left(), Deadline::Clock::duration::max());
}

TEST(Deadline, LimitsASpanThatIsLonger) {
  const Deadline deadline = Deadline::after(1ms);
  EXPECT_EQ(deadline.within(1h), deadline.time());
}

TEST(Deadline, LeavesAShorterSpanAsItIs) {
  const Deadline deadline = Deadline::after(1h);
  EXPECT_LT(deadline.within(1ms), deadline.time());
}

TEST(Deadline, LimitsTheLongestSpanWithoutOverflow) {
  const Deadline deadline = Deadline::after(1h);
  EXPECT_EQ(deadline.within(Deadline::Clock::duration::max()), deadline.time());
  EXPECT_EQ(Deadline::never().within(Deadline::Clock::duration::max()),
            Deadline::Clock::time_point::max());
}

}  // namespace
}  // namespace turnstile
