#include "tasks/attempts.h"

#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "tasks/backoff.h"
#include "tasks/clean_text.h"
#include "tasks/dependents.h"
#include "tasks/names.h"
#include "tasks/ready.h"

namespace turnstile::tasks {

namespace {

using detail::TaskStore;
using std::chrono::microseconds;

std::string default_worker() {
  return "process " + std::to_string(::getpid());
}

// The statement is RETURNING, so that what the claim says and what the row says are the same.
std::optional<TaskClaim> mark_running(WriteTx& tx, TaskId id) {
  std::optional<TaskClaim> claim;
  for (const Row row : tx.query(
           "UPDATE task_item SET state = 'running', ready = 0, attempt = attempt + 1,"
           " tries_left = tries_left - 1 WHERE id = ? AND state = 'pending'"
           " RETURNING id, attempt, tries_left, queue, kind, payload, key, origin, trace, timeout",
           id)) {
    claim = TaskClaim{.id = row.get<TaskId>(0),
                      .attempt = row.get<std::int64_t>(1),
                      .tries_left = row.get<int>(2),
                      .queue = row.get<std::string>(3),
                      .kind = row.get<std::string>(4),
                      .payload = row.get<Value>(5),
                      .key = row.get<std::optional<std::string>>(6).value_or(""),
                      .origin = row.get<std::string>(7),
                      .trace = row.get<std::string>(8)};
    claim->deadline = TaskTime(row.get<microseconds>(9));
  }
  return claim;
}

void finish_task(WriteTx& tx, TaskId id, TaskState state, const Value& result,
                 std::string_view error, TaskTime now) {
  tx.execute(
      "UPDATE task_item SET state = ?, result = ?, error = ?, finished_at = ?,"
      " expires_at = ? + retention WHERE id = ?",
      to_string(state), result, error, now, now, id);
  settle_dependents(tx, id, state, now);
}

// To be tried again after its backoff; at once if the attempt was interrupted, because the length
// of a lease has passed already.
TaskState retry_or_bury(WriteTx& tx, const TaskStore& store, TaskId id, std::int64_t attempt,
                        const AttemptEnd& end, TaskTime now) {
  const auto row = tx.query<int, int, microseconds, double, microseconds, double>(
                         "SELECT tries_left, max_attempts, backoff_first, backoff_factor,"
                         " backoff_max, backoff_jitter FROM task_item WHERE id = ?",
                         id)
                       .first();
  if (!row) return TaskState::Failed;  // Somebody has deleted it by hand.
  const auto& [tries_left, max_attempts, first, factor, max, jitter] = *row;
  if (!end.may_retry || tries_left == 0) {
    finish_task(tx, id, TaskState::Failed, {}, end.error, now);
    return TaskState::Failed;
  }
  const Backoff backoff{.first = std::chrono::ceil<std::chrono::milliseconds>(first),
                        .factor = factor,
                        .max = std::chrono::ceil<std::chrono::milliseconds>(max),
                        .jitter = jitter};
  const microseconds wait =
      end.outcome == AttemptOutcome::Interrupted
          ? microseconds(0)
          : wait_after(backoff, max_attempts - tries_left, chance_of(store.seed, id, attempt));
  tx.execute(
      "UPDATE task_item SET state = 'pending', ready = ?, not_before = ?, error = ? WHERE id = ?",
      wait.count() == 0, now + wait, end.error, id);
  return TaskState::Pending;
}

TaskState give_back(WriteTx& tx, TaskId id) {
  tx.execute(
      "UPDATE task_item SET state = 'pending', ready = 1, tries_left = tries_left + 1"
      " WHERE id = ?",
      id);
  return TaskState::Pending;
}

bool close_attempt(WriteTx& tx, TaskId task, std::int64_t attempt, const AttemptEnd& end,
                   TaskTime now) {
  return tx.execute(
               "UPDATE task_attempt SET held_until = NULL, ended_at = ?, outcome = ?, error = ?"
               " WHERE task = ? AND number = ? AND outcome IS NULL",
               now, to_string(end.outcome), end.error, task, attempt)
             .changes == 1;
}

// Of a claim whose end was refused: if it was cancelled, its worker has stopped by now.
void let_go_cancelled(WriteTx& tx, TaskId task, std::int64_t attempt, TaskTime now) {
  tx.execute(
      "UPDATE task_attempt SET held_until = NULL, ended_at = ?"
      " WHERE task = ? AND number = ? AND held_until IS NOT NULL",
      now, task, attempt);
}

std::optional<TaskState> end_attempt_at(WriteTx& tx, const TaskStore& store, TaskId task,
                                        std::int64_t attempt, const AttemptEnd& end, TaskTime now) {
  if (!close_attempt(tx, task, attempt, end, now)) {
    let_go_cancelled(tx, task, attempt, now);
    return std::nullopt;
  }
  if (end.outcome == AttemptOutcome::Done) {
    finish_task(tx, task, TaskState::Done, end.result, "", now);
    return TaskState::Done;
  }
  if (end.given_back) return give_back(tx, task);
  return retry_or_bury(tx, store, task, attempt, end, now);
}

}  // namespace

std::optional<TaskClaim> claim(WriteTx& tx, const TaskStore& store, const ClaimRequest& request) {
  const TaskTime now = store.now();
  recover_expired(tx, store);
  promote_due(tx, now);
  const auto id = find_ready(tx, request.queues, request.kinds);
  if (!id) return std::nullopt;
  std::optional<TaskClaim> claim = mark_running(tx, *id);
  if (!claim) return std::nullopt;
  claim->started_at = now;
  claim->deadline = now + claim->deadline.time_since_epoch();
  claim->lease_until = now + store.options.lease;
  tx.execute(
      "INSERT INTO task_attempt(task, number, worker, started_at, deadline, held_until)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      claim->id, claim->attempt, request.worker.empty() ? default_worker() : request.worker, now,
      claim->deadline, claim->lease_until);
  return claim;
}

std::optional<TaskTime> extend(WriteTx& tx, const TaskStore& store, const TaskClaim& claim) {
  const std::chrono::milliseconds lease = store.options.lease;
  const auto until =
      tx.query<TaskTime>(
            "UPDATE task_attempt SET held_until = min(?, deadline + ?)"
            " WHERE task = ? AND number = ? AND held_until IS NOT NULL RETURNING held_until",
            store.now() + lease, lease, claim.id, claim.attempt)
          .all();
  return until.empty() ? std::nullopt : std::optional(until.front());
}

std::optional<ClaimState> state_of(ReadTx& tx, const TaskClaim& claim) {
  const auto outcome = tx.query<std::optional<std::string>>(
                             "SELECT outcome FROM task_attempt WHERE task = ? AND number = ?",
                             claim.id, claim.attempt)
                           .first();
  if (!outcome) return ClaimState::Lost;  // It has been pruned.
  if (!*outcome) return ClaimState::Held;
  switch (outcome_named(**outcome)) {
    case AttemptOutcome::Done:
    case AttemptOutcome::Failed:
      return std::nullopt;
    case AttemptOutcome::Cancelled:
      return ClaimState::Cancelled;
    case AttemptOutcome::TimedOut:
    case AttemptOutcome::Interrupted:
      break;
  }
  return ClaimState::Lost;
}

std::int64_t recover_expired(WriteTx& tx, const TaskStore& store) {
  const TaskTime now = store.now();
  const auto expired =
      tx.query<TaskId, std::int64_t, std::string, TaskTime>(
            "SELECT task, number, worker, deadline FROM task_attempt"
            " WHERE held_until IS NOT NULL AND held_until <= ? ORDER BY held_until LIMIT 100",
            now)
          .all();
  for (const auto& [task, attempt, worker, deadline] : expired) {
    const bool timed_out = deadline <= now;
    const AttemptEnd end{
        .outcome = timed_out ? AttemptOutcome::TimedOut : AttemptOutcome::Interrupted,
        .error = timed_out ? "it took longer than its timeout, and did not stop"
                           : "its worker (" + worker + ") did not extend its lease"};
    static_cast<void>(end_attempt_at(tx, store, task, attempt, end, now));
  }
  return static_cast<std::int64_t>(expired.size());
}

std::optional<TaskState> end_attempt(WriteTx& tx, const TaskStore& store, const TaskClaim& claim,
                                     const AttemptEnd& end) {
  AttemptEnd storable = end;
  storable.error = clean_text(end.error);
  return end_attempt_at(tx, store, claim.id, claim.attempt, storable, store.now());
}

void cancel_attempt(WriteTx& tx, TaskId task) {
  tx.execute(
      "UPDATE task_attempt SET outcome = 'cancelled', error = 'cancelled'"
      " WHERE task = ? AND outcome IS NULL",
      task);
}

}  // namespace turnstile::tasks
