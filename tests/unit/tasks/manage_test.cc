// Looking at tasks, cancelling them, removing them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "support/task_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<TaskId> ids_of(const std::vector<Task>& tasks) {
  std::vector<TaskId> ids;
  for (const Task& task : tasks)
    ids.push_back(task.id);
  return ids;
}

// Five tasks in five states: done, failed, cancelled, running, pending.
std::vector<TaskId> one_of_each(TaskDatabase& tasks) {
  std::vector<TaskId> ids;
  ids.push_back(tasks->enqueue(work()));
  EXPECT_TRUE(tasks->complete(tasks.must_claim(), std::string("result")));
  ids.push_back(tasks->enqueue(work()));
  EXPECT_TRUE(tasks->fail(tasks.must_claim(), "broken", false));
  ids.push_back(tasks->enqueue(work()));
  EXPECT_TRUE(tasks->cancel(ids.back()));
  ids.push_back(tasks->enqueue(work()));
  static_cast<void>(tasks.must_claim());
  ids.push_back(tasks->enqueue(work()));
  return ids;
}

// BG-05: the summary of five tasks in five states.
TEST(TaskSummary, CountsEachState) {
  TaskDatabase tasks;
  one_of_each(tasks);
  EXPECT_EQ(
      tasks->counts(),
      (TaskCounts{.pending = 1, .ready = 1, .running = 1, .done = 1, .failed = 1, .cancelled = 1}));
}

TEST(TaskSummary, IsByQueueWithItsSettings) {
  TaskDatabase tasks;
  NewTask task = work();
  task.queue = "b";
  tasks->enqueue(task);
  tasks->configure("a", {.max_running = 2, .paused = true});
  const auto stats = tasks->stats();
  ASSERT_EQ(stats.size(), 2U);
  EXPECT_EQ(stats[0].queue, "a");
  EXPECT_EQ(stats[0].settings, (QueueSettings{.max_running = 2, .paused = true}));
  EXPECT_EQ(stats[1].queue, "b");
  EXPECT_EQ(stats[1].counts, (TaskCounts{.pending = 1, .ready = 1}));
}

// BG-05: the result of a task that is not finished is an error that names its state.
TEST(TaskResultOf, IsThereWhenTheTaskIsDone) {
  TaskDatabase tasks;
  const auto ids = one_of_each(tasks);
  EXPECT_EQ(tasks->result(ids[0]), Value(std::string("result")));
  const auto error_of = [&](TaskId id) {
    return std::string(thrown<Error>([&] { static_cast<void>(tasks->result(id)); }).what());
  };
  EXPECT_THAT(error_of(ids[1]), testing::AllOf(HasSubstr("TASK_FAILED"), HasSubstr("broken")));
  EXPECT_THAT(error_of(ids[2]), testing::AllOf(HasSubstr("TASK_FAILED"), HasSubstr("cancelled")));
  EXPECT_THAT(error_of(ids[3]),
              testing::AllOf(HasSubstr("TASK_NOT_FINISHED"), HasSubstr("running")));
  EXPECT_THAT(error_of(ids[4]),
              testing::AllOf(HasSubstr("TASK_NOT_FINISHED"), HasSubstr("pending")));
  EXPECT_THAT(error_of(4711), testing::AllOf(HasSubstr("TASK_NOT_FOUND"), HasSubstr("4711")));
}

TEST(TaskList, IsNewestFirstAndFiltered) {
  TaskDatabase tasks;
  const auto ids = one_of_each(tasks);
  NewTask other = work();
  other.queue = "other";
  other.kind = "rest";
  const TaskId last = tasks->enqueue(other);
  EXPECT_THAT(ids_of(tasks->list()), ElementsAre(last, ids[4], ids[3], ids[2], ids[1], ids[0]));
  EXPECT_THAT(ids_of(tasks->list({.queue = "other"})), ElementsAre(last));
  EXPECT_THAT(ids_of(tasks->list({.kind = "rest"})), ElementsAre(last));
  EXPECT_THAT(ids_of(tasks->list({.state = TaskState::Failed})), ElementsAre(ids[1]));
  EXPECT_THAT(ids_of(tasks->list({.queue = "default", .state = TaskState::Pending})),
              ElementsAre(ids[4]));
}

TEST(TaskList, GoesOnWhereAPageEnded) {
  TaskDatabase tasks;
  const auto ids = one_of_each(tasks);
  const auto first = tasks->list({.limit = 2});
  EXPECT_THAT(ids_of(first), ElementsAre(ids[4], ids[3]));
  EXPECT_THAT(ids_of(tasks->list({.before = first.back().id, .limit = 2})),
              ElementsAre(ids[2], ids[1]));
}

TEST(TaskProgress, IsSeenFromOutside) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->progress(claim, 0.25, "reading"));
  const TaskAttempt attempt = tasks->attempts(id).at(0);
  EXPECT_EQ(attempt.progress, 0.25);
  EXPECT_EQ(attempt.progress_text, "reading");
}

TEST(TaskProgress, RefusesWhatIsNoShare) {
  TaskDatabase tasks;
  tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  for (const double wrong : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(tasks->progress(claim, wrong)); }).code(),
              "TASK_INVALID");
  }
}

TEST(Cancel, EndsAPendingTaskAtOnce) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  EXPECT_TRUE(tasks->cancel(id));
  EXPECT_EQ(tasks->claim(), std::nullopt);
  EXPECT_FALSE(tasks->cancel(id));
}

// BG-01: what was cancelled stays so, whatever its worker says afterwards.
TEST(Cancel, OfARunningTaskIsNotOverwritten) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  EXPECT_TRUE(tasks->cancel(id));
  EXPECT_EQ(tasks.state(id), TaskState::Cancelled);
  EXPECT_FALSE(tasks->complete(claim));
  EXPECT_EQ(tasks.state(id), TaskState::Cancelled);
  EXPECT_EQ(tasks->attempts(id).at(0).outcome, AttemptOutcome::Cancelled);
}

TEST(Cancel, OfAnUnknownTaskIsAnError) {
  TaskDatabase tasks;
  EXPECT_EQ(thrown<Error>([&] { tasks->cancel(4711); }).code(), "TASK_NOT_FOUND");
  EXPECT_EQ(thrown<Error>([&] { tasks->retry(4711); }).code(), "TASK_NOT_FOUND");
}

TEST(QueueSettingsCheck, RefusesALimitOfNothing) {
  TaskDatabase tasks;
  EXPECT_EQ(thrown<MisuseError>([&] { tasks->configure("default", {.max_running = 0}); }).code(),
            "TASK_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] { tasks->configure("", {}); }).code(), "TASK_INVALID");
}

void finish_many(TaskDatabase& tasks, int count) {
  tasks->enqueue(std::vector<NewTask>(static_cast<std::size_t>(count), work()));
  while (const auto claim = tasks->claim())
    EXPECT_TRUE(tasks->complete(*claim));
}

// BG-07: of 600 finished tasks the newest 500 are kept, and what is active is never removed.
TEST(Prune, KeepsTheNewestOfEachKindOfEnd) {
  TaskDatabase tasks;
  finish_many(tasks, 600);
  const TaskId pending = tasks->enqueue(work());
  const TaskId failed = tasks->enqueue(work());
  EXPECT_EQ(tasks.must_claim().id, pending);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "broken", false));
  EXPECT_EQ(tasks->prune(), 100);
  EXPECT_EQ(tasks->counts(), (TaskCounts{.running = 1, .done = 500, .failed = 1}));
  EXPECT_EQ(tasks->find(100), std::nullopt);
  EXPECT_NE(tasks->find(101), std::nullopt);
  EXPECT_EQ(tasks.state(failed), TaskState::Failed);
}

TEST(Prune, RemovesAttemptsAndDependenciesToo) {
  TaskDatabase tasks({.keep_finished = 0});
  const TaskId first = tasks->enqueue(work());
  const TaskId second = tasks->enqueue(work_after({first}));
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_EQ(tasks->prune(), 2);
  const auto rows = tasks.lane().read([](ReadTx& tx) {
    return tx
        .query<std::int64_t>(
            "SELECT (SELECT count(*) FROM task_attempt)"
            " + (SELECT count(*) FROM task_dependency)")
        .one();
  });
  EXPECT_EQ(rows, 0);
  EXPECT_NE(tasks->enqueue(work()), first);
  EXPECT_NE(tasks->enqueue(work()), second);
}

TEST(Prune, KeepsATaskForItsRetention) {
  TaskDatabase tasks({.keep_finished = 0});
  NewTask task = work();
  task.retention = 1h;
  const TaskId id = tasks->enqueue(task);
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_EQ(tasks->prune(), 0);
  tasks.clock().advance(1h);
  EXPECT_EQ(tasks->prune(), 1);
  EXPECT_EQ(tasks->find(id), std::nullopt);
}

TEST(Prune, LeavesOneWhoseWorkerIsStillAtIt) {
  TaskDatabase tasks({.keep_finished = 0});
  const TaskId id = tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->cancel(id));
  EXPECT_EQ(tasks->prune(), 0);
  EXPECT_FALSE(tasks->let_go(claim));
  EXPECT_EQ(tasks->prune(), 1);
}

}  // namespace
}  // namespace turnstile::test
