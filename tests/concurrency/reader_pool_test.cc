#include "gate/reader_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <numeric>
#include <source_location>
#include <thread>
#include <utility>
#include <vector>

#include "gate/mutex.h"
#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/claims.h"
#include "support/interleaving.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using test::AtPoint;

constexpr const char* kReaderQueued = "ReaderPool::lease:queued";

class ReaderPoolRace : public testing::Test {
 protected:
  std::unique_ptr<ReaderPool> make_pool(std::size_t size) {
    std::vector<std::unique_ptr<sqlite::Connection>> connections;
    for (std::size_t i = 0; i < size; ++i) {
      sqlite::Connection::Config config;
      config.path = directory_.file("app.db");
      config.create = true;
      connections.push_back(std::make_unique<sqlite::Connection>(std::move(config), call_));
    }
    return std::make_unique<ReaderPool>(std::move(connections));
  }

  test::TempDir directory_;
  Call call_;
};

TEST_F(ReaderPoolRace, LendsInArrivalOrder) {
  constexpr int kThreads = 16;
  const auto pool = make_pool(1);
  Mutex mutex;
  std::vector<int> order;
  ReaderPool::Lease first;
  ASSERT_EQ(pool->lease(claim(), at_once(), first), Wait::Granted);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    AtPoint queued(kReaderQueued);
    threads.emplace_back([&, i] {
      ReaderPool::Lease lease;
      EXPECT_EQ(pool->lease(claim(), Deadline::never(), lease), Wait::Granted);
      MutexLock lock(mutex);
      order.push_back(i);
    });
    queued.wait_until_reached();
  }
  first = ReaderPool::Lease();
  threads.clear();
  std::vector<int> expected(kThreads);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(order, expected);
}

TEST_F(ReaderPoolRace, LendsNothingPastAWaiter) {
  const auto pool = make_pool(1);
  ReaderPool::Lease lease;
  ASSERT_EQ(pool->lease(claim(), at_once(), lease), Wait::Granted);
  AtPoint asleep(kReaderQueued, 1);
  auto waiter = std::async(std::launch::async, [&] {
    ReaderPool::Lease own;
    return pool->lease(claim(), Deadline::never(), own);
  });
  asleep.wait_until_reached();
  lease = ReaderPool::Lease();
  EXPECT_EQ(pool->counts().leased, 1U);
  EXPECT_EQ(pool->lease(claim(), at_once(), lease), Wait::TimedOut);
  asleep.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
}

TEST_F(ReaderPoolRace, LendsToAWaiterThatGetsItAtItsDeadline) {
  const auto pool = make_pool(1);
  ReaderPool::Lease lease;
  ASSERT_EQ(pool->lease(claim(), at_once(), lease), Wait::Granted);
  AtPoint asleep(kReaderQueued, 1);
  auto waiter = std::async(std::launch::async, [&] {
    ReaderPool::Lease own;
    return pool->lease(claim(), at_once(), own);
  });
  asleep.wait_until_reached();
  lease = ReaderPool::Lease();
  asleep.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  EXPECT_EQ(pool->counts().idle, 1U);
}

TEST_F(ReaderPoolRace, WakesWaitersWhenItIsClosed) {
  const auto pool = make_pool(1);
  ReaderPool::Lease lease;
  ASSERT_EQ(pool->lease(claim(), at_once(), lease), Wait::Granted);
  AtPoint queued(kReaderQueued);
  auto waiter = std::async(std::launch::async, [&] {
    ReaderPool::Lease own;
    return pool->lease(claim(), Deadline::never(), own);
  });
  queued.wait_until_reached();
  pool->close();
  EXPECT_EQ(waiter.get(), Wait::Closed);
}

TEST_F(ReaderPoolRace, IsIdleOnlyWhenTheLastReaderIsBack) {
  const auto pool = make_pool(2);
  ReaderPool::Lease first;
  ReaderPool::Lease second;
  ASSERT_EQ(pool->lease(claim(), at_once(), first), Wait::Granted);
  ASSERT_EQ(pool->lease(claim(), at_once(), second), Wait::Granted);
  pool->close();
  auto idle = std::async(std::launch::async,
                         [&] { return pool->wait_until_idle(Deadline::after(test::patience())); });
  first = ReaderPool::Lease();
  EXPECT_FALSE(pool->wait_until_idle(at_once()));
  second = ReaderPool::Lease();
  EXPECT_TRUE(idle.get());
}

TEST_F(ReaderPoolRace, LendsNoReaderToTwoUnderLoad) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 300;
  const auto pool = make_pool(2);
  std::atomic<int> borrowed{0};
  std::atomic<int> most{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < kRounds; ++round) {
          ReaderPool::Lease lease;
          const auto deadline = i % 2 == 0 ? Deadline::never() : at_once();
          if (pool->lease(claim(), deadline, lease) == Wait::Granted) {
            const int now = ++borrowed;
            most.store(std::max(most.load(), now));
            // A data race here, for ThreadSanitizer, if two had the same one.
            lease.connection().set_call(&call_);
            --borrowed;
          }
        }
      });
    }
  }
  EXPECT_LE(most, 2);
  EXPECT_EQ(pool->counts().idle, 2U);
  EXPECT_EQ(pool->counts().waiting, 0U);
}

}  // namespace
}  // namespace turnstile::gate
