// The pressure that bulk work is told of. What the log's length becomes is in tests/concurrency.
#include "database/checkpointer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "database/wal_size.h"
#include "sqlite/connection.h"
#include "support/raw_sqlite.h"
#include "support/scratch_connection.h"

namespace turnstile::database {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kPage = 4096;

TEST(WalSize, CountsWholeFrames) {
  EXPECT_EQ(wal_bytes(2, kPage), 32 + 2 * (24 + 4096));
  EXPECT_EQ(wal_frames_in(wal_bytes(7, kPage), kPage), 7);
  EXPECT_EQ(wal_frames_in(wal_bytes(7, kPage) - 1, kPage), 6);
}

class PressureTest : public testing::Test {
 protected:
  std::unique_ptr<Checkpointer> make(std::int64_t limit_bytes) {
    Options options;
    options.checkpoint_frames = 10;
    options.wal_limit_bytes = limit_bytes;
    options.at_wal_limit = AtWalLimit::Warn;
    const auto connect = [this] {
      return std::make_unique<sqlite::Connection>(file_.config(), Call{});
    };
    return std::make_unique<Checkpointer>(options, file_.file(), kPage, nullptr, connect,
                                          recorder_);
  }
  // Commits on a log that a reader keeps, until it has `frames` frames.
  void grow_to(Checkpointer& checkpointer, int frames) {
    while (file_->wal_frames() < frames) {
      file_->execute("INSERT INTO t VALUES (randomblob(3000))");
      checkpointer.after_commit(*file_);
    }
  }

  test::ScratchConnection file_{"CREATE TABLE t(x); INSERT INTO t VALUES (1)"};
  test::RawSqlite reader_{file_.file()};
  WalRecorder recorder_;
};

TEST_F(PressureTest, GrowsFromHalfTheLimitOn) {
  reader_.run("BEGIN; SELECT x FROM t");
  const auto checkpointer = make(wal_bytes(100, kPage));
  grow_to(*checkpointer, 45);
  EXPECT_EQ(checkpointer->bulk_pause(), microseconds(0));
  grow_to(*checkpointer, 60);
  const microseconds early = checkpointer->bulk_pause();
  EXPECT_GT(early, microseconds(0));
  EXPECT_LT(early, milliseconds(10));
  grow_to(*checkpointer, 90);
  EXPECT_GT(checkpointer->bulk_pause(), early);
  grow_to(*checkpointer, 300);
  EXPECT_EQ(checkpointer->bulk_pause(), milliseconds(20));
  reader_.run("COMMIT");
  for (int i = 0; i < 100; ++i) {
    file_->execute("INSERT INTO t VALUES (1)");
    checkpointer->after_commit(*file_);
  }
  EXPECT_EQ(checkpointer->bulk_pause(), microseconds(0));
}

TEST_F(PressureTest, DoesNotExistWithoutALimit) {
  reader_.run("BEGIN; SELECT x FROM t");
  const auto checkpointer = make(0);
  grow_to(*checkpointer, 300);
  EXPECT_EQ(checkpointer->bulk_pause(), microseconds(0));
  WalMetrics metrics;
  recorder_.add_to(metrics);
  EXPECT_EQ(metrics.limit_bytes, 0);
}

TEST_F(PressureTest, TakesALimitThatIsTooLowAsFourTimesTheFrames) {
  const auto checkpointer = make(1);
  WalMetrics metrics;
  recorder_.add_to(metrics);
  EXPECT_EQ(metrics.limit_bytes, wal_bytes(40, kPage));
}

}  // namespace
}  // namespace turnstile::database
