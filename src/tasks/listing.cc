#include "tasks/listing.h"

#include <map>
#include <string>
#include <utility>

#include "tasks/names.h"

namespace turnstile::tasks {

namespace {

constexpr const char* kColumns =
    "SELECT id, queue, kind, state, ready, priority, payload, key, origin, trace, attempt,"
    " tries_left, max_attempts, created_at, not_before, finished_at, result, error FROM task_item ";

Task read_task(const Row& row) {
  return {.id = row.get<TaskId>(0),
          .queue = row.get<std::string>(1),
          .kind = row.get<std::string>(2),
          .state = state_named(row.get<std::string_view>(3)),
          .ready = row.get<bool>(4),
          .priority = row.get<int>(5),
          .payload = row.get<Value>(6),
          .key = row.get<std::optional<std::string>>(7).value_or(""),
          .origin = row.get<std::string>(8),
          .trace = row.get<std::string>(9),
          .attempts = row.get<std::int64_t>(10),
          .tries_left = row.get<int>(11),
          .max_attempts = row.get<int>(12),
          .created_at = row.get<TaskTime>(13),
          .not_before = row.get<TaskTime>(14),
          .finished_at = row.get<std::optional<TaskTime>>(15),
          .result = row.get<Value>(16),
          .error = row.get<std::string>(17)};
}

template <class... Args>
std::vector<Task> read_tasks(ReadTx& tx, const std::string& condition, const Args&... args) {
  std::vector<Task> tasks;
  for (const Row row : tx.query(kColumns + condition, args...))
    tasks.push_back(read_task(row));
  for (Task& task : tasks)
    task.after = tx.query<TaskId>(
                       "SELECT depends_on FROM task_dependency WHERE task = ? ORDER BY 1", task.id)
                     .all();
  return tasks;
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

void add(TaskCounts& counts, TaskState state, bool ready, std::int64_t count) {
  switch (state) {
    case TaskState::Pending:
      counts.pending += count;
      if (ready) counts.ready += count;
      return;
    case TaskState::Running:
      counts.running += count;
      return;
    case TaskState::Done:
      counts.done += count;
      return;
    case TaskState::Failed:
      counts.failed += count;
      return;
    case TaskState::Cancelled:
      counts.cancelled += count;
      return;
  }
}

}  // namespace

std::optional<Task> find(ReadTx& tx, TaskId id) {
  std::vector<Task> tasks = read_tasks(tx, "WHERE id = ?", id);
  if (tasks.empty()) return std::nullopt;
  return std::move(tasks.front());
}

std::vector<Task> list(ReadTx& tx, const TaskFilter& filter) {
  const auto state = filter.state ? std::optional(to_string(*filter.state)) : std::nullopt;
  // The two cases differ in how they find their rows: all from the newest on, or those of a state.
  if (!state) {
    return read_tasks(tx,
                      "WHERE (?1 IS NULL OR queue = ?1) AND (?2 IS NULL OR kind = ?2)"
                      " AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
                      given(filter.queue), given(filter.kind), filter.before, filter.limit);
  }
  return read_tasks(tx,
                    "WHERE state = ?5 AND (?1 IS NULL OR queue = ?1) AND (?2 IS NULL OR kind = ?2)"
                    " AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4",
                    given(filter.queue), given(filter.kind), filter.before, filter.limit, state);
}

std::vector<TaskAttempt> attempts(ReadTx& tx, TaskId id) {
  std::vector<TaskAttempt> result;
  for (const Row row :
       tx.query("SELECT number, worker, started_at, deadline, held_until, ended_at, outcome, error,"
                " progress, progress_text FROM task_attempt WHERE task = ? ORDER BY number",
                id)) {
    const auto outcome = row.get<std::optional<std::string_view>>(6);
    result.push_back({.number = row.get<std::int64_t>(0),
                      .worker = row.get<std::string>(1),
                      .started_at = row.get<TaskTime>(2),
                      .deadline = row.get<TaskTime>(3),
                      .lease_until = row.get<std::optional<TaskTime>>(4),
                      .ended_at = row.get<std::optional<TaskTime>>(5),
                      .outcome = outcome ? std::optional(outcome_named(*outcome)) : std::nullopt,
                      .error = row.get<std::string>(7),
                      .progress = row.get<std::optional<double>>(8),
                      .progress_text = row.get<std::string>(9)});
  }
  return result;
}

std::vector<QueueStats> stats(ReadTx& tx) {
  std::map<std::string, QueueStats> queues;
  for (const auto& [name, max_running, paused] : tx.query<std::string, std::optional<int>, bool>(
           "SELECT name, max_running, paused FROM task_queue"))
    queues[name].settings = {.max_running = max_running, .paused = paused};
  for (const auto& [state, ready, queue, count] :
       tx.query<std::string, bool, std::string, std::int64_t>(
           "SELECT state, ready, queue, count(*) FROM task_item GROUP BY state, ready, queue"))
    add(queues[queue].counts, state_named(state), ready, count);
  std::vector<QueueStats> result;
  for (auto& [name, queue] : queues) {
    queue.queue = name;
    result.push_back(std::move(queue));
  }
  return result;
}

}  // namespace turnstile::tasks
