// Interleavings of tasks, forced: two claims, an end after the lease was lost, a cancel and a stop
// in the middle of things, and the writer who keeps everybody waiting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <iostream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/door.h"
#include "support/interleaving.h"
#include "support/task_database.h"
#include "support/told.h"
#include "turnstile/task_worker.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;

// Each thread claims until there is nothing left.
TEST(TaskClaims, AreOfOneThreadEach) {
  TaskDatabase tasks;
  constexpr std::size_t kTasks = 400;
  tasks->enqueue(std::vector<NewTask>(kTasks, work()));
  std::mutex mutex;
  std::vector<TaskId> claimed;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        while (const auto claim = tasks->claim()) {
          const std::lock_guard lock(mutex);
          claimed.push_back(claim->id);
        }
      });
    }
  }
  EXPECT_EQ(claimed.size(), kTasks);
  EXPECT_EQ(std::set<TaskId>(claimed.begin(), claimed.end()).size(), kTasks);
}

// The fixture that shows that the test above can fail: a claim that looks and takes in two
// transactions gives one task to two threads.
TEST(TaskClaims, ThatLookFirstAndTakeLaterAreOfTwoThreads) {
  TaskDatabase tasks;
  tasks->enqueue(work());
  const auto look = [&] {
    return tasks.lane().read([](ReadTx& tx) {
      return tx.query<TaskId>("SELECT id FROM task_item WHERE state = 'pending'").all();
    });
  };
  const auto first = look();
  const auto second = look();
  EXPECT_EQ(first, second);
}

class PoolInterleaving : public testing::Test {
 protected:
  TaskDatabase tasks_{{.lease = 30s}};
  WorkerPool pool_{tasks_.queue(), {.workers = 1}};
};

// Two pools see the same task; the one that comes second goes back to sleep.
TEST_F(PoolInterleaving, FindsATaskThatAnotherTakesBeforeIt) {
  AtPoint looked("Crew::next:looked", 1);
  std::atomic<int> runs{0};
  pool_.handle("work", [&](TaskContext&) {
    ++runs;
    return TaskResult::done();
  });
  tasks_->enqueue(work());
  pool_.start();
  looked.wait_until_reached();
  const TaskClaim claim = tasks_.must_claim();
  looked.release();
  ASSERT_TRUE(tasks_->complete(claim));
  EXPECT_TRUE(pool_.wait_until_empty());
  EXPECT_TRUE(pool_.stop().complete);
  EXPECT_EQ(runs, 0);
}

// A worker stands still until its lease is over, and somebody else does the task.
TEST_F(PoolInterleaving, RefusesTheEndOfAWorkerThatLostItsLease) {
  AtPoint handled("TaskRunner::run:handled", 1);
  pool_.handle("work", [](TaskContext&) { return TaskResult::done(std::string("late")); });
  const TaskId id = tasks_->enqueue(work());
  pool_.start();
  handled.wait_until_reached();
  tasks_.clock().advance(1h);
  const TaskClaim second = tasks_.must_claim();
  ASSERT_TRUE(tasks_->complete(second, std::string("right")));
  handled.release();
  EXPECT_TRUE(pool_.stop().complete);
  EXPECT_EQ(tasks_->result(id), Value(std::string("right")));
  EXPECT_EQ(pool_.metrics().refused, 1);
  EXPECT_EQ(pool_.metrics().done, 0);
}

// The cancel comes when the handler has returned, and its result is not stored yet.
TEST_F(PoolInterleaving, DoesNotOverwriteACancelThatComesBeforeTheEnd) {
  AtPoint handled("TaskRunner::run:handled", 1);
  pool_.handle("work", [](TaskContext&) { return TaskResult::done(); });
  const TaskId id = tasks_->enqueue(work());
  pool_.start();
  handled.wait_until_reached();
  EXPECT_TRUE(tasks_->cancel(id));
  handled.release();
  EXPECT_TRUE(pool_.stop().complete);
  EXPECT_EQ(tasks_.state(id), TaskState::Cancelled);
}

// A task is claimed when the stop comes, and its handler has not begun.
TEST_F(PoolInterleaving, GivesBackATaskThatWasClaimedDuringAStop) {
  AtPoint claimed("TaskRunner::run:claimed", 1);
  AtPoint asked("Crew::ask_to_stop:asked");
  std::atomic<int> runs{0};
  pool_.handle("work", [&](TaskContext&) {
    ++runs;
    return TaskResult::stopped();
  });
  const TaskId id = tasks_->enqueue(work());
  pool_.start();
  claimed.wait_until_reached();
  std::jthread stops([&] { EXPECT_TRUE(pool_.stop().complete); });
  asked.wait_until_reached();
  claimed.release();
  stops.join();
  EXPECT_EQ(tasks_.state(id), TaskState::Pending);
  EXPECT_EQ(tasks_->find(id).value().tries_left, 3);
}

// The look has found a task when the stop comes.
TEST_F(PoolInterleaving, RunsNothingThatIsFoundDuringAStop) {
  AtPoint looked("Crew::next:looked", 1);
  AtPoint asked("Crew::ask_to_stop:asked");
  std::atomic<int> runs{0};
  pool_.handle("work", [&](TaskContext&) {
    ++runs;
    return TaskResult::done();
  });
  const TaskId id = tasks_->enqueue(work());
  pool_.start();
  looked.wait_until_reached();
  std::jthread stops([&] { EXPECT_TRUE(pool_.stop().complete); });
  asked.wait_until_reached();
  looked.release();
  stops.join();
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(tasks_.state(id), TaskState::Pending);
}

TEST_F(PoolInterleaving, ExtendsTheLeaseOfAHandlerThatTakesLong) {
  Door begun;
  Door door;
  pool_.handle("work", [&](TaskContext&) {
    begun.open();
    door.pass();
    return TaskResult::done();
  });
  const TaskId id = tasks_->enqueue(work());
  pool_.start();
  begun.pass();
  for (int i = 0; i < 5; ++i) {
    const auto before = tasks_->attempts(id).at(0).lease_until.value();
    tasks_.clock().advance(15s);
    Told<int> extended;
    const Observation observation =
        tasks_.lane().observe({"task_attempt"}, [&](const Change&) { extended.add(1); });
    pool_.wake();
    extended.wait_until(
        [&](const auto&) { return tasks_->attempts(id).at(0).lease_until.value() > before; });
  }
  door.open();
  EXPECT_TRUE(pool_.wait_until_empty());
  EXPECT_EQ(tasks_->find(id).value().attempts, 1);
}

TEST_F(PoolInterleaving, StopsAHandlerWhoseLeaseCouldNotBeExtended) {
  Door begun;
  Told<TaskStop> reasons;
  pool_.handle("work", [&](TaskContext& context) {
    begun.open();
    wait_for_stop(context.stop_token());
    reasons.add(context.stop_reason());
    return TaskResult::done();
  });
  tasks_->enqueue(work());
  pool_.start();
  begun.pass();
  tasks_.clock().advance(31s);
  pool_.wake();
  EXPECT_THAT(reasons.wait_for(1), ElementsAre(TaskStop::LeaseLost));
}

TEST_F(PoolInterleaving, TakesAnExpiredTaskOfAnotherWorkerWhenItsTimeComes) {
  const TaskId id = tasks_->enqueue(work());
  static_cast<void>(tasks_.must_claim());
  Told<std::int64_t> attempts;
  pool_.handle("work", [&](TaskContext& context) {
    attempts.add(context.task().attempt);
    return TaskResult::done();
  });
  pool_.start();
  tasks_.clock().advance(30s);
  pool_.wake();
  EXPECT_THAT(attempts.wait_for(1), ElementsAre(2));
  EXPECT_TRUE(pool_.wait_until_empty());
  EXPECT_EQ(tasks_.state(id), TaskState::Done);
}

// BG-08: whoever submits does not wait for the writer, nor does whoever looks, and no lock of the
// queue is held meanwhile.
TEST(TaskSubmission, ReturnsAtOnceWhileSomebodyElseWrites) {
  TaskDatabase tasks;
  Door writing;
  Door done;
  std::jthread writer([&] {
    tasks.lane("writer").write([&](WriteTx& tx) {
      tx.execute("UPDATE task_queue SET paused = paused");
      writing.open();
      done.pass();
    });
  });
  writing.pass();
  std::vector<microseconds> submits;
  std::vector<microseconds> looks;
  std::vector<std::future<TaskId>> futures;
  const auto timed = [](std::vector<microseconds>& times, const auto& call) {
    const auto start = steady_clock::now();
    call();
    times.push_back(duration_cast<microseconds>(steady_clock::now() - start));
  };
  for (int i = 0; i < 100; ++i) {
    timed(submits, [&] { futures.push_back(tasks->submit(work())); });
    timed(looks, [&] {
      EXPECT_EQ(tasks->counts(), TaskCounts{});
      EXPECT_TRUE(tasks->list().empty());
    });
  }
  done.open();
  for (auto& future : futures)
    future.get();
  EXPECT_EQ(tasks->counts().pending, 100);
  std::ranges::sort(submits);
  std::ranges::sort(looks);
  std::cout << "while somebody writes: submit p99 " << submits[98].count()
            << " us, list and counts p99 " << looks[98].count() << " us\n";
  EXPECT_LT(submits[98], 5ms * TURNSTILE_TEST_SLOWDOWN);
  EXPECT_LT(looks[98], 5ms * TURNSTILE_TEST_SLOWDOWN);
}

// Workers, submitters, cancels and looks at once; in the end each task has one end.
TEST(TaskPools, LoseNothingWhenEverybodyIsAtItAtOnce) {
  TaskDatabase tasks({.keep_finished = 100'000});
  const Lane lane = tasks.lane();
  lane.write([](WriteTx& tx) { tx.execute("CREATE TABLE effect(task INTEGER PRIMARY KEY)"); });
  tasks->configure("default", {.max_running = 3});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  const TaskHandler handler = [&](TaskContext& context) {
    const int now = ++running;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    lane.write([&](WriteTx& tx) {
      tx.execute("INSERT INTO effect VALUES (?)", context.task().id);
      --running;  // Before the commit, after which another one may begin.
      context.complete_in(tx);
    });
    return TaskResult::done();
  };
  WorkerPool first(tasks.queue(), {.workers = 3});
  WorkerPool second(tasks.queue(), {.workers = 3});
  first.handle("work", handler);
  second.handle("work", handler);
  first.start();
  second.start();
  constexpr int kEach = 150;
  {
    std::vector<std::jthread> submitters;
    for (int i = 0; i < 3; ++i) {
      submitters.emplace_back([&] {
        for (int n = 0; n < kEach; ++n)
          tasks->enqueue(work());
      });
    }
  }
  EXPECT_TRUE(first.wait_until_empty());
  EXPECT_TRUE(first.stop().complete);
  EXPECT_TRUE(second.stop().complete);
  const auto effects = lane.read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM effect").one(); });
  EXPECT_EQ(effects, 3 * kEach);
  EXPECT_EQ(tasks->counts().done, 3 * kEach);
  EXPECT_LE(most, 3);
  EXPECT_EQ(first.metrics().done + second.metrics().done, 3 * kEach);
}

}  // namespace
}  // namespace turnstile::test
