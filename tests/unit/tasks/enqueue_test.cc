// Putting tasks in: what is refused, what is kept, keys, limits, dependencies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "support/task_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Enqueue, KeepsWhatTheTaskSays) {
  TaskDatabase tasks;
  NewTask task{.queue = "mail", .kind = "send", .payload = std::string("{\"to\": 1}")};
  task.priority = -3;
  task.key = "mail 1";
  task.origin = "request 7";
  task.trace = "trace 9";
  task.max_attempts = 5;
  const TaskId id = tasks->enqueue(task);
  const Task found = tasks->find(id).value();
  EXPECT_EQ(found.queue, "mail");
  EXPECT_EQ(found.kind, "send");
  EXPECT_EQ(found.payload, Value(std::string("{\"to\": 1}")));
  EXPECT_EQ(found.priority, -3);
  EXPECT_EQ(found.key, "mail 1");
  EXPECT_EQ(found.origin, "request 7");
  EXPECT_EQ(found.trace, "trace 9");
  EXPECT_EQ(found.tries_left, 5);
  EXPECT_EQ(found.state, TaskState::Pending);
  EXPECT_EQ(found.created_at, tasks->now());
}

TEST(Enqueue, KeepsBytesAndNumbersAsTheyAre) {
  TaskDatabase tasks;
  const Blob bytes{std::byte{0}, std::byte{255}};
  for (const Value& payload : {Value(bytes), Value(std::int64_t{7}), Value(2.5), Value()})
    EXPECT_EQ(tasks->find(tasks->enqueue(work(payload))).value().payload, payload);
}

TEST(Enqueue, BelongsToTheCallersTransaction) {
  TaskDatabase tasks;
  tasks.lane().write([](WriteTx& tx) { tx.execute("CREATE TABLE orders(n)"); });
  EXPECT_THROW(tasks.lane().write([&](WriteTx& tx) {
    tx.execute("INSERT INTO orders VALUES (1)");
    tasks->enqueue(tx, work());
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(tasks->counts(), TaskCounts{});
  tasks.lane().write([&](WriteTx& tx) {
    tx.execute("INSERT INTO orders VALUES (1)");
    tasks->enqueue(tx, work());
  });
  EXPECT_EQ(tasks->counts().pending, 1);
}

TEST(Enqueue, TakesManyOrNone) {
  TaskDatabase tasks;
  const std::vector<NewTask> good{work(std::int64_t{1}), work(std::int64_t{2})};
  EXPECT_EQ(tasks->enqueue(good).size(), 2U);
  const std::vector<NewTask> bad{work(), work_after({4711})};
  EXPECT_EQ(thrown<Error>([&] { tasks->enqueue(bad); }).code(), "TASK_NOT_FOUND");
  EXPECT_EQ(tasks->counts().pending, 2);
}

TEST(Enqueue, LeavesNothingInATransactionThatGoesOnAfterARefusal) {
  TaskDatabase tasks;
  tasks.lane().write([&](WriteTx& tx) {
    const std::vector<NewTask> bad{work(), work_after({4711})};
    EXPECT_EQ(thrown<Error>([&] { tasks->enqueue(tx, bad); }).code(), "TASK_NOT_FOUND");
  });
  EXPECT_EQ(tasks->counts().pending, 0);
}

TEST(Enqueue, RefusesWhatCannotBe) {
  TaskDatabase tasks;
  const auto refused = [&](auto change) {
    NewTask task = work();
    change(task);
    return thrown<MisuseError>([&] { tasks->enqueue(task); }).code() == "TASK_INVALID";
  };
  EXPECT_TRUE(refused([](NewTask& t) { t.kind = ""; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.queue = ""; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.queue = std::string(101, 'q'); }));
  EXPECT_TRUE(refused([](NewTask& t) { t.key = std::string(256, 'k'); }));
  EXPECT_TRUE(refused([](NewTask& t) { t.max_attempts = 0; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.timeout = 0ms; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.timeout = std::chrono::hours(24 * 366); }));
  EXPECT_TRUE(refused([](NewTask& t) { t.delay = -1ms; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.retention = -1ms; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.backoff.first = -1ms; }));
  EXPECT_TRUE(refused([](NewTask& t) { t.backoff.factor = 0.5; }));
  EXPECT_TRUE(
      refused([](NewTask& t) { t.backoff.factor = std::numeric_limits<double>::quiet_NaN(); }));
  EXPECT_TRUE(refused([](NewTask& t) { t.backoff.jitter = 1.5; }));
  EXPECT_EQ(tasks->counts(), TaskCounts{});
}

TEST(Enqueue, NamesTheCallersPlaceInARefusal) {
  TaskDatabase tasks;
  const auto error = thrown<Error>([&] { tasks->enqueue(work_after({4711})); });
  EXPECT_THAT(error.where().file_name(), HasSubstr("enqueue_test"));
  EXPECT_THAT(error.what(), HasSubstr("4711"));
}

TEST(EnqueueKey, GivesTheTaskThatIsThere) {
  TaskDatabase tasks;
  NewTask task = work();
  task.key = "once";
  const TaskId first = tasks->enqueue(task);
  EXPECT_EQ(tasks->enqueue(task), first);
  EXPECT_EQ(tasks->counts().pending, 1);
}

TEST(EnqueueKey, HoldsWhileTheTaskRuns) {
  TaskDatabase tasks;
  NewTask task = work();
  task.key = "once";
  const TaskId first = tasks->enqueue(task);
  const TaskClaim claim = tasks.must_claim();
  EXPECT_EQ(tasks->enqueue(task), first);
  ASSERT_TRUE(tasks->complete(claim));
  EXPECT_NE(tasks->enqueue(task), first);
}

TEST(EnqueueKey, IsOfOneQueue) {
  TaskDatabase tasks;
  NewTask task = work();
  task.key = "once";
  const TaskId first = tasks->enqueue(task);
  task.queue = "other";
  EXPECT_NE(tasks->enqueue(task), first);
}

TEST(EnqueueKey, CountsForTasksOfOneTransaction) {
  TaskDatabase tasks;
  NewTask task = work();
  task.key = "once";
  const std::vector<TaskId> ids = tasks->enqueue(std::vector{task, task});
  EXPECT_EQ(ids.at(0), ids.at(1));
}

// BG-03: beyond the limit a task is refused with the number, and taken again when one has ended.
TEST(EnqueueLimit, RefusesTheNextTaskWithTheNumber) {
  TaskDatabase tasks({.max_active = 3});
  for (int i = 0; i < 3; ++i)
    tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  const auto error = thrown<Error>([&] { tasks->enqueue(work()); });
  EXPECT_EQ(error.code(), "TASK_LIMIT");
  EXPECT_THAT(std::string(error.message()), HasSubstr("3"));
  EXPECT_TRUE(error.retry_is_safe());
  ASSERT_TRUE(tasks->complete(claim));
  EXPECT_NO_THROW(tasks->enqueue(work()));
}

// BG-02: a task that timed out for good is not active any more, and leaves its place to another.
TEST(EnqueueLimit, DoesNotCountTasksThatTimedOut) {
  TaskDatabase tasks({.lease = 1s, .max_active = 1});
  NewTask task = work();
  task.timeout = 200ms;
  task.max_attempts = 1;
  const TaskId id = tasks->enqueue(task);
  static_cast<void>(tasks.must_claim());
  tasks.clock().advance(2s);
  EXPECT_EQ(tasks->recover(), 1);
  EXPECT_EQ(tasks.state(id), TaskState::Failed);
  EXPECT_EQ(tasks->attempts(id).at(0).outcome, AttemptOutcome::TimedOut);
  EXPECT_NO_THROW(tasks->enqueue(work()));
}

TEST(EnqueueAfter, WaitsForTheOtherTask) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  const TaskId second = tasks->enqueue(work_after({first}));
  const TaskClaim claim = tasks.must_claim();
  EXPECT_EQ(claim.id, first);
  EXPECT_EQ(tasks->claim(), std::nullopt);
  ASSERT_TRUE(tasks->complete(claim));
  EXPECT_EQ(tasks.must_claim().id, second);
}

TEST(EnqueueAfter, WaitsForAllOfThem) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  const TaskId second = tasks->enqueue(work());
  const TaskId both = tasks->enqueue(work_after({first, second, first}));
  EXPECT_THAT(tasks->find(both).value().after, ElementsAre(first, second));
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_FALSE(tasks->find(both).value().ready);
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_TRUE(tasks->find(both).value().ready);
}

TEST(EnqueueAfter, DoesNotWaitForOneThatIsDone) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  const TaskId second = tasks->enqueue(work_after({first}));
  EXPECT_EQ(tasks.must_claim().id, second);
}

TEST(EnqueueAfter, WaitsForItsTimeToo) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  NewTask later = work_after({first});
  later.delay = 10s;
  const TaskId second = tasks->enqueue(later);
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_EQ(tasks->claim(), std::nullopt);
  tasks.clock().advance(10s);
  EXPECT_EQ(tasks.must_claim().id, second);
}

TEST(EnqueueAfter, IsCancelledWithTheOtherAndSaysWhy) {
  TaskDatabase tasks;
  NewTask task = work();
  task.max_attempts = 1;
  const TaskId first = tasks->enqueue(task);
  const TaskId second = tasks->enqueue(work_after({first}));
  const TaskId third = tasks->enqueue(work_after({second}));
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "broken"));
  EXPECT_EQ(tasks.state(second), TaskState::Cancelled);
  EXPECT_EQ(tasks->find(second).value().error, "task 1, for which it waited, failed");
  EXPECT_EQ(tasks.state(third), TaskState::Cancelled);
  EXPECT_EQ(tasks->find(third).value().error, "task 2, for which it waited, was cancelled");
}

TEST(EnqueueAfter, IsCancelledAtOnceWhenTheOtherHasFailedBefore) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  ASSERT_TRUE(tasks->cancel(first));
  const TaskId second = tasks->enqueue(work_after({first}));
  EXPECT_EQ(tasks.state(second), TaskState::Cancelled);
  EXPECT_TRUE(tasks->find(second).value().finished_at.has_value());
}

TEST(EnqueueAfter, RunsAllTheSameWhenItIsToldTo) {
  TaskDatabase tasks;
  const TaskId first = tasks->enqueue(work());
  NewTask task = work_after({first});
  task.if_dependency_fails = IfDependencyFails::Run;
  const TaskId second = tasks->enqueue(task);
  ASSERT_TRUE(tasks->cancel(first));
  EXPECT_EQ(tasks.must_claim().id, second);
}

TEST(EnqueueAfter, IsUnblockedOnceAlthoughTheOtherFailsAndIsRetried) {
  TaskDatabase tasks;
  NewTask once = work();
  once.max_attempts = 1;
  const TaskId first = tasks->enqueue(once);
  const TaskId other = tasks->enqueue(work());
  NewTask task = work_after({first, other});
  task.if_dependency_fails = IfDependencyFails::Run;
  const TaskId last = tasks->enqueue(task);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "broken"));
  ASSERT_TRUE(tasks->retry(first));
  ASSERT_TRUE(tasks->complete(tasks.must_claim()));
  EXPECT_EQ(tasks.state(first), TaskState::Done);
  EXPECT_FALSE(tasks->find(last).value().ready);
}

TEST(EnqueueAfter, CancelsAChainThatIsLongerThanAStackIsDeep) {
  TaskDatabase tasks;
  std::vector<TaskId> chain{tasks->enqueue(work())};
  tasks.lane().write([&](WriteTx& tx) {
    for (int i = 0; i < 20'000; ++i)
      chain.push_back(tasks->enqueue(tx, work_after({chain.back()})));
  });
  ASSERT_TRUE(tasks->cancel(chain.front()));
  EXPECT_EQ(tasks->counts().cancelled, 20'001);
}

TEST(Submit, GivesTheIdWhenTheTaskIsInTheFile) {
  TaskDatabase tasks;
  const TaskId id = tasks->submit(work()).get();
  EXPECT_EQ(tasks.state(id), TaskState::Pending);
}

TEST(Submit, GivesTheRefusalToTheFuture) {
  TaskDatabase tasks({.max_active = 1});
  tasks->enqueue(work());
  auto refused = tasks->submit(work());
  EXPECT_EQ(thrown<Error>([&] { refused.get(); }).code(), "TASK_LIMIT");
}

// BG-09: after the queue was closed nothing is taken; what is there stays.
TEST(TaskQueueClose, RefusesWhatComesAfterwards) {
  TaskDatabase tasks;
  const TaskQueue copy = tasks.queue();
  tasks->enqueue(work());
  tasks->close();
  EXPECT_EQ(thrown<Cancelled>([&] { tasks->enqueue(work()); }).code(), "TASK_QUEUE_CLOSED");
  EXPECT_EQ(thrown<Cancelled>([&] { static_cast<void>(copy.submit(work())); }).code(),
            "TASK_QUEUE_CLOSED");
  EXPECT_EQ(tasks->counts().pending, 1);
}

}  // namespace
}  // namespace turnstile::test
