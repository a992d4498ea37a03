// Claiming: which task is next, who may have it, and what a lease is worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/task_database.h"
#include "support/test_seed.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TaskId put(TaskDatabase& tasks, int priority, const std::string& queue = "default",
           const std::string& kind = "work") {
  NewTask task = work();
  task.priority = priority;
  task.queue = queue;
  task.kind = kind;
  return tasks->enqueue(task);
}

std::vector<TaskId> claim_all(TaskDatabase& tasks, const ClaimRequest& request = {}) {
  std::vector<TaskId> ids;
  while (const auto claim = tasks->claim(request))
    ids.push_back(claim->id);
  return ids;
}

TEST(Claim, TakesTheMostUrgentAndOfThoseTheOldest) {
  TaskDatabase tasks;
  const TaskId a = put(tasks, 0);
  const TaskId b = put(tasks, 5);
  const TaskId c = put(tasks, -1);
  const TaskId d = put(tasks, 5);
  EXPECT_THAT(claim_all(tasks), ElementsAre(b, d, a, c));
}

TEST(Claim, ComparesTasksOfDifferentQueuesAndKinds) {
  TaskDatabase tasks;
  const TaskId a = put(tasks, 1, "a", "x");
  const TaskId b = put(tasks, 2, "b", "y");
  const TaskId c = put(tasks, 2, "a", "y");
  EXPECT_THAT(claim_all(tasks, {.queues = {"a", "b"}}), ElementsAre(b, c, a));
}

TEST(Claim, LeavesOtherQueuesAndKindsAlone) {
  TaskDatabase tasks;
  put(tasks, 9, "other");
  put(tasks, 9, "default", "unknown");
  const TaskId mine = put(tasks, 0);
  EXPECT_THAT(claim_all(tasks, {.kinds = {"work"}}), ElementsAre(mine));
}

// Against a plain sort, over random tasks.
TEST(Claim, KeepsTheOrderOfAPlainSort) {
  std::mt19937_64 random(test_seed());
  TaskDatabase tasks;
  struct Known {
    TaskId id;
    int priority;
  };
  std::vector<Known> known;
  const std::vector<std::string> queues{"a", "b", "c"};
  const std::vector<std::string> kinds{"x", "y", "z"};
  for (int i = 0; i < 200; ++i) {
    const int priority = static_cast<int>(random() % 5);
    const TaskId id =
        put(tasks, priority, queues[random() % queues.size()], kinds[random() % kinds.size()]);
    const Task task = tasks->find(id).value();
    if (task.queue != "c" && task.kind != "z") known.push_back({id, priority});
  }
  std::ranges::sort(known, [](const Known& one, const Known& other) {
    return one.priority != other.priority ? one.priority > other.priority : one.id < other.id;
  });
  std::vector<TaskId> expected;
  for (const Known& each : known)
    expected.push_back(each.id);
  EXPECT_EQ(claim_all(tasks, {.queues = {"a", "b"}, .kinds = {"x", "y"}}), expected);
}

TEST(Claim, SaysWhatTheHandlerNeeds) {
  TaskDatabase tasks;
  NewTask task = work(std::string("payload"));
  task.timeout = 5min;
  task.max_attempts = 4;
  task.origin = "origin";
  task.trace = "trace";
  task.key = "key";
  const TaskId id = tasks->enqueue(task);
  const TaskClaim claim = tasks->claim({.worker = "me"}).value();
  EXPECT_EQ(claim.id, id);
  EXPECT_EQ(claim.attempt, 1);
  EXPECT_EQ(claim.tries_left, 3);
  EXPECT_EQ(claim.payload, Value(std::string("payload")));
  EXPECT_EQ(claim.origin, "origin");
  EXPECT_EQ(claim.trace, "trace");
  EXPECT_EQ(claim.key, "key");
  EXPECT_EQ(claim.started_at, tasks->now());
  EXPECT_EQ(claim.deadline, tasks->now() + 5min);
  EXPECT_EQ(claim.lease_until, tasks->now() + 30s);
  EXPECT_EQ(tasks->attempts(id).at(0).worker, "me");
}

TEST(Claim, WaitsForTheTaskToBeDue) {
  TaskDatabase tasks;
  NewTask task = work();
  task.delay = 10s;
  const TaskId delayed = tasks->enqueue(task);
  task.delay = 0s;
  task.not_before = tasks.clock().now() + 20s;
  const TaskId later = tasks->enqueue(task);
  EXPECT_EQ(tasks->claim(), std::nullopt);
  EXPECT_EQ(tasks->counts(), (TaskCounts{.pending = 2, .ready = 0}));
  tasks.clock().advance(10s);
  EXPECT_THAT(claim_all(tasks), ElementsAre(delayed));
  tasks.clock().advance(10s);
  EXPECT_THAT(claim_all(tasks), ElementsAre(later));
}

TEST(Claim, FindsThousandsThatBecomeDueTogether) {
  TaskDatabase tasks;
  NewTask task = work();
  task.delay = 1s;
  tasks->enqueue(std::vector<NewTask>(2500, task));
  tasks.clock().advance(1s);
  EXPECT_EQ(claim_all(tasks).size(), 2500U);
}

TEST(Claim, TakesNothingFromAPausedQueue) {
  TaskDatabase tasks;
  put(tasks, 0);
  tasks->configure("default", {.paused = true});
  EXPECT_EQ(tasks->claim(), std::nullopt);
  tasks->configure("default", {});
  EXPECT_NE(tasks->claim(), std::nullopt);
}

TEST(Claim, KeepsToTheLimitOfAQueue) {
  TaskDatabase tasks;
  tasks->configure("default", {.max_running = 2});
  for (int i = 0; i < 3; ++i)
    put(tasks, 0);
  const TaskClaim first = tasks.must_claim();
  static_cast<void>(tasks.must_claim());
  EXPECT_EQ(tasks->claim(), std::nullopt);
  ASSERT_TRUE(tasks->complete(first));
  EXPECT_NE(tasks->claim(), std::nullopt);
}

TEST(Claim, CountsAWorkerUntilItHasStopped) {
  TaskDatabase tasks;
  tasks->configure("default", {.max_running = 1});
  put(tasks, 0);
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->cancel(claim.id));
  EXPECT_EQ(tasks->claim(), std::nullopt);
  EXPECT_FALSE(tasks->let_go(claim));
  EXPECT_NE(tasks->claim(), std::nullopt);
}

TEST(Claim, FreesTheSlotOfADeadWorkerWhoseTaskWasCancelled) {
  TaskDatabase tasks;
  tasks->configure("default", {.max_running = 1});
  put(tasks, 0);
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->cancel(claim.id));
  tasks.clock().advance(30s);
  EXPECT_NE(tasks->claim(), std::nullopt);
  EXPECT_EQ(tasks.state(claim.id), TaskState::Cancelled);
}

TEST(Claim, DescendsIntoAnIndexAndScansNothing) {
  TaskDatabase tasks;
  const auto plan = tasks.lane().read([](ReadTx& tx) {
    std::string text;
    for (const std::string_view sql :
         {"EXPLAIN QUERY PLAN SELECT priority, id FROM task_item WHERE state = 'pending' AND"
          " ready = 1 AND queue = ? AND kind = ? ORDER BY priority DESC, id LIMIT 1",
          "EXPLAIN QUERY PLAN SELECT min(kind) FROM task_item WHERE state = 'pending' AND"
          " ready = 1 AND queue = ? AND kind > ?",
          "EXPLAIN QUERY PLAN SELECT min(not_before) FROM task_item INDEXED BY task_due"
          " WHERE state = 'pending' AND ready = 0 AND blockers = 0",
          "EXPLAIN QUERY PLAN SELECT min(held_until) FROM task_attempt"
          " WHERE held_until IS NOT NULL",
          "EXPLAIN QUERY PLAN SELECT id FROM task_item WHERE queue = ? AND key = ?"
          " AND key IS NOT NULL AND state IN ('pending', 'running')"}) {
      Statement statement = tx.prepare(sql);
      for (int i = 1; i <= statement.parameter_count(); ++i)
        statement.bind(i, "x");
      while (statement.step())
        text += statement.row().get<std::string>("detail") + "\n";
    }
    return text;
  });
  EXPECT_EQ(plan,
            "SEARCH task_item USING COVERING INDEX task_by_state "
            "(state=? AND ready=? AND queue=? AND kind=?)\n"
            "SEARCH task_item USING COVERING INDEX task_by_state "
            "(state=? AND ready=? AND queue=? AND kind>?)\n"
            "SEARCH task_item USING INDEX task_due\n"
            "SEARCH task_attempt USING COVERING INDEX task_held (held_until>?)\n"
            "SEARCH task_item USING INDEX task_live_key (queue=? AND key=?)\n");
}

TEST(Lease, IsExtendedByAHeartbeat) {
  TaskDatabase tasks;
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  tasks.clock().advance(20s);
  EXPECT_EQ(tasks->heartbeat(claim), ClaimState::Held);
  tasks.clock().advance(20s);
  EXPECT_EQ(tasks->recover(), 0);
  EXPECT_TRUE(tasks->complete(claim));
}

TEST(Lease, LetsATaskBeGivenToAnotherWhenItHasExpired) {
  TaskDatabase tasks;
  const TaskId id = put(tasks, 0);
  const TaskClaim first = tasks->claim({.worker = "first"}).value();
  tasks.clock().advance(30s);
  const TaskClaim second = tasks.must_claim();
  EXPECT_EQ(second.id, id);
  EXPECT_GT(second.attempt, first.attempt);
  const auto attempts = tasks->attempts(id);
  EXPECT_EQ(attempts.at(0).outcome, AttemptOutcome::Interrupted);
  EXPECT_THAT(attempts.at(0).error, HasSubstr("first"));
}

TEST(Lease, OnceLostLetsItsWorkerChangeNothing) {
  TaskDatabase tasks;
  const TaskId id = put(tasks, 0);
  const TaskClaim lost = tasks.must_claim();
  tasks.clock().advance(30s);
  const TaskClaim held = tasks.must_claim();
  EXPECT_EQ(tasks->heartbeat(lost), ClaimState::Lost);
  EXPECT_FALSE(tasks->progress(lost, 0.5));
  EXPECT_FALSE(tasks->complete(lost, std::string("late")));
  EXPECT_FALSE(tasks->fail(lost, "late"));
  EXPECT_FALSE(tasks->let_go(lost));
  EXPECT_EQ(tasks.state(id), TaskState::Running);
  EXPECT_TRUE(tasks->complete(held, std::string("right")));
  EXPECT_EQ(tasks->result(id), Value(std::string("right")));
}

TEST(Lease, IsNotLostAsLongAsNobodyLooks) {
  TaskDatabase tasks;
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  tasks.clock().advance(1h);
  EXPECT_TRUE(tasks->complete(claim));
}

TEST(Lease, IsNotExtendedForLongBeyondTheDeadline) {
  TaskDatabase tasks;
  NewTask task = work();
  task.timeout = 40s;
  const TaskId id = tasks->enqueue(task);
  const TaskClaim claim = tasks.must_claim();
  for (int i = 0; i < 6; ++i) {
    tasks.clock().advance(10s);
    EXPECT_EQ(tasks->heartbeat(claim), ClaimState::Held);
  }
  tasks.clock().advance(10s);
  EXPECT_EQ(tasks->recover(), 1);
  EXPECT_EQ(tasks->heartbeat(claim), ClaimState::Lost);
  EXPECT_EQ(tasks->attempts(id).at(0).outcome, AttemptOutcome::TimedOut);
}

TEST(Lease, TellsOfACancel) {
  TaskDatabase tasks;
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->cancel(claim.id));
  EXPECT_EQ(tasks->heartbeat(claim), ClaimState::Cancelled);
}

TEST(Lease, OfAnEndedAttemptIsLost) {
  TaskDatabase tasks;
  put(tasks, 0);
  const TaskClaim claim = tasks.must_claim();
  ASSERT_TRUE(tasks->complete(claim));
  EXPECT_EQ(tasks->heartbeat(claim), ClaimState::Lost);
  EXPECT_FALSE(tasks->complete(claim));
}

}  // namespace
}  // namespace turnstile::test
