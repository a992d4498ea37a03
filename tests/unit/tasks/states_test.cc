// The states of a task: which can follow which, by the table, by the file and by every operation.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "support/raw_sqlite.h"
#include "support/run_script.h"
#include "support/task_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;

constexpr std::array kStates{TaskState::Pending, TaskState::Running, TaskState::Done,
                             TaskState::Failed, TaskState::Cancelled};

// A task in that state, by the ordinary ways.
TaskClaim put_in_state(TaskDatabase& tasks, TaskState state) {
  NewTask task = work();
  task.max_attempts = 2;
  task.backoff = {.first = 0ms};
  TaskClaim claim;
  claim.id = tasks->enqueue(task);
  claim.attempt = 1;
  if (state == TaskState::Pending) return claim;
  claim = tasks.must_claim();
  bool changed = true;
  if (state == TaskState::Done) changed = tasks->complete(claim);
  if (state == TaskState::Failed) changed = tasks->fail(claim, "broken", false);
  if (state == TaskState::Cancelled) changed = tasks->cancel(claim.id);
  EXPECT_TRUE(changed);
  return claim;
}

// BG-01: the table of transitions, whole. Cancelled and Done are never left.
TEST(TaskStates, FollowTheTable) {
  const std::set<std::pair<TaskState, TaskState>> allowed{
      {TaskState::Pending, TaskState::Running}, {TaskState::Pending, TaskState::Cancelled},
      {TaskState::Running, TaskState::Pending}, {TaskState::Running, TaskState::Done},
      {TaskState::Running, TaskState::Failed},  {TaskState::Running, TaskState::Cancelled},
      {TaskState::Failed, TaskState::Pending},
  };
  for (const TaskState from : kStates)
    for (const TaskState to : kStates)
      EXPECT_EQ(may_become(from, to), allowed.contains({from, to}))
          << to_string(from) << " -> " << to_string(to);
}

TEST(TaskStates, AreGuardedByTheFileAsTheTableSays) {
  for (const TaskState from : kStates) {
    for (const TaskState to : kStates) {
      TaskDatabase tasks;
      const TaskId id = put_in_state(tasks, from).id;
      bool changed = true;
      try {
        tasks.lane().write([&](WriteTx& tx) {
          tx.execute("UPDATE task_item SET ready = 0, state = ? WHERE id = ?", to_string(to), id);
        });
      } catch (const ConstraintError&) {
        changed = false;
      }
      EXPECT_EQ(changed, from == to || may_become(from, to))
          << to_string(from) << " -> " << to_string(to);
    }
  }
}

// BG-01: every operation in every state, and what the task is then.
TEST(TaskStates, ChangeByEachOperationAsTheyShould) {
  using Operation = std::function<void(TaskDatabase&, const TaskClaim&)>;
  const std::map<std::string, Operation> operations{
      {"claim", [](auto& tasks, const auto&) { static_cast<void>(tasks->claim()); }},
      {"complete", [](auto& tasks, const auto& c) { static_cast<void>(tasks->complete(c)); }},
      {"fail", [](auto& tasks, const auto& c) { static_cast<void>(tasks->fail(c, "x")); }},
      {"fail for good",
       [](auto& tasks, const auto& c) { static_cast<void>(tasks->fail(c, "x", false)); }},
      {"let go", [](auto& tasks, const auto& c) { static_cast<void>(tasks->let_go(c)); }},
      {"lease expires",
       [](auto& tasks, const auto&) {
         tasks.clock().advance(1h);
         tasks->recover();
       }},
      {"cancel", [](auto& tasks, const auto& c) { tasks->cancel(c.id); }},
      {"retry", [](auto& tasks, const auto& c) { tasks->retry(c.id); }},
  };
  const std::map<std::string, std::array<TaskState, 5>> expected{
      // From: Pending, Running, Done, Failed, Cancelled.
      {"claim",
       {TaskState::Running, TaskState::Running, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"complete",
       {TaskState::Pending, TaskState::Done, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"fail",
       {TaskState::Pending, TaskState::Pending, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"fail for good",
       {TaskState::Pending, TaskState::Failed, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"let go",
       {TaskState::Pending, TaskState::Pending, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"lease expires",
       {TaskState::Pending, TaskState::Pending, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"cancel",
       {TaskState::Cancelled, TaskState::Cancelled, TaskState::Done, TaskState::Failed,
        TaskState::Cancelled}},
      {"retry",
       {TaskState::Pending, TaskState::Running, TaskState::Done, TaskState::Pending,
        TaskState::Cancelled}},
  };
  for (const auto& [name, operation] : operations) {
    for (std::size_t i = 0; i < kStates.size(); ++i) {
      TaskDatabase tasks;
      const TaskClaim claim = put_in_state(tasks, kStates.at(i));
      operation(tasks, claim);
      EXPECT_EQ(tasks.state(claim.id), expected.at(name).at(i))
          << name << " in " << to_string(kStates.at(i));
    }
  }
}

TEST(TaskStates, HaveNamesThatAreReadBack) {
  for (const TaskState state : kStates)
    EXPECT_EQ(task_state(to_string(state)), state);
  EXPECT_EQ(task_state("finished"), std::nullopt);
}

TEST(TaskStates, ThatNobodyWritesAreAnError) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  run_raw(tasks.file(),
          "PRAGMA ignore_check_constraints = 1; DROP TRIGGER task_transition;"
          "UPDATE task_item SET state = 'odd'");
  EXPECT_EQ(thrown<StorageError>([&] { static_cast<void>(tasks->find(id)); }).code(), "DB_CORRUPT");
}

TEST(TaskTables, AreMadeOnce) {
  TaskDatabase tasks;
  tasks->enqueue(work());
  const TaskQueue again(tasks.lane());
  EXPECT_EQ(again.counts().pending, 1);
  EXPECT_EQ(tasks.lane().read([](ReadTx& tx) {
    return tx
        .query<std::int64_t>("SELECT count(*) FROM turnstile_migration WHERE component = 'tasks'")
        .one();
  }),
            1);
}

TEST(TaskOptionsCheck, RefusesWhatCannotBe) {
  TaskDatabase tasks;
  const auto refused = [&](const TaskOptions& options) {
    return thrown<MisuseError>([&] { const TaskQueue queue(tasks.lane(), options); }).code() ==
           "OPTION_INVALID";
  };
  EXPECT_TRUE(refused({.lease = 9ms}));
  EXPECT_TRUE(refused({.lease = 25h}));
  EXPECT_TRUE(refused({.max_active = 0}));
  EXPECT_TRUE(refused({.keep_finished = -1}));
}

}  // namespace
}  // namespace turnstile::test
