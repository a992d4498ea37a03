// The examples of docs/guide/tasks.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "support/temp_dir.h"
#include "support/told.h"
#include "turnstile/task_worker.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class GuideToTasks : public testing::Test {
 protected:
  static Options schema() {
    return {.migrations = {{1, "tables",
                            "CREATE TABLE orders(id INTEGER PRIMARY KEY, buyer TEXT);"
                            "CREATE TABLE account(id TEXT PRIMARY KEY, balance INTEGER);"
                            "INSERT INTO account VALUES ('ada', 100)"}}};
  }

  TempDir directory_;
  const Database db = Database::open(directory_.file("app.db"), schema());
};

TEST_F(GuideToTasks, ShowsHowATaskIsPutIn) {
  turnstile::TaskQueue tasks(db.lane("tasks"));
  db.lane("orders").write([&](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO orders(id, buyer) VALUES (?, ?)", 7, "ada@example.org");
    tasks.enqueue(tx, {.kind = "send_mail", .payload = std::string(R"({"order": 7})")});
  });
  EXPECT_EQ(tasks.counts().pending, 1);
}

TEST_F(GuideToTasks, ShowsWhatElseATaskCanSay) {
  const TaskQueue tasks(db.lane("tasks"));
  const turnstile::TaskId report = tasks.enqueue({
      .queue = "reports",
      .kind = "build_report",
      .priority = 10,
      .delay = 5s,
      .key = "report 2026-03",
      .max_attempts = 5,
      .backoff = {.first = 2s, .factor = 3, .max = 10min},
      .timeout = 1min,
  });
  tasks.enqueue({.queue = "reports", .kind = "send_report", .after = {report}});
  EXPECT_EQ(tasks.counts(), (TaskCounts{.pending = 2}));
}

TEST_F(GuideToTasks, ShowsHowTasksAreWorkedOn) {
  const TaskQueue tasks(db.lane("tasks"));
  Told<std::string> sent;
  const auto send_mail = [&](const std::string& mail) { sent.add(mail); };
  turnstile::WorkerPool pool(tasks, {.queues = {"default", "reports"}, .workers = 2});
  pool.handle("send_mail", [&](turnstile::TaskContext& context) {
    send_mail(context.text());
    return turnstile::TaskResult::done();
  });
  pool.start();
  tasks.enqueue({.kind = "send_mail", .payload = std::string("hello")});
  EXPECT_THAT(sent.wait_for(1), ElementsAre("hello"));
  EXPECT_TRUE(pool.wait_until_empty());
  const turnstile::StopReport report = pool.stop(10s);
  for (const turnstile::TaskId id : report.still_running)
    std::cerr << "task " << id << " has not stopped\n";
  EXPECT_TRUE(report.complete);
}

TEST_F(GuideToTasks, ShowsHowAnEffectHappensOnce) {
  const TaskQueue tasks(db.lane("tasks"));
  const Lane accounts = db.lane("accounts");
  WorkerPool pool(tasks);
  pool.handle("charge", [&](turnstile::TaskContext& context) {
    accounts.write([&](turnstile::WriteTx& tx) {
      tx.execute("UPDATE account SET balance = balance - 10 WHERE id = ?", context.text());
      context.complete_in(tx);
    });
    return turnstile::TaskResult::done();
  });
  pool.start();
  tasks.enqueue({.kind = "charge", .payload = std::string("ada")});
  EXPECT_TRUE(pool.wait_until_empty());
  EXPECT_EQ(
      accounts.read([](ReadTx& tx) { return tx.query<int>("SELECT balance FROM account").one(); }),
      90);
}

TEST_F(GuideToTasks, ShowsHowAHandlerStops) {
  const TaskQueue tasks(db.lane("tasks"));
  std::vector<int> pages;
  const auto index_page = [&](int page) { pages.push_back(page); };
  WorkerPool pool(tasks, {.workers = 1});
  pool.handle("index", [&](turnstile::TaskContext& context) {
    for (int page = 0; page < 100; ++page) {
      context.throw_if_stopped();
      index_page(page);
      context.progress(page / 100.0, "page " + std::to_string(page));
    }
    return turnstile::TaskResult::done();
  });
  pool.start();
  tasks.enqueue({.kind = "index"});
  EXPECT_TRUE(pool.wait_until_empty());
  EXPECT_TRUE(pool.stop().complete);
  EXPECT_EQ(pages.size(), 100U);
}

TEST_F(GuideToTasks, ShowsHowAQueueIsLimited) {
  const TaskQueue tasks(db.lane("tasks"));
  tasks.configure("reports", {.max_running = 2});
  tasks.configure("reports", {.max_running = 2, .paused = true});
  EXPECT_TRUE(tasks.stats().front().settings.paused);
}

TEST_F(GuideToTasks, ShowsHowTasksAreLookedAt) {
  const TaskQueue tasks(db.lane("tasks"));
  for (const turnstile::Task& task : tasks.list({.state = turnstile::TaskState::Failed}))
    std::cerr << task.id << ' ' << task.kind << ": " << task.error << '\n';
  const turnstile::TaskCounts counts = tasks.counts();
  EXPECT_EQ(counts, TaskCounts{});
}

}  // namespace
}  // namespace turnstile::test
