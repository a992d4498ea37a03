// What becomes of a task whose attempt did not succeed: retries, backoff, dead letters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/task_database.h"
#include "support/thrown.h"
#include "tasks/backoff.h"
#include "tasks/clean_text.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kNoLuck = 0;
constexpr std::uint64_t kAllLuck = std::numeric_limits<std::uint64_t>::max();

TEST(TaskBackoff, DoublesUpToItsLimit) {
  const Backoff backoff{.first = 1s, .factor = 2, .max = 10s, .jitter = 0};
  std::vector<microseconds> waits;
  for (int failures = 1; failures <= 6; ++failures)
    waits.push_back(tasks::wait_after(backoff, failures, kNoLuck));
  EXPECT_THAT(waits, ElementsAre(1s, 2s, 4s, 8s, 10s, 10s));
}

TEST(TaskBackoff, StaysWithinItsJitter) {
  const Backoff backoff{.first = 10s, .factor = 1, .max = 10s, .jitter = 0.25};
  EXPECT_EQ(tasks::wait_after(backoff, 1, kNoLuck), 7500ms);
  EXPECT_LE(tasks::wait_after(backoff, 1, kAllLuck), 12500ms);
  EXPECT_GT(tasks::wait_after(backoff, 1, kAllLuck), 12499ms);
}

TEST(TaskBackoff, DoesNotOverflow) {
  const Backoff backoff{.first = 1h, .factor = 1e300, .max = 24h, .jitter = 0};
  EXPECT_EQ(tasks::wait_after(backoff, std::numeric_limits<int>::max(), kNoLuck), 24h);
}

TEST(TaskBackoff, IsTheSameForTheSameSeedAndDiffersBetweenTasks) {
  EXPECT_EQ(tasks::chance_of(1, 2, 3), tasks::chance_of(1, 2, 3));
  EXPECT_NE(tasks::chance_of(1, 2, 3), tasks::chance_of(2, 2, 3));
  EXPECT_NE(tasks::chance_of(1, 2, 3), tasks::chance_of(1, 3, 3));
  EXPECT_NE(tasks::chance_of(1, 2, 3), tasks::chance_of(1, 2, 4));
}

TEST(FailedTask, IsTriedAgainAfterItsBackoff) {
  TaskDatabase tasks;
  NewTask task = work();
  task.backoff = {.first = 10s, .factor = 3, .jitter = 0};
  const TaskId id = tasks->enqueue(task);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "first"));
  EXPECT_EQ(tasks->claim(), std::nullopt);
  tasks.clock().advance(10s);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "second"));
  tasks.clock().advance(29s);
  EXPECT_EQ(tasks->claim(), std::nullopt);
  tasks.clock().advance(1s);
  EXPECT_EQ(tasks.must_claim().id, id);
}

TEST(FailedTask, IsADeadLetterWithItsErrorWhenItHasNoTriesLeft) {
  TaskDatabase tasks;
  NewTask task = work();
  task.max_attempts = 2;
  task.backoff = {.first = 0ms};
  const TaskId id = tasks->enqueue(task);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "first"));
  EXPECT_EQ(tasks.state(id), TaskState::Pending);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "second"));
  EXPECT_EQ(tasks.state(id), TaskState::Failed);
  EXPECT_EQ(tasks->find(id).value().error, "second");
  std::vector<std::string> errors;
  for (const TaskAttempt& attempt : tasks->attempts(id))
    errors.push_back(attempt.error);
  EXPECT_THAT(errors, ElementsAre("first", "second"));
}

TEST(FailedTask, IsNotTriedAgainWhenItMayNot) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "hopeless", false));
  EXPECT_EQ(tasks.state(id), TaskState::Failed);
}

TEST(FailedTask, KeepsAnErrorThatIsNoText) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "bad \xff byte", false));
  EXPECT_EQ(tasks->find(id).value().error, "bad ? byte");
}

TEST(CleanText, KeepsWhatIsTextAndCutsBetweenCharacters) {
  EXPECT_EQ(tasks::clean_text("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(tasks::clean_text("\x80\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80\xE2\x82"), "????????????");
  const std::string cut = tasks::clean_text(std::string(16383, 'x') + "\xC3\xA4");
  EXPECT_EQ(cut, std::string(16383, 'x'));
}

// BG-06: after a crash what was pending is pending, and what ran counts as interrupted and goes on.
TEST(InterruptedTask, IsPendingAgainAtOnce) {
  TaskDatabase tasks;
  for (int i = 0; i < 8; ++i)
    tasks->enqueue(work());
  std::vector<TaskId> running;
  for (int i = 0; i < 3; ++i)
    running.push_back(tasks.must_claim().id);
  tasks.clock().advance(30s);
  EXPECT_EQ(tasks->recover(), 3);
  EXPECT_EQ(tasks->counts(), (TaskCounts{.pending = 8, .ready = 8}));
  for (const TaskId id : running)
    EXPECT_EQ(tasks->attempts(id).at(0).outcome, AttemptOutcome::Interrupted);
}

TEST(InterruptedTask, IsADeadLetterWhenItHasKilledAllItsWorkers) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(tasks.must_claim());
    tasks.clock().advance(30s);
    EXPECT_EQ(tasks->recover(), 1);
  }
  EXPECT_EQ(tasks.state(id), TaskState::Failed);
  EXPECT_THAT(tasks->find(id).value().error, HasSubstr("did not extend its lease"));
}

TEST(InterruptedTask, DoesNotStandInTheWayWhenItWasDeletedByHand) {
  TaskDatabase tasks;
  tasks->enqueue(work());
  const TaskId other = tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  tasks.lane().write(
      [&](WriteTx& tx) { tx.execute("DELETE FROM task_item WHERE id = ?", claim.id); });
  tasks.clock().advance(1h);
  EXPECT_EQ(tasks.must_claim().id, other);
}

TEST(TaskThatIsGivenBack, HasLostNoTry) {
  TaskDatabase tasks;
  NewTask task = work();
  task.max_attempts = 1;
  const TaskId id = tasks->enqueue(task);
  ASSERT_TRUE(tasks->let_go(tasks.must_claim()));
  EXPECT_EQ(tasks->find(id).value().tries_left, 1);
  const TaskClaim again = tasks.must_claim();
  EXPECT_EQ(again.attempt, 2);
  EXPECT_TRUE(tasks->complete(again));
}

TEST(DeadLetter, IsRetriedWithAllItsTries) {
  TaskDatabase tasks;
  const TaskId id = tasks->enqueue(work());
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "broken", false));
  ASSERT_TRUE(tasks->retry(id));
  const Task task = tasks->find(id).value();
  EXPECT_EQ(task.tries_left, 3);
  EXPECT_EQ(task.finished_at, std::nullopt);
  EXPECT_EQ(tasks.must_claim().attempt, 2);
}

TEST(DeadLetter, IsNotRetriedWhileAnotherTaskHasItsKey) {
  TaskDatabase tasks;
  NewTask task = work();
  task.key = "one";
  const TaskId id = tasks->enqueue(task);
  ASSERT_TRUE(tasks->fail(tasks.must_claim(), "broken", false));
  const TaskId other = tasks->enqueue(task);
  const auto error = thrown<Error>([&] { tasks->retry(id); });
  EXPECT_EQ(error.code(), "TASK_KEY_TAKEN");
  EXPECT_THAT(std::string(error.message()), HasSubstr(std::to_string(other)));
  ASSERT_TRUE(tasks->cancel(other));
  EXPECT_TRUE(tasks->retry(id));
}

TEST(Completion, IsThereWithTheEffectOrNotAtAll) {
  TaskDatabase tasks;
  tasks.lane().write([](WriteTx& tx) { tx.execute("CREATE TABLE effect(task)"); });
  const TaskId id = tasks->enqueue(work());
  const TaskClaim claim = tasks.must_claim();
  const auto finish = [&](WriteTx& tx) {
    tx.execute("INSERT INTO effect VALUES (?)", id);
    ASSERT_TRUE(tasks->complete(tx, claim));
  };
  EXPECT_THROW(tasks.lane().write([&](WriteTx& tx) {
    finish(tx);
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(tasks.state(id), TaskState::Running);
  tasks.lane().write(finish);
  EXPECT_EQ(tasks.state(id), TaskState::Done);
}

}  // namespace
}  // namespace turnstile::test
