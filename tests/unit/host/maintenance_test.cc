// Maintenance that the host does now and then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <utility>

#include "support/component_trail.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "turnstile/host.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class HostMaintenance : public testing::Test {
 protected:
  [[nodiscard]] HostOptions options(MaintenanceSchedule schedule) {
    return {.data_directory = folder_.path() / "data",
            .options = {.auto_vacuum = AutoVacuum::Incremental},
            .maintenance = schedule,
            .log_sink = events_.sink()};
  }

  TempDir folder_;
  LogEvents events_;
};

void make_free_pages(const Lane& lane) {
  lane.write([](WriteTx& tx) {
    tx.execute("CREATE TABLE large(x)");
    for (int row = 0; row < 100; ++row)
      tx.execute("INSERT INTO large VALUES (zeroblob(10000))");
  });
  lane.write([](WriteTx& tx) { tx.execute("DELETE FROM large"); });
}

[[nodiscard]] std::int64_t integer(const Lane& lane, const std::string& sql) {
  return lane.read([&sql](ReadTx& tx) { return tx.query<std::int64_t>(sql).one(); });
}

TEST_F(HostMaintenance, IsDoneAgainAndAgain) {
  AtPoint done("MaintenanceRunner::run:done");
  Host host(options({.interval = 1ms}));
  host.start();
  done.wait_until_reached(3);
  EXPECT_GE(host.status().maintenance->runs, 3);
  EXPECT_EQ(host.status().maintenance->failures, 0);
  EXPECT_TRUE(host.stop().complete());
}

TEST_F(HostMaintenance, GivesFreePagesBack) {
  AtPoint done("MaintenanceRunner::run:done");
  Host host(options({.interval = 1ms, .vacuum_pages = 100}));
  const Lane lane = host.lane("x");
  make_free_pages(lane);
  EXPECT_GT(integer(lane, "SELECT freelist_count FROM pragma_freelist_count"), 200);
  host.start();
  done.wait_until_reached(4);
  EXPECT_EQ(integer(lane, "SELECT freelist_count FROM pragma_freelist_count"), 0);
  EXPECT_GT(host.status().maintenance->pages_freed, 200);
}

TEST_F(HostMaintenance, TellsThatItFailsAndGoesOn) {
  AtPoint done("MaintenanceRunner::run:done");
  HostOptions options = this->options({.interval = 1ms, .vacuum_pages = 100});
  options.options.auto_vacuum = AutoVacuum::None;
  Host host(std::move(options));
  host.start();
  done.wait_until_reached(2);
  const MaintenanceStatus status = *host.status().maintenance;
  EXPECT_GE(status.failures, 2);
  EXPECT_THAT(status.last_error, HasSubstr("AUTO_VACUUM_OFF"));
  EXPECT_GE(events_.count("MAINTENANCE_FAILED"), 2U);
}

TEST_F(HostMaintenance, TellsOfALogThatAReaderKeeps) {
  AtPoint done("MaintenanceRunner::run:done");
  Host host(options({.interval = 1ms, .log_pages = 50}));
  const Lane lane = host.lane("x");
  HeldRead held(lane, [](ReadTx& tx) { (void)tx.query<int>("SELECT 1 FROM sqlite_schema").all(); });
  make_free_pages(lane);
  host.start();
  done.wait_until_reached(1);
  EXPECT_GE(events_.count("LOG_NOT_COPIED"), 1U);
  held.let_go();
}

TEST_F(HostMaintenance, DoesNotKeepTheHostFromStopping) {
  Host host(options({.interval = std::chrono::hours(1)}));
  host.start();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(host.stop().complete());
  EXPECT_LT(std::chrono::steady_clock::now() - began, patience(1s));
  EXPECT_EQ(host.status().maintenance->runs, 0);
}

TEST_F(HostMaintenance, IsInterruptedWhenTheHostStops) {
  Host host(options({.interval = 1ms}));
  HeldWrite held(host.lane("x"));
  host.start();
  ASSERT_TRUE(soon([&host] { return host.database().info().pool.writers_waiting == 1; }));
  auto stop = std::async(std::launch::async, [&host] { return host.stop(); });
  EXPECT_TRUE(soon([&host] {
    return status_of(host.status().components, "maintenance").state == ComponentState::Stopped;
  }));
  held.let_go();
  EXPECT_TRUE(stop.get().complete());
  EXPECT_EQ(host.status().maintenance->runs, 0);
}

}  // namespace
}  // namespace turnstile::test
