// What a background task is: how it is given to a TaskQueue, and how it is read back.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/value.h"

namespace turnstile {

/// The number of a task; never used twice in a file.
using TaskId = std::int64_t;

/// Times of tasks have the precision that the file has.
using TaskTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// Where a task stands. The file itself refuses every change that may_become() does not allow.
enum class TaskState {
  Pending,    ///< Waits for a worker, for its time, or for other tasks.
  Running,    ///< A worker has it.
  Done,       ///< Its handler has returned a result.
  Failed,     ///< It will not be tried again unless TaskQueue::retry() says so: a dead letter.
  Cancelled,  ///< By TaskQueue::cancel(), or because a task failed that it had to wait for.
};

[[nodiscard]] std::string_view to_string(TaskState state) noexcept;  ///< In lower case.
/// The state of that name in lower case, as it is stored; nothing for any other text.
[[nodiscard]] std::optional<TaskState> task_state(std::string_view name) noexcept;

/// Whether a task in the state `from` can come to be in the state `to`. Nothing leaves Done and
/// Cancelled.
[[nodiscard]] bool may_become(TaskState from, TaskState to) noexcept;

/// How one attempt at a task ended.
enum class AttemptOutcome {
  Done,
  Failed,       ///< The handler threw, or returned a failure.
  TimedOut,     ///< It took longer than NewTask::timeout.
  Interrupted,  ///< Its worker died or was stopped.
  Cancelled,    ///< The task was cancelled meanwhile.
};

[[nodiscard]] std::string_view to_string(AttemptOutcome outcome) noexcept;  ///< In lower case.

/// How long a task that failed waits until it is tried again: `first` after the first failure,
/// then `factor` times as long each time, at most `max`. Each wait is made up to `jitter` (0 to 1)
/// of itself shorter or longer by chance, so that tasks that failed together do not come back
/// together.
///
/// Threads: immutable.
struct Backoff {
  std::chrono::milliseconds first{1000};
  double factor = 2;
  std::chrono::milliseconds max{std::chrono::hours(1)};
  double jitter = 0.1;
};

/// What becomes of a task when one that it waits for fails or is cancelled.
enum class IfDependencyFails {
  Cancel,  ///< It is cancelled too, for good: also when the other is retried later.
  Run,     ///< It runs as if the other were done.
};

/// A task to be put into a queue.
///
/// Threads: immutable.
struct NewTask {
  std::string queue = "default";  ///< 1 to 100 bytes; a queue exists once it is named.
  std::string kind;               ///< 1 to 100 bytes; says which handler runs it.
  Value payload{};                ///< For the handler; text, such as JSON, is not looked into.
  int priority = 0;               ///< Higher ones go first, and the older of two that are equal.

  /// Not to be begun before so long from now, and not before that time.
  std::chrono::milliseconds delay{0};
  std::optional<std::chrono::system_clock::time_point> not_before{};

  /// While a task of this queue and key is pending or running, another one of them is not made:
  /// enqueue() gives the id of the first and changes nothing. Empty: none. Up to 255 bytes.
  std::string key{};

  /// Tasks that have to be done before. They must exist; so there can be no circle.
  std::vector<TaskId> after{};
  IfDependencyFails if_dependency_fails = IfDependencyFails::Cancel;

  int max_attempts = 3;  ///< At least 1. Attempts whose worker died count too.
  Backoff backoff{};
  /// The longest that an attempt may take, 1 ms to a year.
  std::chrono::milliseconds timeout{std::chrono::minutes(30)};

  /// How long it is kept once it is finished; by default, TaskOptions::keep_finished decides.
  std::optional<std::chrono::milliseconds> retention{};

  std::string origin{};  ///< Who is to be told of it: handed to WorkerPoolOptions::notify.
  std::string trace{};   ///< For the caller's own tracing; handed on to the handler.
};

/// A task as the file has it.
///
/// Threads: immutable.
struct Task {
  TaskId id = 0;
  std::string queue{};
  std::string kind{};
  TaskState state = TaskState::Pending;
  bool ready = false;  ///< Pending, due, and waiting for no other task.
  int priority = 0;
  Value payload{};
  std::string key{};
  std::vector<TaskId> after{};
  std::string origin{};
  std::string trace{};

  std::int64_t attempts = 0;  ///< That were begun.
  int tries_left = 0;         ///< Attempts that it may still have.
  int max_attempts = 0;

  TaskTime created_at{};
  TaskTime not_before{};
  std::optional<TaskTime> finished_at{};

  Value result{};       ///< When it is done.
  std::string error{};  ///< Of the last attempt that failed, or why it was cancelled.
};

/// One attempt at a task.
///
/// Threads: immutable.
struct TaskAttempt {
  std::int64_t number = 0;  ///< From 1; the fencing number.
  std::string worker{};
  TaskTime started_at{};
  TaskTime deadline{};                      ///< When its time is up.
  std::optional<TaskTime> lease_until{};    ///< Empty once its worker has let it go.
  std::optional<TaskTime> ended_at{};       ///< Empty as long as it goes on.
  std::optional<AttemptOutcome> outcome{};  ///< Set before its end when the task was cancelled.
  std::string error{};
  std::optional<double> progress{};  ///< 0 to 1.
  std::string progress_text{};
};

/// Which tasks TaskQueue::list() gives; what is empty does not matter.
///
/// Threads: immutable.
struct TaskFilter {
  std::string queue{};
  std::string kind{};
  std::optional<TaskState> state{};
  std::optional<TaskId> before{};  ///< Only smaller ids: for the next page.
  std::int64_t limit = 100;
};

/// What a queue holds.
///
/// Threads: immutable.
struct TaskCounts {
  std::int64_t pending = 0;
  std::int64_t ready = 0;  ///< Of the pending ones, those that a worker could begin.
  std::int64_t running = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;

  bool operator==(const TaskCounts&) const = default;
};

/// Settings of a queue, kept in the file and obeyed by all processes.
///
/// Threads: immutable.
struct QueueSettings {
  /// How many of its tasks may run at the same time, in all processes together; empty: any number.
  std::optional<int> max_running{};
  bool paused = false;  ///< None of its tasks is begun.

  bool operator==(const QueueSettings&) const = default;
};

/// A queue with what it holds.
///
/// Threads: immutable.
struct QueueStats {
  std::string queue{};
  TaskCounts counts{};
  QueueSettings settings{};
};

/// The right to work on a task until `lease_until`, and later if it is extended.
///
/// Threads: immutable.
struct TaskClaim {
  TaskId id = 0;
  /// The number of the attempt, which is the fencing number too: each claim of a task has a greater
  /// one. A store that remembers the greatest one it has seen can refuse the late writes of a
  /// worker that was taken for dead.
  std::int64_t attempt = 0;
  int tries_left = 0;  ///< Attempts after this one.
  std::string queue{};
  std::string kind{};
  Value payload{};
  std::string key{};
  std::string origin{};
  std::string trace{};
  TaskTime started_at{};
  TaskTime deadline{};     ///< When its time is up.
  TaskTime lease_until{};  ///< As it was claimed.
};

}  // namespace turnstile
