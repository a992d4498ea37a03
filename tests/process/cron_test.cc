// Jobs of one file that are run by several processes, some of which are killed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/told.h"
#include "support/zoned.h"
#include "turnstile/cron.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class CronProcesses : public testing::Test {
 protected:
  CronProcesses()
      : path_(directory_.file("app.db")),
        database_(Database::open(
            path_,
            {.migrations = {{1, "effects",
                             "CREATE TABLE effect(job INTEGER, due INTEGER, pid INTEGER)"}}})),
        cron_(database_.lane("test"), {.now = [this] { return now_; }}) {}

  ChildProcess start(std::chrono::milliseconds lease = 30s) {
    ChildProcess process({actor_path("cron"), path_, std::to_string(lease.count())});
    EXPECT_EQ(process.read_line(), "ready");
    tell_time(process);
    EXPECT_EQ(process.read_line(), "ok");
    EXPECT_EQ(process.ask("start"), "ok");
    return process;
  }
  void tell_time(ChildProcess& process) const {
    const auto since = std::chrono::floor<std::chrono::microseconds>(now_.time_since_epoch());
    process.send("now " + std::to_string(since.count()));
  }
  // Lets time pass for all of them at once, and waits until nothing is left to do.
  template <class Processes>
  void pass(TimePoint::duration time, Processes& processes) {
    now_ += time;
    for (ChildProcess& process : processes)
      tell_time(process);
    for (ChildProcess& process : processes)
      ASSERT_EQ(process.read_line(), "ok");
    for (ChildProcess& process : processes)
      ASSERT_EQ(process.ask("idle"), "ok");
  }

  void add(const std::string& schedule, const std::string& kind) {
    CronJobSpec spec{.name = "job", .schedule = schedule, .kind = kind};
    spec.missed = MissedRuns::All;
    spec.overlap = Overlap::Allow;
    (void)cron_.add(spec);
  }
  std::int64_t count(const std::string& what) {
    return database_.lane("test").read(
        [&](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM " + what).one(); });
  }
  static std::string twice(const std::string& table) {
    return "(SELECT 1 FROM " + table + " GROUP BY job, due HAVING count(*) > 1)";
  }

  TempDir directory_;
  const std::string path_;
  TimePoint now_ = at("2026-03-01");
  Database database_;
  Scheduler cron_;
};

// CRON-12: four processes, 100 due times: 100 runs, none twice, none forgotten.
TEST_F(CronProcesses, RunEachDueTimeOnce) {
  add("* * * * *", "effect");
  std::vector<ChildProcess> processes;
  for (int i = 0; i < 4; ++i)
    processes.push_back(start());
  for (int minute = 0; minute < 100; ++minute)
    pass(1min, processes);
  EXPECT_EQ(count("cron_run WHERE status = 'done'"), 100);
  EXPECT_EQ(count("cron_run"), 100);
  EXPECT_EQ(count("effect"), 100);
  EXPECT_EQ(count(twice("effect")), 0);
  EXPECT_EQ(count("(SELECT DISTINCT due FROM cron_run)"), 100);
}

// CRON-10 and CRON-12: what was missed while nobody was there is shared by those who come.
TEST_F(CronProcesses, ShareWhatWasMissed) {
  add("* * * * *", "effect");
  now_ += 50min;
  std::vector<ChildProcess> processes;
  for (int i = 0; i < 4; ++i)
    processes.push_back(start());
  pass(0min, processes);
  EXPECT_EQ(count("cron_run WHERE status = 'done'"), 50);
  EXPECT_EQ(count("effect"), 50);
  EXPECT_EQ(count(twice("effect")), 0);
}

// CRON-07: killed in the middle of a run; the next one that comes says so, and goes on.
TEST_F(CronProcesses, FindRunsOfTheDeadInterrupted) {
  add("0 * * * *", "held");
  ChildProcess killed = start();
  now_ += 1h;
  tell_time(killed);
  ASSERT_EQ(killed.read_line(), "ok");
  ASSERT_EQ(killed.read_line(), "begun");
  EXPECT_EQ(cron_.history()[0].status, CronStatus::Running);
  EXPECT_THAT(cron_.history()[0].owner, StartsWith(std::to_string(killed.pid()) + "@"));
  killed.kill();

  now_ += 31s;
  ChildProcess next = start();
  ASSERT_EQ(next.ask("idle"), "ok");
  const auto records = cron_.history();
  ASSERT_EQ(records.size(), 1U) << "an interrupted run is not repeated";
  EXPECT_EQ(records[0].status, CronStatus::Interrupted);
  EXPECT_EQ(records[0].text, "its process ended, or stood still for longer than the lease");
}

// CRON-13: one that is killed in its only run is not run again.
TEST_F(CronProcesses, DoNotRepeatASingleTime) {
  add("@at 2026-03-01T01:00", "held");
  now_ += 1h;
  ChildProcess killed = start();
  ASSERT_EQ(killed.read_line(), "begun");
  killed.kill();
  now_ += 1h;
  ChildProcess next = start();
  ASSERT_EQ(next.ask("idle"), "ok");
  EXPECT_EQ(cron_.history().size(), 1U);
  EXPECT_EQ(cron_.history()[0].status, CronStatus::Interrupted);
  EXPECT_FALSE(cron_.find("job")->enabled);
}

// Somebody is killed at every turn: no due time is run twice, none is forgotten, and what the
// history calls done has been done.
TEST_F(CronProcesses, MayBeKilledAtAnyTime) {
  std::mt19937_64 random(test_seed());
  add("* * * * *", "effect");
  // Longer than a turn, which would else look like a clock that was set.
  constexpr auto kLease = 10min;
  std::vector<std::unique_ptr<ChildProcess>> processes;
  for (int i = 0; i < 4; ++i)
    processes.push_back(std::make_unique<ChildProcess>(start(kLease)));
  constexpr int kTurns = 40;
  const auto expect_ok = [](ChildProcess& process) { EXPECT_EQ(process.read_line(), "ok"); };
  for (int turn = 0; turn < kTurns; ++turn) {
    now_ += 1min;
    for (const auto& process : processes)
      tell_time(*process);
    // Whatever it is doing.
    auto& victim = processes.at(random() % processes.size());
    if (random() % 2 == 0) expect_ok(*victim);
    victim->kill();
    for (const auto& process : processes)
      if (process != victim) expect_ok(*process);
    victim = std::make_unique<ChildProcess>(start(kLease));
  }
  // The leases of the dead run out, in steps that do not look like a clock that was set.
  for (int step = 0; step < 3; ++step) {
    now_ += 4min;
    for (const auto& process : processes)
      tell_time(*process);
    for (const auto& process : processes)
      ASSERT_EQ(process->read_line(), "ok");
    for (const auto& process : processes)
      ASSERT_EQ(process->ask("idle"), "ok");
  }
  const std::int64_t expected = kTurns + 12;
  EXPECT_EQ(count("cron_run"), expected);
  EXPECT_EQ(count("(SELECT DISTINCT due FROM cron_run)"), expected);
  EXPECT_EQ(count("cron_run WHERE status NOT IN ('done', 'interrupted')"), 0);
  EXPECT_EQ(count(twice("effect")), 0);
  EXPECT_EQ(count("effect"), count("cron_run WHERE status = 'done'"));
  std::cout << count("cron_run WHERE status = 'interrupted'") << " of " << expected
            << " runs were interrupted\n";
}

// By the system's clock: what everything else here is told, the processes find out by waiting.
TEST_F(CronProcesses, GoByTheSystemClock) {
  now_ = std::chrono::system_clock::now();
  add("@every 100ms", "effect");
  std::vector<ChildProcess> processes;
  for (int i = 0; i < 4; ++i) {
    processes.emplace_back(std::vector<std::string>{actor_path("cron"), path_, "30000", "system"});
    ASSERT_EQ(processes.back().read_line(), "ready");
  }
  Told<std::int64_t> told;
  const Observation done = database_.lane("test").observe_query<std::int64_t>(
      "SELECT count(*) FROM effect",
      [&](const std::vector<std::int64_t>& counts) { told.add(counts.at(0)); });
  for (ChildProcess& process : processes)
    ASSERT_EQ(process.ask("start"), "ok");
  told.wait_until([](const auto& counts) { return !counts.empty() && counts.back() >= 20; });
  for (ChildProcess& process : processes)
    ASSERT_EQ(process.ask("stop"), "ok");
  EXPECT_EQ(count(twice("effect")), 0);
  EXPECT_EQ(count("cron_run WHERE status = 'done'"), count("effect"));
  EXPECT_EQ(count("cron_run WHERE status NOT IN ('done', 'queued')"), 0);
}

}  // namespace
}  // namespace turnstile::test
