// All five subsystems work at once in several processes, one of which is killed again and again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/audit_database.h"
#include "support/child_process.h"
#include "support/subsystems.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "turnstile/audit_trail.h"
#include "turnstile/cron.h"
#include "turnstile/task_worker.h"
#include "turnstile/text.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using testing::AnyOf;
using testing::IsEmpty;

// A process of the application, and what it has acknowledged.
class Process {
 public:
  Process(const std::string& path, std::string name)
      : name_(std::move(name)),
        child_(std::make_unique<ChildProcess>(
            std::vector<std::string>{actor_path("subsystems"), path, name_})) {}

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] std::int64_t memos() const noexcept { return memos_; }
  [[nodiscard]] std::int64_t events() const noexcept { return events_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  // What it has said by now.
  void listen() {
    while (child_->has_line())
      hear(child_->read_line());
  }
  void kill() {
    child_->signal(SIGKILL);
    hear_the_rest();
    child_->wait();
  }
  void stop() {
    child_->close_input();
    hear_the_rest();
    EXPECT_EQ(child_->wait(), 0) << name_;
    EXPECT_TRUE(ended_) << name_ << " did not come to its end";
  }

 private:
  void hear(const std::string& line) {
    if (line.starts_with("memo "))
      memos_ = std::stoll(line.substr(5));
    else if (line.starts_with("event "))
      events_ = std::stoll(line.substr(6));
    else
      ended_ = line == "end";
  }
  void hear_the_rest() {
    while (const auto line = child_->next_line())
      hear(*line);
  }

  std::string name_;
  std::unique_ptr<ChildProcess> child_;
  std::int64_t memos_ = 0;
  std::int64_t events_ = 0;
  bool ended_ = false;
};

// Kills one of them each period, for as long as is asked; then works off what is left to do.
class FiveSubsystems : public testing::Test {
 protected:
  void run(int kills, std::chrono::milliseconds between) {
    std::mt19937_64 random(test_seed());
    for (int i = 0; i < kProcesses; ++i)
      start();
    // The first process makes the tables; the job is the test's.
    Scheduler(database_.lane("test")).add(job());
    for (int kill = 0; kill < kills; ++kill) {
      listen_until(steady_clock::now() + between);
      const std::size_t victim = random() % running_.size();
      running_[victim]->kill();
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(victim));
      start();
    }
    listen_until(steady_clock::now() + between);
    Scheduler(database_.lane("test")).pause(kMemoJob);
    for (Process* process : running_)
      process->stop();
    work_off();
  }

  std::int64_t count(const std::string& what) {
    return database_.lane("test").read(
        [&](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM " + what).one(); });
  }
  std::vector<std::string> strings(const std::string& sql) {
    return database_.lane("test").read(
        [&](ReadTx& tx) { return tx.query<std::string>(sql).all(); });
  }

  void expect_every_memo_whole() {
    std::set<std::string> kept;
    for (std::string& key : strings("SELECT key FROM memo"))
      kept.insert(std::move(key));
    const VectorCollection vectors = VectorStore(database_.lane("vectors")).open("memos");
    std::int64_t acknowledged = 0;
    for (const Process& process : all_) {
      for (std::int64_t n = 1; n <= process.memos(); ++n) {
        const std::string key = process.name() + "-" + std::to_string(n);
        ASSERT_TRUE(kept.contains(key)) << key << " was acknowledged and is lost";
        ++acknowledged;
      }
    }
    EXPECT_EQ(vectors.stats().items, std::ssize(kept));
    EXPECT_THAT(vectors.check(), IsEmpty());
    const TextIndex text(database_.lane("text"), memo_text());
    EXPECT_FALSE(text.needs_rebuild());
    EXPECT_THAT(text.check(), IsEmpty());
    EXPECT_EQ(count("audit_event WHERE action = 'keep'"), std::ssize(kept));
    EXPECT_EQ(strings("SELECT subject FROM audit_event WHERE action = 'keep' "
                      "AND subject NOT IN (SELECT key FROM memo)"),
              std::vector<std::string>());
    std::cout << acknowledged << " memos acknowledged, " << kept.size() << " kept\n";
    EXPECT_GT(acknowledged, 0);
  }

  void expect_every_flushed_event() {
    std::int64_t acknowledged = 0;
    for (const Process& process : all_) {
      acknowledged += process.events();
      EXPECT_GE(count("audit_event WHERE action = 'act' AND actor = '" + process.name() + "'"),
                process.events());
    }
    EXPECT_THAT(findings_of(AuditTrail(database_.lane("audit")).verify()), IsEmpty());
    std::cout << acknowledged << " audit events flushed\n";
    EXPECT_GT(acknowledged, 0);
  }

  // Each memo and each tick has put one in.
  void expect_every_task_done_once() {
    const TaskCounts counts = TaskQueue(database_.lane("tasks"), tasks_).counts();
    EXPECT_EQ(counts.done, count("memo") + count("cron_effect"));
    EXPECT_EQ(counts.failed + counts.cancelled + counts.pending + counts.running, 0);
    EXPECT_EQ(count("task_effect"), counts.done);
    EXPECT_EQ(count("(SELECT DISTINCT task FROM task_effect)"), counts.done);
    std::cout << counts.done << " tasks done\n";
  }

  // A run whose process was killed is told as interrupted and not repeated, and one that waited
  // when the job was paused as cancelled; all others were done once.
  void expect_every_due_time_once() {
    const Scheduler cron(database_.lane("test"), cron_);
    std::map<microseconds, int> runs;
    std::int64_t done = 0;
    for (const CronRecord& record : cron.history(kMemoJob, 100'000)) {
      ++runs[std::chrono::floor<microseconds>(record.due.time_since_epoch())];
      if (record.status == CronStatus::Done) ++done;
      EXPECT_THAT(record.status,
                  AnyOf(CronStatus::Done, CronStatus::Interrupted, CronStatus::Cancelled))
          << to_string(record.status) << ": " << record.text;
    }
    ASSERT_GT(runs.size(), 1U);
    microseconds expected = runs.begin()->first;
    for (const auto& [due, times] : runs) {
      EXPECT_EQ(due, expected) << "a due time was forgotten";
      EXPECT_EQ(times, 1) << "a due time was run twice";
      expected = due + kMemoPeriod;
    }
    EXPECT_EQ(count("cron_effect"), done);
    EXPECT_EQ(count("(SELECT DISTINCT due FROM cron_effect)"), done);
    std::cout << runs.size() << " due times, " << done << " done\n";
  }

 private:
  static constexpr int kProcesses = 3;

  static CronJobSpec job() {
    CronJobSpec spec{.name = kMemoJob,
                     .schedule = "@every " + std::to_string(kMemoPeriod.count()) + "ms",
                     .kind = "tick"};
    spec.missed = MissedRuns::All;
    spec.missed_limit = 10'000;
    spec.overlap = Overlap::Allow;
    return spec;
  }

  void start() {
    running_.push_back(
        &all_.emplace_back(directory_.file("app.db"), "p" + std::to_string(all_.size())));
  }
  void listen_until(steady_clock::time_point end) {
    while (steady_clock::now() < end) {
      for (Process* process : running_)
        process->listen();
      // sleep: kills come at a pace, while the processes do what they like.
      std::this_thread::sleep_for(5ms);
    }
  }
  void work_off() {
    const TaskQueue queue(database_.lane("tasks"), tasks_);
    WorkerPool pool(queue);
    pool.handle("index", [this](TaskContext& context) {
      database_.lane("app").write([&](WriteTx& tx) {
        tx.execute("INSERT INTO task_effect VALUES (?, ?)", context.task().id,
                   context.task().attempt);
        context.complete_in(tx);
      });
      return TaskResult::done();
    });
    Scheduler cron(database_.lane("test"), cron_);
    cron.handle("tick", [](CronRun&) { return CronOutcome::failed("the job is paused"); });
    cron.start();
    EXPECT_TRUE(cron.wait_until_idle(patience()));
    pool.start();
    EXPECT_TRUE(pool.wait_until_empty());
  }

  const TempDir directory_;
  const Database database_ = Database::open(directory_.file("app.db"), memo_options());
  const TaskOptions tasks_{.lease = 2s, .keep_finished = 10'000'000};
  const CronOptions cron_{.lease = 2s, .history_per_job = 100'000};
  std::deque<Process> all_;
  std::vector<Process*> running_;
};

// Nothing acknowledged is lost, no task is completed twice, no due time runs twice or is forgotten,
// the audit chain verifies. TURNSTILE_TEST_KILLS kills, one a second, in `./dev test --slow`.
TEST_F(FiveSubsystems, LoseNothingWhenAProcessIsKilledAgainAndAgain) {
  const int kills = test_size("TURNSTILE_TEST_KILLS", 5);
  run(kills, std::chrono::milliseconds(test_size("TURNSTILE_TEST_KILL_MS", 400)));
  expect_every_memo_whole();
  expect_every_flushed_event();
  expect_every_task_done_once();
  expect_every_due_time_once();
  EXPECT_EQ(strings("PRAGMA integrity_check"), std::vector<std::string>{"ok"});
}

}  // namespace
}  // namespace turnstile::test
