// Tasks of several processes: each is done once, also when workers are killed or stand still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "support/reply.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr milliseconds kShortLease = 500ms * TURNSTILE_TEST_SLOWDOWN;

// A task_actor; what its handlers say is told apart from what it answers.
class Worker {
 public:
  Worker(const std::string& path, int workers, milliseconds lease = 30s)
      : process_({actor_path("task")}) {
    must("open " + path + " " + std::to_string(workers) + " " + std::to_string(lease.count()));
  }

  [[nodiscard]] ChildProcess& process() noexcept { return process_; }

  Reply must(const std::string& command) {
    process_.send(command);
    for (;;) {
      Reply reply = Reply::parse(process_.read_line());
      if (!reply.text("event").empty()) {
        events_.push_back(reply);
        continue;
      }
      EXPECT_TRUE(reply.ok()) << command << ": " << reply.line();
      return reply;
    }
  }
  // Waits for what a handler says.
  Reply event(std::string_view name) {
    for (;;) {
      const auto found = std::ranges::find_if(
          events_, [&](const Reply& reply) { return reply.text("event") == name; });
      if (found != events_.end()) {
        Reply event = *found;
        events_.erase(found);
        return event;
      }
      events_.push_back(Reply::parse(process_.read_line()));
    }
  }

 private:
  ChildProcess process_;
  std::vector<Reply> events_;
};

class TaskProcesses : public testing::Test {
 protected:
  TaskProcesses()
      : path_(directory_.file("tasks.db")),
        database_(Database::open(
            path_, {.busy_timeout = 60s,
                    .migrations = {{1, "effects",
                                    "CREATE TABLE effect(task INTEGER, attempt INTEGER);"
                                    "CREATE TABLE active(task INTEGER PRIMARY KEY);"
                                    "CREATE TABLE overlap(n INTEGER)"}}})),
        tasks_(database_.lane("tasks"), {.keep_finished = 100'000}) {}

  std::vector<TaskId> put(const std::string& kind, int count, int max_attempts = 100) {
    NewTask task;
    task.kind = kind;
    task.max_attempts = max_attempts;
    return tasks_.enqueue(std::vector<NewTask>(static_cast<std::size_t>(count), task));
  }

  [[nodiscard]] bool all_done() const {
    const TaskCounts counts = tasks_.counts();
    return counts.pending == 0 && counts.running == 0;
  }

  // The detector: tasks that have another number of effects than one.
  [[nodiscard]] std::vector<TaskId> not_done_once() const {
    return database_.lane("check").read([](ReadTx& tx) {
      return tx
          .query<TaskId>(
              "SELECT id FROM task_item WHERE (SELECT count(*) FROM effect"
              " WHERE task = id) <> 1 ORDER BY id")
          .all();
    });
  }

  TempDir directory_;
  const std::string path_;
  Database database_;
  TaskQueue tasks_;
};

TEST_F(TaskProcesses, DoEachTaskOnce) {
  constexpr int kTasks = 400;
  put("effect", kTasks);
  std::vector<Worker> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back(path_, 2);
  for (Worker& worker : workers)
    worker.must("start");
  EXPECT_TRUE(soon([this] { return all_done(); }));
  std::int64_t done = 0;
  for (Worker& worker : workers) {
    const Reply closed = worker.must("close");
    done += closed.number("done");
    EXPECT_EQ(closed.number("storage_failures"), 0);
    std::cout << "a process did " << closed.number("done") << " tasks\n";
  }
  EXPECT_EQ(done, kTasks);
  EXPECT_THAT(not_done_once(), IsEmpty());
}

TEST_F(TaskProcesses, FeedEachOther) {
  std::vector<Worker> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back(path_, 2);
    workers.back().must("start");
  }
  workers[0].must("enqueue effect 100");
  workers[1].must("enqueue effect 100");
  EXPECT_TRUE(soon([this] { return all_done(); }));
  EXPECT_EQ(tasks_.counts().done, 200);
  EXPECT_THAT(not_done_once(), IsEmpty());
}

// BG-06: with 3 running and 5 pending, a kill -9 interrupts the three, and all eight go on.
TEST_F(TaskProcesses, TakeOverFromOneThatIsKilled) {
  const auto held = put("hold", 3);
  Worker killed(path_, 3, kShortLease);
  killed.must("start");
  for (int i = 0; i < 3; ++i)
    killed.event("begun");
  put("effect", 5);
  killed.process().kill();
  EXPECT_EQ(tasks_.counts(), (TaskCounts{.pending = 5, .ready = 5, .running = 3}));
  EXPECT_TRUE(soon([this] {
    tasks_.recover();
    return tasks_.counts().pending == 8;
  }));
  for (const TaskId id : held) {
    const auto attempts = tasks_.attempts(id);
    ASSERT_EQ(attempts.size(), 1U);
    EXPECT_EQ(attempts.front().outcome, AttemptOutcome::Interrupted);
  }
  Worker heir(path_, 4);
  heir.must("start");
  std::set<TaskId> begun;
  for (int i = 0; i < 3; ++i)
    begun.insert(heir.event("begun").number("task"));
  EXPECT_EQ(begun, std::set<TaskId>(held.begin(), held.end()));
}

// Nobody asks for it: the idle worker of another process wakes when the lease is over.
TEST_F(TaskProcesses, WakeUpWhenTheLeaseOfADeadOneIsOver) {
  const auto held = put("hold", 1);
  Worker killed(path_, 1, kShortLease);
  killed.must("start");
  killed.event("begun");
  Worker heir(path_, 1, kShortLease);
  heir.must("start");
  killed.process().kill();
  EXPECT_EQ(heir.event("begun").number("task"), held.front());
}

TEST_F(TaskProcesses, LoseNothingWhenTheyAreKilledAgainAndAgain) {
  std::mt19937_64 random(test_seed());
  constexpr int kTasks = 600;
  put("effect", kTasks);
  std::vector<Worker> workers;
  const auto add_worker = [&] {
    workers.emplace_back(path_, 2, kShortLease);
    workers.back().must("start");
  };
  for (int i = 0; i < 4; ++i)
    add_worker();
  std::int64_t before = 0;
  for (int kill = 0; kill < 8 && !all_done(); ++kill) {
    EXPECT_TRUE(soon([&] { return all_done() || tasks_.counts().done >= before + 20; }));
    before = tasks_.counts().done;
    const auto victim = workers.begin() + static_cast<std::ptrdiff_t>(random() % workers.size());
    victim->process().kill();
    std::vector<Worker> others;
    for (auto each = workers.begin(); each != workers.end(); ++each)
      if (each != victim) others.push_back(std::move(*each));
    workers = std::move(others);
    add_worker();
  }
  EXPECT_TRUE(soon([this] { return all_done(); }));
  EXPECT_EQ(tasks_.counts(), (TaskCounts{.done = kTasks}));
  EXPECT_THAT(not_done_once(), IsEmpty());
}

// A worker stands still until its lease is over; another one does its task; then it goes on.
void let_one_come_late(Worker& late, Worker& heir, const std::string& kind,
                       const TaskQueue& tasks) {
  NewTask task;
  task.kind = kind;
  late.must("start");
  const TaskId id = tasks.enqueue(task);
  late.event("begun");
  late.process().signal(SIGSTOP);
  late.process().wait_until_stopped();
  heir.must("go");
  heir.must("start");
  heir.event("begun");
  EXPECT_TRUE(soon([&] { return tasks.find(id)->state == TaskState::Done; }));
  late.process().signal(SIGCONT);
  late.must("go");
}

TEST_F(TaskProcesses, RefuseTheEndOfOneThatComesTooLate) {
  Worker late(path_, 1, kShortLease);
  Worker heir(path_, 1, kShortLease);
  let_one_come_late(late, heir, "late", tasks_);
  late.event("refused");
  EXPECT_THAT(not_done_once(), IsEmpty());
}

// The fixture that shows that the detector works: without fencing the effect is there twice.
TEST_F(TaskProcesses, DoATaskTwiceWithoutFencing) {
  Worker late(path_, 1, kShortLease);
  Worker heir(path_, 1, kShortLease);
  let_one_come_late(late, heir, "late_unfenced", tasks_);
  late.event("written");
  EXPECT_THAT(not_done_once(), ElementsAre(1));
}

std::int64_t most_at_once(const Database& database) {
  return database.lane("check").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT max(n) FROM overlap").one(); });
}

TEST_F(TaskProcesses, KeepToTheLimitOfAQueueTogether) {
  tasks_.configure("default", {.max_running = 3});
  put("overlap", 200);
  std::vector<Worker> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back(path_, 2);
  for (Worker& worker : workers)
    worker.must("start");
  EXPECT_TRUE(soon([this] { return all_done(); }));
  EXPECT_LE(most_at_once(database_), 3);
  EXPECT_GE(most_at_once(database_), 2);
}

// The fixture for it: without a limit there are more.
TEST_F(TaskProcesses, RunMoreAtOnceWithoutALimit) {
  put("overlap", 200);
  std::vector<Worker> workers;
  for (int i = 0; i < 4; ++i)
    workers.emplace_back(path_, 2);
  for (Worker& worker : workers)
    worker.must("start");
  EXPECT_TRUE(soon([this] { return all_done(); }));
  EXPECT_GT(most_at_once(database_), 3);
}

TEST_F(TaskProcesses, StopATaskThatIsCancelledElsewhere) {
  const auto held = put("hold", 1);
  Worker worker(path_, 1);
  worker.must("start");
  worker.event("begun");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(tasks_.cancel(held.front()));
  worker.event("cancelled");
  const auto took = std::chrono::steady_clock::now() - start;
  std::cout << "a cancel was heard in another process after "
            << duration_cast<microseconds>(took).count() << " us\n";
  EXPECT_LT(took, 2s * TURNSTILE_TEST_SLOWDOWN);
  EXPECT_TRUE(soon([&] { return !tasks_.attempts(held.front()).front().lease_until.has_value(); }));
}

TEST_F(TaskProcesses, CostNothingWhileThereIsNothingToDo) {
  put("effect", 20);
  NewTask later;
  later.kind = "effect";
  later.delay = 1h;
  tasks_.enqueue(later);
  Worker worker(path_, 4);
  worker.must("start");
  EXPECT_TRUE(soon([this] { return tasks_.counts().done == 20; }));
  const auto before = worker.must("cpu").number("us");
  // sleep: idle time is what is measured.
  std::this_thread::sleep_for(2s);
  const auto used = worker.must("cpu").number("us") - before;
  std::cout << "an idle pool of 4 took " << used << " us of processor time in 2 s\n";
  EXPECT_LT(used, 10'000 * TURNSTILE_TEST_SLOWDOWN);
}

TEST_F(TaskProcesses, WakeUpSoonForATaskOfAnotherProcess) {
  Worker worker(path_, 2);
  worker.must("start");
  constexpr std::size_t kTasks = 200;
  std::vector<microseconds> latencies;
  for (std::size_t i = 0; i < kTasks; ++i) {
    const TaskTime start = tasks_.now();
    const TaskId id = put("clock", 1).front();
    EXPECT_TRUE(soon([&] { return tasks_.find(id)->state == TaskState::Done; }));
    latencies.push_back(microseconds(std::get<std::int64_t>(tasks_.result(id))) -
                        start.time_since_epoch());
  }
  std::ranges::sort(latencies);
  std::cout << "a task of another process was begun after p50 " << latencies[kTasks / 2].count()
            << " us, p99 " << latencies[kTasks * 99 / 100].count() << " us, longest "
            << latencies.back().count() << " us\n";
  EXPECT_LT(latencies[kTasks / 2], 100ms * TURNSTILE_TEST_SLOWDOWN);
}

}  // namespace
}  // namespace turnstile::test
