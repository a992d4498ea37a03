// When a batch is due, without a clock that runs.
#include "vectors/batch_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace turnstile::vectors {
namespace {

using namespace std::chrono_literals;

class EmbeddingQueue : public testing::Test {
 protected:
  void push(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(queue_.push({.mark = ++last_, .request = {.id = std::to_string(last_)}}, now_));
  }
  [[nodiscard]] bool is_due() const { return queue_.due() && *queue_.due() <= now_; }

  const EmbeddingBufferOptions options_;
  BatchQueue queue_{options_};
  BatchQueue::Clock::time_point now_{1h};
  std::int64_t last_ = 0;
};

// EMB-02: a queue of 256, batches of 32, two seconds.
TEST_F(EmbeddingQueue, HasTheDocumentedLimits) {
  EXPECT_EQ(options_.queue_limit, 256U);
  EXPECT_EQ(options_.batch_size, 32U);
  EXPECT_EQ(options_.flush_after, 2s);
}

// EMB-02: 31 wait for two seconds.
TEST_F(EmbeddingQueue, KeepsAnIncompleteBatchForAWhile) {
  push(1);
  now_ += 1s;
  push(30);
  now_ += 900ms;
  EXPECT_FALSE(is_due());
  now_ += 100ms;
  EXPECT_TRUE(is_due());
  EXPECT_EQ(queue_.take().size(), 31U);
  EXPECT_FALSE(queue_.due());
}

// EMB-02: 32 do not.
TEST_F(EmbeddingQueue, HasAFullBatchDueAtOnce) {
  push(31);
  EXPECT_FALSE(is_due());
  push(1);
  EXPECT_TRUE(is_due());
}

TEST_F(EmbeddingQueue, GivesBatchesInTheOrderOfArrival) {
  push(70);
  std::int64_t next = 0;
  for (const std::size_t size : {32U, 32U, 6U}) {
    const auto batch = queue_.take();
    EXPECT_EQ(batch.size(), size);
    for (const EmbeddingJob& job : batch)
      EXPECT_EQ(job.mark, ++next);
  }
  EXPECT_TRUE(queue_.take().empty());
}

TEST_F(EmbeddingQueue, CountsTheWaitFromTheFirstThatIsLeft) {
  push(20);
  now_ += 1900ms;
  push(20);
  (void)queue_.take();
  EXPECT_FALSE(is_due());
  EXPECT_EQ(*queue_.due(), now_ + 2s);
}

// EMB-03: the 257th is refused.
TEST_F(EmbeddingQueue, RefusesWhatItHasNoRoomFor) {
  push(256);
  EXPECT_FALSE(queue_.push({}, now_));
  (void)queue_.take();
  EXPECT_TRUE(queue_.push({}, now_));
  EXPECT_EQ(queue_.size(), 256U - 32U + 1U);
}

}  // namespace
}  // namespace turnstile::vectors
