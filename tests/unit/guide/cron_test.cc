// The examples of docs/guide/cron.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "support/cron_fixture.h"
#include "support/temp_dir.h"
#include "support/zoned.h"
#include "turnstile/cron.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class GuideToCron : public testing::Test {
 protected:
  static Options schema() {
    Options options;
    options.migrations = {{1, "tables",
                           "CREATE TABLE session(expires INTEGER);"
                           "CREATE TABLE account(balance INTEGER, closed INTEGER DEFAULT 0);"
                           "INSERT INTO account(balance) VALUES (0), (1), (0)"}};
    return options;
  }

  TempDir directory_;
  const Database db = Database::open(directory_.file("app.db"), schema());
  const Lane lane = db.lane("cron");
  DrivenClock clock{at("2026-03-01")};
};

TEST_F(GuideToCron, ShowsHowJobsAreAdded) {
  const auto write_report = [](std::string_view payload) { return payload.size(); };
  turnstile::Scheduler cron(db.lane("cron"));

  cron.handle("report", [&](turnstile::CronRun& run) {
    const std::size_t rows = write_report(run.payload());
    return turnstile::CronOutcome::done(std::to_string(rows) + " rows");
  });

  cron.add({.name = "morning report",
            .schedule = "30 7 * * MON-FRI",
            .kind = "report",
            .payload = "sales",
            .zone = "Europe/Berlin"});
  cron.start();

  cron.add({.name = "forget sessions",
            .schedule = "@hourly",
            .kind = "sql",
            .payload = "DELETE FROM session WHERE expires < unixepoch()"});
  EXPECT_THAT(cron.list_enabled(), SizeIs(2));
}

TEST_F(GuideToCron, ShowsHowAnExpressionIsAsked) {
  std::vector<std::string> lines;
  const auto expression = turnstile::CronExpression::parse("30 2 * * *");
  const auto berlin = turnstile::TimeZone::find("Europe/Berlin");
  for (const auto due : expression.next(berlin.parse("2026-03-28"), 3, berlin))
    lines.push_back(berlin.format(due));
  EXPECT_THAT(lines, ElementsAre("2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00",
                                 "2026-03-30T02:30:00+02:00"));
}

TEST_F(GuideToCron, ShowsPoliciesAndHandlersThatStop) {
  const std::vector<std::string> files{"a", "b"};
  std::atomic<int> imported{0};
  const auto import = [&](const std::string&) { ++imported; };
  turnstile::Scheduler cron(lane, {.now = [&] { return clock.now(); }});
  cron.start();
  turnstile::CronJobSpec spec{.name = "import", .schedule = "@every 10m", .kind = "import"};
  spec.missed = turnstile::MissedRuns::Once;
  spec.overlap = turnstile::Overlap::Queue;
  spec.timeout = std::chrono::minutes(5);
  spec.jitter = std::chrono::seconds(20);  // Not all programs in the world at the same second.
  cron.add(spec);

  cron.handle("import", [&](turnstile::CronRun& run) {
    for (const std::string& file : files) {
      if (run.stop().stop_requested()) break;
      import(file);
    }
    return turnstile::CronOutcome::done();
  });
  (void)cron.stop(std::chrono::seconds(30));
  clock.advance(std::chrono::minutes(11));
  cron.start();
  ASSERT_TRUE(cron.wait_until_idle(patience()));
  EXPECT_EQ(imported, 2);

  cron.pause("import");   // A run that goes on is asked to stop, in whichever process it is.
  cron.resume("import");  // From now on; what was due meanwhile was not missed.
  for (const turnstile::CronRecord& run : cron.history("import", 10))
    std::cout << turnstile::to_string(run.status) << ' ' << run.text << '\n';
  cron.remove("import");  // With its history.

  for (const std::string& name : cron.stop(std::chrono::seconds(10)))
    std::cerr << name << " does not end\n";
  EXPECT_THAT(cron.list(), SizeIs(0));
}

TEST_F(GuideToCron, ShowsEffectsThatAreRecordedTogether) {
  turnstile::Scheduler cron(lane, {.now = [&] { return clock.now(); }});
  cron.handle("close accounts", [&](turnstile::CronRun& run) {
    lane.write([&](turnstile::WriteTx& tx) {
      const auto closed = tx.execute("UPDATE account SET closed = 1 WHERE balance = 0");
      run.complete(tx, std::to_string(closed.changes) + " closed");
    });
    return turnstile::CronOutcome::done();
  });
  cron.add({.name = "close", .schedule = "@at 2026-01-01", .kind = "close accounts"});
  cron.start();
  ASSERT_TRUE(cron.wait_until_idle(patience()));
  EXPECT_EQ(cron.history().at(0).text, "2 closed");
}

TEST_F(GuideToCron, ShowsHowTimeIsDriven) {
  {
    turnstile::Scheduler cron(lane, {.now = [&] { return clock.now(); }});
    cron.add({.name = "daily", .schedule = "@every 24h", .kind = "sql", .payload = "SELECT 1"});
  }
  turnstile::Scheduler tested(lane, {.now = [&] { return clock.now(); }});
  tested.start();
  clock.advance(std::chrono::hours(24));
  const bool at_rest = tested.wait_until_idle(std::chrono::seconds(30));
  EXPECT_TRUE(at_rest);
  EXPECT_THAT(tested.history("daily"), SizeIs(1));
}

}  // namespace
}  // namespace turnstile::test
