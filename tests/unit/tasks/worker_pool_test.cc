// The threads that work: handlers, their ends, stopping, notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/door.h"
#include "support/forked.h"
#include "support/log_events.h"
#include "support/task_database.h"
#include "support/thrown.h"
#include "support/told.h"
#include "turnstile/task_worker.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

// A queue with the system's clock, and a pool with one handler, of the kind `work`.
class Pool : public testing::Test {
 protected:
  Pool()
      : database_(Database::open(directory_.file("tasks.db"))), queue_(database_.lane("tasks")) {}

  WorkerPool& start(TaskHandler handler, WorkerPoolOptions options = {.workers = 2}) {
    pool_.emplace(queue_, std::move(options));
    pool_->handle("work", std::move(handler));
    pool_->start();
    return *pool_;
  }
  // Runs what is there to its end.
  void work_off(TaskHandler handler, WorkerPoolOptions options = {.workers = 2}) {
    EXPECT_TRUE(start(std::move(handler), std::move(options)).wait_until_empty());
    EXPECT_TRUE(pool_->stop().complete);
  }

  [[nodiscard]] static NewTask once() {
    NewTask task = work();
    task.max_attempts = 1;
    return task;
  }
  [[nodiscard]] Task find(TaskId id) const { return queue_.find(id).value(); }
  [[nodiscard]] AttemptOutcome outcome(TaskId id, std::size_t attempt = 0) const {
    return queue_.attempts(id).at(attempt).outcome.value();
  }

  TempDir directory_;
  Database database_;
  TaskQueue queue_;
  std::optional<WorkerPool> pool_;
};

TEST_F(Pool, RunsATaskAndKeepsItsResult) {
  const TaskId id = queue_.enqueue(work(std::string("6*7")));
  work_off([](TaskContext& context) { return TaskResult::done(context.text() + "=42"); });
  EXPECT_EQ(queue_.result(id), Value(std::string("6*7=42")));
}

TEST_F(Pool, RunsTasksThatComeWhileItWaits) {
  Told<TaskId> done;
  start([&](TaskContext& context) {
    done.add(context.task().id);
    return TaskResult::done();
  });
  const TaskId first = queue_.enqueue(work());
  done.wait_for(1);
  const TaskId second = queue_.enqueue(work());
  EXPECT_THAT(done.wait_for(2), ElementsAre(first, second));
}

TEST_F(Pool, RunsAsManyAtOnceAsItHasWorkers) {
  Door door;
  start(
      [&](TaskContext&) {
        door.pass();
        return TaskResult::done();
      },
      {.workers = 3});
  for (int i = 0; i < 4; ++i)
    queue_.enqueue(work());
  door.wait_for(3);
  EXPECT_EQ(queue_.counts().running, 3);
  door.open();
  EXPECT_TRUE(pool_->wait_until_empty());
}

TEST_F(Pool, HearsOfATaskThatAnotherQueueObjectPutIn) {
  Told<TaskId> done;
  start([&](TaskContext& context) {
    done.add(context.task().id);
    return TaskResult::done();
  });
  const TaskQueue other(database_.lane("other"));
  other.enqueue(work());
  done.wait_for(1);
}

TEST_F(Pool, BeginsADelayedTaskWhenItIsDue) {
  NewTask task = work();
  task.delay = 200ms;
  Told<TaskTime> begun;
  start([&](TaskContext&) {
    begun.add(queue_.now());
    return TaskResult::done();
  });
  const TaskId id = queue_.enqueue(task);
  const TaskTime at = begun.wait_for(1).front();
  EXPECT_GE(at, find(id).not_before);
}

TEST_F(Pool, TriesAgainAfterTheBackoff) {
  NewTask task = work();
  task.backoff = {.first = 100ms};
  const TaskId id = queue_.enqueue(task);
  work_off([](TaskContext& context) {
    if (context.task().attempt == 1) throw std::runtime_error("not yet");
    return TaskResult::done();
  });
  EXPECT_EQ(find(id).state, TaskState::Done);
  EXPECT_EQ(queue_.attempts(id).at(0).error, "not yet");
}

TEST_F(Pool, TakesAnExceptionForAFailureWithItsMessage) {
  const TaskId id = queue_.enqueue(once());
  work_off([](TaskContext&) -> TaskResult { throw std::runtime_error("disk on fire \xff"); });
  EXPECT_EQ(find(id).state, TaskState::Failed);
  EXPECT_EQ(find(id).error, "disk on fire ?");
}

TEST_F(Pool, TakesWhateverIsThrownForAFailure) {
  const TaskId id = queue_.enqueue(once());
  work_off([](TaskContext&) -> TaskResult { throw 42; });
  EXPECT_EQ(find(id).state, TaskState::Failed);
}

TEST_F(Pool, BuriesATaskThatFailedForGood) {
  const TaskId id = queue_.enqueue(work());
  work_off([](TaskContext&) { return TaskResult::failed_for_good("hopeless"); });
  EXPECT_EQ(find(id).state, TaskState::Failed);
  EXPECT_EQ(find(id).attempts, 1);
}

TEST_F(Pool, TakesGivingUpUnaskedForAFailure) {
  const TaskId id = queue_.enqueue(once());
  work_off([](TaskContext&) { return TaskResult::stopped(); });
  EXPECT_EQ(outcome(id), AttemptOutcome::Failed);
}

TEST_F(Pool, BuriesATaskWhoseResultCannotBeStored) {
  const TaskId id = queue_.enqueue(work());
  work_off([](TaskContext&) { return TaskResult::done(std::string("\xff")); });
  EXPECT_EQ(find(id).state, TaskState::Failed);
  EXPECT_THAT(find(id).error, HasSubstr("cannot be stored"));
}

TEST_F(Pool, LeavesTasksWithoutAHandlerAlone) {
  NewTask task = work();
  task.kind = "unknown";
  const TaskId unknown = queue_.enqueue(task);
  Told<TaskId> done;
  start([&](TaskContext& context) {
    done.add(context.task().id);
    return TaskResult::done();
  });
  queue_.enqueue(work());
  done.wait_for(1);
  EXPECT_TRUE(pool_->stop().complete);
  EXPECT_EQ(find(unknown).state, TaskState::Pending);
}

// BG-04: the task has the values that its caller gave, and does not care whether the caller goes
// on.
TEST_F(Pool, HandsOnTheValuesOfACallerWhoHasGivenUp) {
  std::stop_source caller;
  NewTask task = work(std::string("payload"));
  task.origin = "request 7";
  task.trace = "trace 9";
  const TaskId id = queue_.enqueue(task);
  caller.request_stop();
  Told<std::string> seen;
  work_off([&](TaskContext& context) {
    seen.add(context.text() + "|" + context.task().origin + "|" + context.task().trace);
    return TaskResult::done();
  });
  EXPECT_THAT(seen.all(), ElementsAre("payload|request 7|trace 9"));
  EXPECT_EQ(find(id).state, TaskState::Done);
}

TEST_F(Pool, RefusesATextWhereThereAreBytes) {
  const TaskId id = queue_.enqueue([] {
    NewTask task = once();
    task.payload = Blob{std::byte{1}};
    return task;
  }());
  work_off([](TaskContext& context) { return TaskResult::done(context.text()); });
  EXPECT_THAT(find(id).error, HasSubstr("is no text"));
}

// BG-04: the default limit is 30 minutes, and one of 200 ms stops the task soon after that.
TEST_F(Pool, AsksATaskToStopWhenItsTimeIsUp) {
  EXPECT_EQ(NewTask{}.timeout, 30min);
  NewTask task = once();
  task.timeout = 200ms;
  const TaskId id = queue_.enqueue(task);
  work_off([](TaskContext& context) {
    wait_for_stop(context.stop_token());
    EXPECT_EQ(context.stop_reason(), TaskStop::TimedOut);
    context.throw_if_stopped();
    return TaskResult::done();
  });
  EXPECT_EQ(outcome(id), AttemptOutcome::TimedOut);
  const TaskAttempt attempt = queue_.attempts(id).at(0);
  const auto took = attempt.ended_at.value() - attempt.started_at;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 300ms * TURNSTILE_TEST_SLOWDOWN + 200ms);
  EXPECT_EQ(pool_->metrics().timed_out, 1);
}

TEST_F(Pool, TakesAResultThatComesAfterTheTimeIsUp) {
  NewTask task = once();
  task.timeout = 50ms;
  const TaskId id = queue_.enqueue(task);
  work_off([](TaskContext& context) {
    wait_for_stop(context.stop_token());
    return TaskResult::done(std::string("just in time"));
  });
  EXPECT_EQ(find(id).state, TaskState::Done);
}

TEST_F(Pool, StopsATaskThatIsCancelled) {
  Door begun;
  Told<TaskStop> reasons;
  start([&](TaskContext& context) {
    begun.open();
    wait_for_stop(context.stop_token());
    reasons.add(context.stop_reason());
    return TaskResult::done();
  });
  const TaskId id = queue_.enqueue(work());
  begun.pass();
  EXPECT_TRUE(queue_.cancel(id));
  EXPECT_THAT(reasons.wait_for(1), ElementsAre(TaskStop::Cancelled));
  EXPECT_TRUE(pool_->stop().complete);
  EXPECT_EQ(find(id).state, TaskState::Cancelled);
  EXPECT_EQ(queue_.attempts(id).at(0).lease_until, std::nullopt);
  EXPECT_EQ(pool_->metrics().refused, 1);
}

TEST_F(Pool, FinishesATaskInTheHandlersTransaction) {
  database_.lane("x").write([](WriteTx& tx) { tx.execute("CREATE TABLE effect(task)"); });
  const TaskId id = queue_.enqueue(work());
  work_off([&](TaskContext& context) -> TaskResult {
    database_.lane("x").write([&](WriteTx& tx) {
      tx.execute("INSERT INTO effect VALUES (?)", context.task().id);
      context.complete_in(tx, std::string("both"));
    });
    throw std::runtime_error("too late to matter");
  });
  EXPECT_EQ(find(id).state, TaskState::Done);
  EXPECT_EQ(queue_.result(id), Value(std::string("both")));
  EXPECT_EQ(pool_->metrics().done, 1);
}

TEST_F(Pool, UndoesTheEffectOfAHandlerThatLostItsTask) {
  database_.lane("x").write([](WriteTx& tx) { tx.execute("CREATE TABLE effect(task)"); });
  const TaskId id = queue_.enqueue(work());
  Told<std::string> codes;
  work_off([&](TaskContext& context) {
    EXPECT_TRUE(queue_.cancel(context.task().id));
    const auto lost = thrown<Cancelled>([&] {
      database_.lane("x").write([&](WriteTx& tx) {
        tx.execute("INSERT INTO effect VALUES (?)", context.task().id);
        context.complete_in(tx);
      });
    });
    codes.add(std::string(lost.code()));
    return TaskResult::done();
  });
  EXPECT_THAT(codes.all(), ElementsAre("TASK_LEASE_LOST"));
  EXPECT_EQ(find(id).state, TaskState::Cancelled);
  EXPECT_EQ(database_.lane("x").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM effect").one();
  }),
            0);
}

TEST_F(Pool, TellsHowFarItIs) {
  const TaskId id = queue_.enqueue(work());
  work_off([](TaskContext& context) {
    EXPECT_TRUE(context.progress(0.5, "half"));
    return TaskResult::done();
  });
  EXPECT_EQ(queue_.attempts(id).at(0).progress_text, "half");
}

TEST_F(Pool, GivesBackWhatGaveUpAtAStop) {
  Door begun;
  start([&](TaskContext& context) -> TaskResult {
    begun.open();
    wait_for_stop(context.stop_token());
    EXPECT_EQ(context.stop_reason(), TaskStop::Shutdown);
    return TaskResult::stopped();
  });
  const TaskId id = queue_.enqueue(once());
  begun.pass();
  EXPECT_TRUE(pool_->stop().complete);
  EXPECT_EQ(find(id).state, TaskState::Pending);
  EXPECT_EQ(find(id).tries_left, 1);
  EXPECT_EQ(pool_->metrics().returned, 1);
}

TEST_F(Pool, KeepsAResultThatIsReturnedAtAStop) {
  Door begun;
  start([&](TaskContext& context) {
    begun.open();
    wait_for_stop(context.stop_token());
    return TaskResult::done();
  });
  const TaskId id = queue_.enqueue(work());
  begun.pass();
  EXPECT_TRUE(pool_->stop().complete);
  EXPECT_EQ(find(id).state, TaskState::Done);
}

// BG-09: a stop waits to its deadline, names what is left, and the second one returns at once.
TEST_F(Pool, NamesTheTasksThatDoNotStop) {
  Told<TaskId> begun;
  Door stubborn;
  start(
      [&](TaskContext& context) {
        begun.add(context.task().id);
        if (context.task().payload == Value(std::string("ignores")))
          stubborn.pass();
        else
          wait_for_stop(context.stop_token());
        return TaskResult::stopped();
      },
      {.workers = 3});
  const auto ids = queue_.enqueue(std::vector{work(), work(), work(std::string("ignores"))});
  begun.wait_for(3);
  const auto start = steady_clock::now();
  const StopReport report = pool_->stop(500ms);
  const auto took = steady_clock::now() - start;
  EXPECT_FALSE(report.complete);
  EXPECT_THAT(report.still_running, ElementsAre(ids.back()));
  EXPECT_GE(took, 500ms);
  EXPECT_LT(took, 600ms * TURNSTILE_TEST_SLOWDOWN);
  const auto again = steady_clock::now();
  EXPECT_FALSE(pool_->stop(1h).complete);
  EXPECT_LT(steady_clock::now() - again, 100ms * TURNSTILE_TEST_SLOWDOWN);
  EXPECT_EQ(thrown<MisuseError>([&] { pool_->start(); }).code(), "TASK_STILL_RUNNING");
  stubborn.open();
}

TEST_F(Pool, BeginsNothingAfterAStop) {
  start([](TaskContext&) { return TaskResult::done(); });
  EXPECT_TRUE(pool_->stop().complete);
  const TaskId id = queue_.enqueue(work());
  EXPECT_FALSE(pool_->wait_until_empty());
  EXPECT_EQ(find(id).state, TaskState::Pending);
}

TEST_F(Pool, CanBeStartedAgain) {
  start([](TaskContext&) { return TaskResult::done(); });
  pool_->start();
  EXPECT_TRUE(pool_->stop().complete);
  EXPECT_TRUE(pool_->stop().complete);
  const TaskId id = queue_.enqueue(work());
  pool_->start();
  EXPECT_TRUE(pool_->wait_until_empty());
  EXPECT_EQ(find(id).state, TaskState::Done);
}

TEST_F(Pool, StopsWaitingForEmptyQueuesWhenItIsAskedTo) {
  NewTask task = work();
  task.delay = 1h;
  queue_.enqueue(task);
  start([](TaskContext&) { return TaskResult::done(); });
  std::stop_source stop;
  std::jthread asks([&] { stop.request_stop(); });
  EXPECT_FALSE(pool_->wait_until_empty(stop.get_token()));
}

TEST_F(Pool, EndsByItselfWhenTheDatabaseIsClosed) {
  start([](TaskContext&) { return TaskResult::done(); });
  database_.close();
  EXPECT_TRUE(pool_->stop().complete);
}

TEST_F(Pool, RemovesFinishedTasksNowAndThen) {
  const TaskQueue queue(database_.lane("tasks"), {.keep_finished = 10});
  queue.enqueue(std::vector<NewTask>(150, work()));
  WorkerPool pool(queue);
  pool.handle("work", [](TaskContext&) { return TaskResult::done(); });
  pool.start();
  EXPECT_TRUE(pool.wait_until_empty());
  EXPECT_TRUE(pool.stop().complete);
  EXPECT_LT(queue.counts().done, 150);
}

TEST_F(Pool, IsLeftAloneByAChildOfFork) {
  start([](TaskContext&) { return TaskResult::done(); });
  const std::string answer = in_child([this] {
    pool_.reset();
    return std::string("ended");
  });
  EXPECT_EQ(answer, "ended");
  const TaskId id = queue_.enqueue(work());
  EXPECT_TRUE(pool_->wait_until_empty());
  EXPECT_EQ(find(id).state, TaskState::Done);
}

TEST_F(Pool, WorksInMemoryAndWithOneConnection) {
  for (const Options& options : {Options{.connections = 1}, Options{.mode = OpenMode::Memory},
                                 Options{.rehearse_closures = true}}) {
    const TempDir directory;
    const Database database = Database::open(directory.file("a.db"), options);
    const TaskQueue queue(database.lane("tasks"));
    WorkerPool pool(queue);
    pool.handle("work", [](TaskContext& context) {
      EXPECT_TRUE(context.progress(0.5));
      return TaskResult::done();
    });
    pool.start();
    queue.enqueue(std::vector<NewTask>(20, work()));
    EXPECT_TRUE(pool.wait_until_empty());
    EXPECT_TRUE(pool.stop().complete);
    EXPECT_EQ(queue.counts(), (TaskCounts{.done = 20}));
  }
}

TEST_F(Pool, RefusesWhatCannotBe) {
  const auto refused = [&](const WorkerPoolOptions& options) {
    return thrown<MisuseError>([&] { const WorkerPool pool(queue_, options); }).code();
  };
  EXPECT_EQ(refused({.workers = 0}), "OPTION_INVALID");
  EXPECT_EQ(refused({.workers = 257}), "OPTION_INVALID");
  EXPECT_EQ(refused({.queues = {}}), "OPTION_INVALID");
  EXPECT_EQ(refused({.queues = {""}}), "TASK_INVALID");
  WorkerPool empty(queue_);
  EXPECT_EQ(thrown<MisuseError>([&] { empty.start(); }).code(), "TASK_INVALID");
  WorkerPool& pool = start([](TaskContext&) { return TaskResult::done(); });
  const TaskHandler handler = [](TaskContext&) { return TaskResult::done(); };
  EXPECT_EQ(thrown<MisuseError>([&] { pool.handle("more", handler); }).code(), "TASK_INVALID");
  EXPECT_TRUE(pool.stop().complete);
  EXPECT_EQ(thrown<MisuseError>([&] { pool.handle("work", handler); }).code(), "TASK_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] { pool.handle("more", {}); }).code(), "TASK_INVALID");
}

// BG-10: a notifier that throws is counted, and the task is done all the same.
TEST_F(Pool, CountsNoticesThatFail) {
  NewTask task = work();
  task.origin = "someone";
  const TaskId id = queue_.enqueue(task);
  work_off([](TaskContext&) { return TaskResult::done(); },
           {.notify = [](const TaskNotice&) { throw std::runtime_error("nobody is there"); }});
  EXPECT_EQ(find(id).state, TaskState::Done);
  EXPECT_EQ(pool_->metrics().notice_failures, 2);
}

// BG-10: without an origin nobody is called, and there is one warning.
TEST_F(Pool, WarnsOfATaskWithoutAnOrigin) {
  LogEvents events;
  std::atomic<int> calls{0};
  queue_.enqueue(work());
  work_off([](TaskContext&) { return TaskResult::done(); },
           {.notify = [&](const TaskNotice&) { ++calls; }, .log_sink = events.sink()});
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(events.count("TASK_WITHOUT_ORIGIN"), 1U);
}

// BG-10: the origin is told of the beginning and the end of each attempt.
TEST_F(Pool, TellsTheOriginOfEachAttempt) {
  NewTask task = work();
  task.origin = "someone";
  task.trace = "trace";
  task.max_attempts = 2;
  task.backoff = {.first = 0ms};
  queue_.enqueue(task);
  Told<TaskNotice> notices;
  work_off(
      [](TaskContext& context) {
        return context.task().attempt == 1 ? TaskResult::failed("broken") : TaskResult::done();
      },
      {.workers = 1, .notify = notices.callback()});
  const auto all = notices.all();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].kind, TaskNotice::Kind::Started);
  EXPECT_EQ(all[0].origin, "someone");
  EXPECT_EQ(all[0].trace, "trace");
  EXPECT_EQ(all[1].kind, TaskNotice::Kind::Failed);
  EXPECT_EQ(all[1].error, "broken");
  EXPECT_TRUE(all[1].will_retry);
  EXPECT_EQ(all[2].attempt, 2);
  EXPECT_EQ(all[3].kind, TaskNotice::Kind::Done);
}

TEST_F(Pool, CountsWhatItDid) {
  queue_.enqueue(work(std::int64_t{1}));
  NewTask bad = once();
  queue_.enqueue(bad);
  work_off([](TaskContext& context) {
    return context.task().payload == Value() ? TaskResult::failed("x") : TaskResult::done();
  });
  const WorkerMetrics metrics = pool_->metrics();
  EXPECT_EQ(metrics.started, 2);
  EXPECT_EQ(metrics.done, 1);
  EXPECT_EQ(metrics.failed, 1);
}

}  // namespace
}  // namespace turnstile::test
