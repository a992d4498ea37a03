#include "turnstile/tasks.h"

#include <cmath>
#include <random>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "tasks/attempts.h"
#include "tasks/dependents.h"
#include "tasks/enqueue.h"
#include "tasks/listing.h"
#include "tasks/names.h"
#include "tasks/prune.h"
#include "tasks/refuse.h"
#include "tasks/schema.h"
#include "tasks/task_store.h"

namespace turnstile {

namespace {

using detail::TaskStore;
using std::chrono::milliseconds;
using Place = std::source_location;

void validate(const TaskOptions& options, Place where) {
  Call call;
  call.where = where;
  if (options.lease < milliseconds(10) || options.lease > std::chrono::hours(24))
    sqlite::raise_misuse(code("OPTION_INVALID"), "a lease is between 10 ms and a day", call);
  if (options.max_active && *options.max_active < 1)
    sqlite::raise_misuse(code("OPTION_INVALID"), "max_active is at least 1", call);
  if (options.keep_finished < 0)
    sqlite::raise_misuse(code("OPTION_INVALID"), "keep_finished is at least 0", call);
}

std::uint64_t chosen_seed(const TaskOptions& options) {
  return options.seed ? *options.seed : std::random_device{}();
}

void require_open(const TaskStore& store, Place where) {
  if (!store.closed.load(std::memory_order_relaxed)) return;
  throw Cancelled({.code = code("TASK_QUEUE_CLOSED"),
                   .message = "the queue takes no more tasks, because the program ends",
                   .lane = std::string(store.lane.name()),
                   .where = where});
}

void ring_after_commit(WriteTx& tx, const std::shared_ptr<TaskStore>& store) {
  tx.after_commit([store] { store->bell.ring(); });
}

TaskId put(WriteTx& tx, const std::shared_ptr<TaskStore>& store, const NewTask& task, Place where) {
  return tasks::insert(
      tx, task, {.now = store->now(), .max_active = store->options.max_active, .where = where});
}

[[noreturn]] void refuse_result(const Task& task, Place where) {
  const bool finished = task.finished_at.has_value();
  std::string message = "task " + std::to_string(task.id) + " is " +
                        std::string(to_string(task.state)) + ", so that it has no result";
  if (finished && !task.error.empty()) message += ": " + task.error;
  throw Error({.code = finished ? code("TASK_FAILED") : code("TASK_NOT_FINISHED"),
               .message = std::move(message),
               .where = where});
}

TaskState require_state(WriteTx& tx, TaskId id, Place where) {
  const auto state = tx.query<std::string>("SELECT state FROM task_item WHERE id = ?", id).first();
  if (!state) tasks::refuse_unknown(id, where);
  return tasks::state_named(*state);
}

void require_free_key(WriteTx& tx, TaskId id, Place where) {
  const auto other = tx.query<TaskId>(
                           "SELECT other.id FROM task_item AS task JOIN task_item AS other"
                           " ON other.queue = task.queue AND other.key = task.key"
                           " WHERE task.id = ? AND other.key IS NOT NULL"
                           " AND other.state IN ('pending', 'running')",
                           id)
                         .first();
  if (!other) return;
  throw Error({.code = code("TASK_KEY_TAKEN"),
               .message = "task " + std::to_string(*other) + " has the key of task " +
                          std::to_string(id) + " by now",
               .lane = std::string(tx.lane()),
               .where = where});
}

}  // namespace

TaskQueue::TaskQueue(Lane lane, TaskOptions options, Place where) {
  validate(options, where);
  lane.migrate("tasks", tasks::schema(), {}, where);
  const std::uint64_t seed = chosen_seed(options);
  store_ = std::make_shared<TaskStore>(std::move(lane), std::move(options), seed);
}

// Putting in.

TaskId TaskQueue::enqueue(WriteTx& tx, const NewTask& task, Place where) const {
  tasks::validate(task, where);
  require_open(*store_, where);
  const TaskId id = put(tx, store_, task, where);
  ring_after_commit(tx, store_);
  return id;
}

TaskId TaskQueue::enqueue(const NewTask& task, Place where) const {
  return store_->lane.write([&](WriteTx& tx) { return enqueue(tx, task, where); }, where);
}

std::vector<TaskId> TaskQueue::enqueue(WriteTx& tx, std::span<const NewTask> tasks,
                                       Place where) const {
  for (const NewTask& task : tasks)
    tasks::validate(task, where);
  require_open(*store_, where);
  std::vector<TaskId> ids;
  ids.reserve(tasks.size());
  Savepoint all = tx.savepoint();
  for (const NewTask& task : tasks)
    ids.push_back(put(tx, store_, task, where));
  all.release();
  ring_after_commit(tx, store_);
  return ids;
}

std::vector<TaskId> TaskQueue::enqueue(std::span<const NewTask> tasks, Place where) const {
  return store_->lane.write([&](WriteTx& tx) { return enqueue(tx, tasks, where); }, where);
}

std::future<TaskId> TaskQueue::submit(NewTask task, Place where) const {
  tasks::validate(task, where);
  require_open(*store_, where);
  return store_->lane.submit(
      [store = store_, task = std::move(task), where](WriteTx& tx) {
        const TaskId id = put(tx, store, task, where);
        ring_after_commit(tx, store);
        return id;
      },
      where);
}

void TaskQueue::close() noexcept {
  store_->closed.store(true, std::memory_order_relaxed);
}

// Working.

std::optional<TaskClaim> TaskQueue::claim(const ClaimRequest& request, Place where) const {
  return store_->lane.write([&](WriteTx& tx) { return tasks::claim(tx, *store_, request); }, where);
}

ClaimState TaskQueue::heartbeat(const TaskClaim& claim, Place where) const {
  return store_->lane.write(
      [&](WriteTx& tx) {
        tasks::extend(tx, *store_, claim);
        return tasks::state_of(tx, claim).value_or(ClaimState::Lost);
      },
      where);
}

bool TaskQueue::complete(WriteTx& tx, const TaskClaim& claim, const Value& result) const {
  return tasks::end_attempt(tx, *store_, claim, {.result = result}).has_value();
}

bool TaskQueue::complete(const TaskClaim& claim, const Value& result, Place where) const {
  return store_->lane.write([&](WriteTx& tx) { return complete(tx, claim, result); }, where);
}

bool TaskQueue::fail(const TaskClaim& claim, std::string_view error, bool may_retry,
                     Place where) const {
  const tasks::AttemptEnd end{
      .outcome = AttemptOutcome::Failed, .error = std::string(error), .may_retry = may_retry};
  return store_->lane.write(
      [&](WriteTx& tx) { return tasks::end_attempt(tx, *store_, claim, end).has_value(); }, where);
}

bool TaskQueue::let_go(const TaskClaim& claim, Place where) const {
  const tasks::AttemptEnd end{
      .outcome = AttemptOutcome::Interrupted, .error = "given back", .given_back = true};
  return store_->lane.write(
      [&](WriteTx& tx) { return tasks::end_attempt(tx, *store_, claim, end).has_value(); }, where);
}

bool TaskQueue::progress(const TaskClaim& claim, double fraction, std::string_view text,
                         Place where) const {
  if (!(fraction >= 0 && fraction <= 1))
    tasks::refuse_invalid("progress is a number from 0 to 1", where);
  return store_->lane.write(
      [&](WriteTx& tx) {
        return tx.execute(
                     "UPDATE task_attempt SET progress = ?, progress_text = ?"
                     " WHERE task = ? AND number = ? AND outcome IS NULL",
                     fraction, text, claim.id, claim.attempt)
                   .changes == 1;
      },
      where);
}

std::int64_t TaskQueue::recover(Place where) const {
  std::int64_t all = 0;
  while (const auto some = store_->lane.write(
             [&](WriteTx& tx) { return tasks::recover_expired(tx, *store_); }, where))
    all += some;
  return all;
}

// Managing.

bool TaskQueue::cancel(TaskId id, Place where) const {
  return store_->lane.write(
      [&](WriteTx& tx) {
        if (!may_become(require_state(tx, id, where), TaskState::Cancelled)) return false;
        const TaskTime now = store_->now();
        tx.execute(
            "UPDATE task_item SET state = 'cancelled', ready = 0, finished_at = ?,"
            " expires_at = ? + retention, error = 'cancelled' WHERE id = ?",
            now, now, id);
        tasks::cancel_attempt(tx, id);
        tasks::settle_dependents(tx, id, TaskState::Cancelled, now);
        ring_after_commit(tx, store_);
        return true;
      },
      where);
}

bool TaskQueue::retry(TaskId id, Place where) const {
  return store_->lane.write(
      [&](WriteTx& tx) {
        if (require_state(tx, id, where) != TaskState::Failed) return false;
        require_free_key(tx, id, where);
        tx.execute(
            "UPDATE task_item SET state = 'pending', ready = 1, not_before = ?,"
            " tries_left = max_attempts, finished_at = NULL, expires_at = NULL WHERE id = ?",
            store_->now(), id);
        ring_after_commit(tx, store_);
        return true;
      },
      where);
}

void TaskQueue::configure(std::string_view queue, const QueueSettings& settings,
                          Place where) const {
  tasks::validate_name("queue's name", queue, where);
  if (settings.max_running && *settings.max_running < 1)
    tasks::refuse_invalid("max_running is at least 1; a queue is stopped by pausing it", where);
  store_->lane.write(
      [&](WriteTx& tx) {
        tx.execute(
            "INSERT INTO task_queue(name, max_running, paused) VALUES (?, ?, ?)"
            " ON CONFLICT(name) DO UPDATE SET max_running = excluded.max_running,"
            " paused = excluded.paused",
            queue, settings.max_running, settings.paused);
        ring_after_commit(tx, store_);
      },
      where);
}

std::int64_t TaskQueue::prune(Place where) const {
  std::int64_t all = 0;
  while (const auto some = store_->lane.write(
             [&](WriteTx& tx) {
               return tasks::prune_slice(tx, store_->options.keep_finished, store_->now());
             },
             where))
    all += some;
  return all;
}

// Looking.

std::optional<Task> TaskQueue::find(TaskId id, Place where) const {
  return store_->lane.read([&](ReadTx& tx) { return tasks::find(tx, id); }, where);
}

std::vector<Task> TaskQueue::list(const TaskFilter& filter, Place where) const {
  return store_->lane.read([&](ReadTx& tx) { return tasks::list(tx, filter); }, where);
}

std::vector<TaskAttempt> TaskQueue::attempts(TaskId id, Place where) const {
  return store_->lane.read([&](ReadTx& tx) { return tasks::attempts(tx, id); }, where);
}

Value TaskQueue::result(TaskId id, Place where) const {
  std::optional<Task> task = find(id, where);
  if (!task) tasks::refuse_unknown(id, where);
  if (task->state != TaskState::Done) refuse_result(*task, where);
  return std::move(task->result);
}

std::vector<QueueStats> TaskQueue::stats(Place where) const {
  return store_->lane.read([&](ReadTx& tx) { return tasks::stats(tx); }, where);
}

TaskCounts TaskQueue::counts(Place where) const {
  TaskCounts sum;
  for (const QueueStats& each : stats(where)) {
    sum.pending += each.counts.pending;
    sum.ready += each.counts.ready;
    sum.running += each.counts.running;
    sum.done += each.counts.done;
    sum.failed += each.counts.failed;
    sum.cancelled += each.counts.cancelled;
  }
  return sum;
}

const Lane& TaskQueue::lane() const noexcept {
  return store_->lane;
}

const TaskOptions& TaskQueue::options() const noexcept {
  return store_->options;
}

TaskTime TaskQueue::now() const {
  return store_->now();
}

}  // namespace turnstile
