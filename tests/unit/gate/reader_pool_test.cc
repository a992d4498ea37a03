#include "gate/reader_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <source_location>
#include <string_view>
#include <utility>
#include <vector>

#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/claims.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;

class ReaderPoolTest : public testing::Test {
 protected:
  static constexpr std::size_t kReaders = 3;

  std::vector<std::unique_ptr<sqlite::Connection>> open_connections() {
    std::vector<std::unique_ptr<sqlite::Connection>> connections;
    for (std::size_t i = 0; i < kReaders; ++i) {
      sqlite::Connection::Config config;
      config.path = directory_.file("app.db");
      config.create = true;
      connections.push_back(std::make_unique<sqlite::Connection>(std::move(config), call_));
    }
    return connections;
  }
  ReaderPool::Lease take(std::string_view lane = "test") {
    ReaderPool::Lease lease;
    EXPECT_EQ(pool_.lease(claim(lane), at_once(), lease), Wait::Granted);
    return lease;
  }

  test::TempDir directory_;
  Call call_;
  ReaderPool pool_{open_connections()};
};

TEST_F(ReaderPoolTest, LendsEachReaderToOneBorrower) {
  const ReaderPool::Lease first = take();
  const ReaderPool::Lease second = take();
  const ReaderPool::Lease third = take();
  EXPECT_NE(&first.connection(), &second.connection());
  EXPECT_NE(&second.connection(), &third.connection());
  EXPECT_NE(&first.connection(), &third.connection());
}

TEST_F(ReaderPoolTest, TimesOutWhenAllAreLent) {
  const std::vector<ReaderPool::Lease> all = [&] {
    std::vector<ReaderPool::Lease> leases;
    for (std::size_t i = 0; i < kReaders; ++i)
      leases.push_back(take());
    return leases;
  }();
  ReaderPool::Lease late;
  EXPECT_EQ(pool_.lease(claim(), at_once(), late), Wait::TimedOut);
  EXPECT_FALSE(late);
  EXPECT_EQ(pool_.counts().waiting, 0U);
}

TEST_F(ReaderPoolTest, LendsTheLastReturnedFirst) {
  ReaderPool::Lease first = take();
  ReaderPool::Lease second = take();
  const sqlite::Connection* warm = &first.connection();
  second = ReaderPool::Lease();
  first = ReaderPool::Lease();
  EXPECT_EQ(&take().connection(), warm);
}

TEST_F(ReaderPoolTest, GivesAReplacedLeaseBack) {
  ReaderPool::Lease lease = take();
  EXPECT_EQ(pool_.lease(claim(), at_once(), lease), Wait::Granted);
  EXPECT_EQ(pool_.counts().leased, 1U);
}

TEST_F(ReaderPoolTest, MovesALeaseWithItsReader) {
  ReaderPool::Lease lease = take();
  const sqlite::Connection* reader = &lease.connection();
  const ReaderPool::Lease moved = std::move(lease);
  EXPECT_EQ(&moved.connection(), reader);
  EXPECT_EQ(pool_.counts().leased, 1U);
}

TEST_F(ReaderPoolTest, CountsIdleAndLent) {
  const ReaderPool::Lease lease = take();
  EXPECT_EQ(pool_.counts().idle, kReaders - 1);
  EXPECT_EQ(pool_.counts().leased, 1U);
}

TEST_F(ReaderPoolTest, NamesTheOldestBorrower) {
  EXPECT_FALSE(pool_.oldest_holder());
  ReaderPool::Lease oldest = take("oldest");
  const ReaderPool::Lease second = take("second");
  const ReaderPool::Lease third = take("third");
  ASSERT_TRUE(pool_.oldest_holder());
  EXPECT_EQ(pool_.oldest_holder()->lane, "oldest");
  oldest = ReaderPool::Lease();
  EXPECT_EQ(pool_.oldest_holder()->lane, "second");
}

TEST_F(ReaderPoolTest, InterruptsOnlyLentReaders) {
  ReaderPool::Lease lent = take();
  ReaderPool::Lease idle = take();
  const sqlite::Connection& idle_connection = idle.connection();
  idle = ReaderPool::Lease();
  EXPECT_EQ(pool_.interrupt_leased(), 1U);
  EXPECT_TRUE(lent.connection().interrupted());
  EXPECT_FALSE(idle_connection.interrupted());
}

TEST_F(ReaderPoolTest, InterruptsThoseWhoHaveHadAReaderForLongAndEachOnce) {
  const auto now = std::chrono::steady_clock::now();
  ReaderPool::Lease old;
  Claim old_claim = claim("old");
  old_claim.since = now - milliseconds(100);
  ASSERT_EQ(pool_.lease(old_claim, at_once(), old), Wait::Granted);
  const ReaderPool::Lease young = take("young");
  const std::vector<Claim> interrupted = pool_.interrupt_older_than(now - milliseconds(50));
  ASSERT_EQ(interrupted.size(), 1U);
  EXPECT_EQ(interrupted[0].lane, "old");
  EXPECT_EQ(old.connection().why_interrupted(), sqlite::Interrupt::LogLimit);
  EXPECT_FALSE(young.connection().interrupted());
  EXPECT_TRUE(pool_.interrupt_older_than(now - milliseconds(50)).empty());
}

TEST_F(ReaderPoolTest, LendsAReaderWithoutTheInterruptOfItsLastBorrower) {
  ReaderPool::Lease lease = take();
  const sqlite::Connection& connection = lease.connection();
  pool_.interrupt_leased();
  ASSERT_TRUE(connection.interrupted());
  lease = ReaderPool::Lease();
  EXPECT_FALSE(connection.interrupted());
}

TEST_F(ReaderPoolTest, LendsNothingAfterClose) {
  pool_.close();
  ReaderPool::Lease lease;
  EXPECT_EQ(pool_.lease(claim(), Deadline::never(), lease), Wait::Closed);
  EXPECT_FALSE(lease);
}

TEST_F(ReaderPoolTest, IsIdleOnceEverythingIsBack) {
  ReaderPool::Lease lease = take();
  EXPECT_FALSE(pool_.wait_until_idle(at_once()));
  lease = ReaderPool::Lease();
  EXPECT_TRUE(pool_.wait_until_idle(at_once()));
}

TEST_F(ReaderPoolTest, CanCloseItsConnectionsBeforeItsEnd) {
  pool_.close();
  pool_.close_connections();
  EXPECT_TRUE(pool_.wait_until_idle(at_once()));
}

}  // namespace
}  // namespace turnstile::gate
