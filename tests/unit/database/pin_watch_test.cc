#include "database/pin_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "gate/claim.h"
#include "gate/reader_pool.h"
#include "sqlite/connection.h"
#include "support/scratch_connection.h"

namespace turnstile::database {
namespace {

using std::chrono::milliseconds;
using Clock = PinWatch::Clock;
using testing::Optional;

constexpr milliseconds kPatience{100};
constexpr std::int64_t kBytes = 1 << 20;

sqlite::CheckpointResult copied(int copied_frames, int log_frames) {
  return {.busy = false, .log_frames = log_frames, .copied_frames = copied_frames, .code = 0};
}

Holder process(std::int64_t pid) {
  Holder holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = pid;
  return holder;
}

std::int64_t pid_of(const std::optional<Holder>& holder) {
  return holder ? holder->pid : -1;
}

class PinWatchTest : public testing::Test {
 protected:
  PinWatchTest() {
    std::vector<std::unique_ptr<sqlite::Connection>> connections;
    for (int i = 0; i < 2; ++i)
      connections.push_back(std::make_unique<sqlite::Connection>(file_.config(), call_));
    readers_ = std::make_unique<gate::ReaderPool>(std::move(connections));
  }

  // A reader that was lent `age` before start_.
  [[nodiscard]] gate::ReaderPool::Lease reader(std::string_view lane, milliseconds age) {
    gate::ReaderPool::Lease lease;
    const auto claim =
        gate::Claim::of_this_thread(lane, std::source_location::current(), start_ - age);
    EXPECT_EQ(readers_->lease(claim, Deadline::never(), lease), gate::Wait::Granted);
    return lease;
  }
  [[nodiscard]] PinWatch watch() {
    return {readers_.get(), [this] { return foreign_; }, kPatience};
  }

  test::ScratchConnection file_;
  Call call_;
  std::unique_ptr<gate::ReaderPool> readers_;
  std::vector<Holder> foreign_;
  const Clock::time_point start_ = Clock::now();
};

TEST_F(PinWatchTest, SaysNothingOfALogThatIsCopied) {
  const auto old = reader("export", kPatience * 10);
  PinWatch watch = this->watch();
  EXPECT_FALSE(watch.look(copied(10, 10), kBytes, start_));
  EXPECT_FALSE(watch.pinned());
}

// A checkpoint that another connection kept from running returns -1, with a success code or not.
TEST_F(PinWatchTest, LearnsNothingFromACheckpointThatDidNothing) {
  const auto old = reader("export", kPatience * 10);
  PinWatch watch = this->watch();
  EXPECT_FALSE(watch.look(copied(-1, -1), kBytes, start_));
  EXPECT_FALSE(watch.pinned());
  EXPECT_TRUE(watch.look(copied(5, 10), kBytes, start_));
  EXPECT_FALSE(watch.look(copied(-1, -1), kBytes, start_));
  EXPECT_TRUE(watch.pinned());
}

// WAL-08: whom the report names.
TEST_F(PinWatchTest, NamesTheOldestReaderOnceItIsOld) {
  const auto younger = reader("short", milliseconds(5));
  const auto oldest = reader("export", milliseconds(10));
  PinWatch watch = this->watch();
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_));
  EXPECT_TRUE(watch.pinned());
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_ + kPatience / 2));
  const auto told = watch.look(copied(5, 10), kBytes, start_ + kPatience);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->kind, Holder::Kind::Thread);
  EXPECT_EQ(told->lane, "export");
  EXPECT_EQ(told->thread_id, gate::this_thread_id());
  EXPECT_THAT(told->where, testing::HasSubstr("pin_watch_test.cc:"));
}

TEST_F(PinWatchTest, NamesNoReaderThatCameAfterTheLogWasPinned) {
  PinWatch watch = this->watch();
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_));
  const auto later = reader("late", -milliseconds(1));
  const auto told = watch.look(copied(5, 10), kBytes, start_ + kPatience * 2);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->kind, Holder::Kind::Unknown);
}

TEST_F(PinWatchTest, NamesNobodyWhileShortReadsTakeTurns) {
  PinWatch watch = this->watch();
  for (int i = 0; i < 10; ++i)
    EXPECT_FALSE(watch.look(copied(i, 10), kBytes, start_ + kPatience * i));
  EXPECT_TRUE(watch.pinned());
}

TEST_F(PinWatchTest, NamesTheProcessThatHasReadAtEveryLook) {
  PinWatch watch = this->watch();
  foreign_ = {process(1), process(2)};
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_));
  foreign_ = {process(3), process(2)};
  EXPECT_FALSE(watch.look(copied(5, 11), kBytes, start_ + kPatience / 2));
  foreign_ = {process(1), process(2), process(3)};
  EXPECT_EQ(pid_of(watch.look(copied(5, 12), kBytes, start_ + kPatience)), 2);
}

TEST_F(PinWatchTest, TellsOnceAReaderAndOnceEachDoubling) {
  PinWatch watch = this->watch();
  foreign_ = {process(1)};
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_));
  const auto later = start_ + kPatience;
  EXPECT_TRUE(watch.look(copied(5, 10), kBytes, later));
  EXPECT_FALSE(watch.look(copied(5, 10), 2 * kBytes - 1, later));
  EXPECT_TRUE(watch.look(copied(5, 10), 2 * kBytes, later));
  EXPECT_FALSE(watch.look(copied(5, 10), 3 * kBytes, later));
  EXPECT_TRUE(watch.look(copied(5, 10), 4 * kBytes, later));
}

TEST_F(PinWatchTest, TellsOfTheNextReaderToo) {
  PinWatch watch = this->watch();
  foreign_ = {process(1)};
  EXPECT_FALSE(watch.look(copied(5, 10), kBytes, start_));
  EXPECT_EQ(pid_of(watch.look(copied(5, 10), kBytes, start_ + kPatience)), 1);
  foreign_ = {process(2)};
  EXPECT_FALSE(watch.look(copied(7, 10), kBytes, start_ + 2 * kPatience));
  EXPECT_EQ(pid_of(watch.look(copied(7, 10), kBytes, start_ + 3 * kPatience)), 2);
}

TEST_F(PinWatchTest, FindsACulpritWithoutWaiting) {
  PinWatch watch = this->watch();
  EXPECT_EQ(watch.find_culprit().kind, Holder::Kind::Unknown);
  foreign_ = {process(1)};
  EXPECT_EQ(watch.find_culprit().pid, 1);
  const auto young = reader("young", milliseconds(0));
  EXPECT_EQ(watch.find_culprit().lane, "young");
}

}  // namespace
}  // namespace turnstile::database
