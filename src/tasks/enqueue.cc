#include "tasks/enqueue.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "tasks/names.h"
#include "tasks/refuse.h"

namespace turnstile::tasks {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kKeyBytes = 255;
// Far from the end of what a time can be, wherever it is added.
constexpr milliseconds kLongest = std::chrono::hours(24 * 365);

void require(bool holds, std::string message, std::source_location where) {
  if (!holds) refuse_invalid(std::move(message), where);
}

void validate_backoff(const Backoff& backoff, std::source_location where) {
  require(backoff.first >= milliseconds(0) && backoff.max >= milliseconds(0) &&
              backoff.max <= kLongest && backoff.first <= kLongest,
          "a backoff is between 0 and a year", where);
  require(std::isfinite(backoff.factor) && backoff.factor >= 1,
          "the factor of a backoff is at least 1", where);
  require(backoff.jitter >= 0 && backoff.jitter <= 1, "the jitter of a backoff is between 0 and 1",
          where);
}

struct Dependency {
  TaskId id;
  TaskState state;
};

std::vector<Dependency> dependencies_of(WriteTx& tx, const NewTask& task,
                                        std::source_location where) {
  std::vector<TaskId> ids = task.after;
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  std::vector<Dependency> dependencies;
  if (ids.empty()) return dependencies;
  Statement find = tx.prepare("SELECT state FROM task_item WHERE id = ?");
  for (const TaskId id : ids) {
    const auto state = find.query<std::string>(id).first();
    if (!state) refuse_unknown(id, where);
    dependencies.push_back({id, state_named(*state)});
  }
  return dependencies;
}

void require_room(WriteTx& tx, std::int64_t limit, std::source_location where) {
  const auto active = tx.query<std::int64_t>(
                            "SELECT count(*) FROM (SELECT 1 FROM task_item"
                            " WHERE state IN ('pending', 'running') LIMIT ?)",
                            limit)
                          .one();
  if (active < limit) return;
  throw Error({.code = code("TASK_LIMIT"),
               .message = "there are " + std::to_string(limit) +
                          " tasks that are not finished, and no more are allowed",
               .lane = std::string(tx.lane()),
               .where = where,
               .retry_is_safe = true});
}

// Why a task that waits for these cannot run; empty when it can.
std::string obstacle_in(const std::vector<Dependency>& dependencies) {
  for (const Dependency& each : dependencies)
    if (each.state == TaskState::Failed || each.state == TaskState::Cancelled)
      return reason_of_dependent(each.id, each.state == TaskState::Failed);
  return {};
}

TaskTime due_time(const NewTask& task, TaskTime now) {
  const TaskTime delayed = now + task.delay;
  if (!task.not_before) return delayed;
  return std::max(delayed, std::chrono::ceil<TaskTime::duration>(*task.not_before));
}

bool is_finished(TaskState state) {
  return state != TaskState::Pending && state != TaskState::Running;
}

}  // namespace

void validate_name(std::string_view what, std::string_view name, std::source_location where) {
  require(!name.empty() && name.size() <= kNameBytes,
          "the " + std::string(what) + " has " + std::to_string(name.size()) +
              " bytes; 1 to 100 are allowed",
          where);
}

void validate(const NewTask& task, std::source_location where) {
  validate_name("queue's name", task.queue, where);
  validate_name("kind of a task", task.kind, where);
  require(task.key.size() <= kKeyBytes,
          "the key has " + std::to_string(task.key.size()) + " bytes; up to 255 are allowed",
          where);
  require(task.max_attempts >= 1, "a task needs at least one attempt", where);
  require(task.timeout >= milliseconds(1) && task.timeout <= kLongest,
          "the timeout of a task is between 1 ms and a year", where);
  require(task.delay >= milliseconds(0) && task.delay <= 100 * kLongest,
          "the delay of a task is between 0 and 100 years", where);
  require(
      !task.retention || (*task.retention >= milliseconds(0) && *task.retention <= 100 * kLongest),
      "the retention of a task is between 0 and 100 years", where);
  validate_backoff(task.backoff, where);
}

TaskId insert(WriteTx& tx, const NewTask& task, const EnqueueContext& context) {
  if (!task.key.empty()) {
    const auto same = tx.query<TaskId>(
                            "SELECT id FROM task_item WHERE queue = ? AND key = ?"
                            " AND key IS NOT NULL AND state IN ('pending', 'running')",
                            task.queue, task.key)
                          .first();
    if (same) return *same;
  }
  const std::vector<Dependency> dependencies = dependencies_of(tx, task, context.where);
  if (context.max_active) require_room(tx, *context.max_active, context.where);

  const TaskTime not_before = due_time(task, context.now);
  const auto blockers = std::ranges::count_if(
      dependencies, [](const Dependency& each) { return !is_finished(each.state); });
  const bool runs_anyway = task.if_dependency_fails == IfDependencyFails::Run;
  const std::string obstacle = runs_anyway ? std::string() : obstacle_in(dependencies);
  const bool cancelled = !obstacle.empty();
  const auto finished_at = cancelled ? std::optional(context.now) : std::nullopt;
  const auto expires_at =
      cancelled && task.retention ? std::optional(context.now + *task.retention) : std::nullopt;

  std::optional<Savepoint> whole;
  if (!dependencies.empty()) whole.emplace(tx.savepoint());
  const TaskId id =
      tx.execute(
            "INSERT INTO task_item(queue, kind, payload, state, ready, blockers, not_before,"
            " priority, key, tries_left, max_attempts, backoff_first, backoff_factor, backoff_max,"
            " backoff_jitter, timeout, retention, runs_if_dependency_fails, origin, trace,"
            " created_at, finished_at, expires_at, error)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            task.queue, task.kind, task.payload,
            to_string(cancelled ? TaskState::Cancelled : TaskState::Pending),
            !cancelled && blockers == 0 && not_before <= context.now, blockers, not_before,
            task.priority, task.key.empty() ? std::nullopt : std::optional(task.key),
            task.max_attempts, task.max_attempts, task.backoff.first, task.backoff.factor,
            task.backoff.max, task.backoff.jitter, task.timeout, task.retention, runs_anyway,
            task.origin, task.trace, context.now, finished_at, expires_at, obstacle)
          .last_insert_rowid;
  for (const Dependency& each : dependencies)
    tx.execute("INSERT INTO task_dependency(task, depends_on, settled) VALUES (?, ?, ?)", id,
               each.id, cancelled || is_finished(each.state));
  if (whole) whole->release();
  return id;
}

}  // namespace turnstile::tasks
