// Threads that work on the tasks of a TaskQueue with handlers of the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/options.h"
#include "turnstile/tasks.h"

namespace turnstile {

namespace detail {
class RunningTask;
class TaskWorkers;
}  // namespace detail

/// Why a handler is asked to stop.
enum class TaskStop {
  None,       ///< It is not.
  Shutdown,   ///< WorkerPool::stop(). The task is given back if the handler does give up.
  TimedOut,   ///< The attempt has reached NewTask::timeout.
  Cancelled,  ///< TaskQueue::cancel().
  LeaseLost,  ///< The lease could not be extended in time; somebody else may have the task.
};

[[nodiscard]] std::string_view to_string(TaskStop reason) noexcept;  ///< In lower case.

/// What a handler returns. A result that is returned counts, also after a stop was asked for: who
/// gives up half-way has to say so, with stopped() or an exception.
///
/// Threads: immutable.
class TaskResult {
 public:
  enum class Kind { Done, Failed, FailedForGood, Stopped };  ///< What becomes of the task.

  [[nodiscard]] static TaskResult done(Value value = {});  ///< It is finished, with this result.
  /// To be tried again while tries are left. An exception does the same with its message.
  [[nodiscard]] static TaskResult failed(std::string error);
  /// Not to be tried again.
  [[nodiscard]] static TaskResult failed_for_good(std::string error);
  /// Has given up because it was asked to stop; a failure if it was not.
  [[nodiscard]] static TaskResult stopped();

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  TaskResult(Kind kind, Value value, std::string error);

  Kind kind_;
  Value value_;
  std::string error_;
};

/// What a handler is called with: the task, and what it can say about it. The lease is extended by
/// the pool for as long as the handler runs.
///
/// Threads: scoped; all threads that the handler uses may use it.
class TaskContext {
 public:
  TaskContext(TaskQueue queue, std::shared_ptr<detail::RunningTask> running) noexcept;

  [[nodiscard]] const TaskClaim& task() const noexcept;  ///< What the handler is called for.
  /// The payload as text. Throws MisuseError (TASK_INVALID) when it is none.
  [[nodiscard]] const std::string& text() const;

  [[nodiscard]] std::stop_token stop_token() const noexcept;  ///< Asked to stop: see stop_reason().
  [[nodiscard]] TaskStop stop_reason() const noexcept;        ///< Why it is to stop.
  /// For long work, between two parts of it. Throws Cancelled (TASK_STOPPED).
  void throw_if_stopped() const;

  /// See TaskQueue::progress(). Who only tells need not look at the answer: no [[nodiscard]].
  bool progress(double fraction, std::string_view text = {},  // NOLINT(modernize-use-nodiscard)
                std::source_location where = std::source_location::current()) const;

  /// Finishes the task in the handler's own transaction, so that what the handler writes there and
  /// the completion are there together or not at all. Throws Cancelled (TASK_LEASE_LOST) when the
  /// task is not this attempt's any more; let it through, so that nothing of `tx` stays. Once that
  /// is committed, what the handler returns is not looked at.
  void complete_in(WriteTx& tx, const Value& result = {},
                   std::source_location where = std::source_location::current()) const;

 private:
  TaskQueue queue_;
  std::shared_ptr<detail::RunningTask> running_;
};

/// Runs on a thread of the pool, in no transaction. May be called by several threads at once, and
/// again for a task that was begun before.
using TaskHandler = std::function<TaskResult(TaskContext&)>;

/// The beginning or the end of an attempt.
///
/// Threads: immutable.
struct TaskNotice {
  enum class Kind {  ///< What has happened.
    Started,
    Done,
    Failed,  ///< This attempt; `will_retry` says whether there will be another one.
    Stopped  ///< Given back, cancelled, or the claim was lost.
  };
  Kind kind = Kind::Started;
  TaskId id = 0;
  std::int64_t attempt = 0;
  std::string queue{};
  std::string task_kind{};
  std::string origin{};
  std::string trace{};
  std::string error{};  ///< Of a failure.
  bool will_retry = false;
};

/// Settings of a WorkerPool.
///
/// Threads: immutable.
struct WorkerPoolOptions {
  std::vector<std::string> queues{"default"};
  int workers = 4;     ///< Threads, each with one task at a time; 1 to 256.
  std::string name{};  ///< Stands in TaskAttempt::worker; empty: the process id.

  /// Told of each attempt whose task has an origin, on the worker's thread. What it throws is
  /// counted, and changes nothing. A task without an origin is told to the log sink instead.
  std::function<void(const TaskNotice&)> notify{};

  /// Told of what fails beside the handlers (TASK_WORKER_FAILED) and of tasks without an origin
  /// (TASK_WITHOUT_ORIGIN). Called from any thread.
  LogSink log_sink{};
};

/// What a pool has done since it was made.
///
/// Threads: immutable.
struct WorkerMetrics {
  std::int64_t started = 0;  ///< Attempts.
  std::int64_t done = 0;
  std::int64_t failed = 0;     ///< Attempts that failed or timed out.
  std::int64_t timed_out = 0;  ///< Of the failed ones.
  std::int64_t returned = 0;   ///< Given back unfinished.
  std::int64_t refused = 0;    ///< Ends that came after the claim was lost or the task cancelled.
  std::int64_t notice_failures = 0;
  std::int64_t storage_failures = 0;  ///< Calls of the database that failed and were repeated.
};

/// What WorkerPool::stop() leaves.
///
/// Threads: immutable.
struct StopReport {
  bool complete = true;                 ///< All threads have ended.
  std::vector<TaskId> still_running{};  ///< Their handlers have not returned.
};

/// Threads that claim tasks, run their handlers and finish them, beside one that keeps the leases.
/// Idle ones sleep until a task is put in, by whatever process, or one becomes due: they do not
/// poll.
///
/// Threads: shared; handle() only before start().
class WorkerPool {
 public:
  /// Throws MisuseError (OPTION_INVALID). Starts nothing.
  explicit WorkerPool(TaskQueue queue, WorkerPoolOptions options = {},
                      std::source_location where = std::source_location::current());
  /// Stops, and waits for handlers that go on, however long.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Only tasks of kinds that have a handler are claimed. Throws MisuseError (TASK_INVALID) for a
  /// second handler of a kind, an empty one, and a pool that was started.
  void handle(std::string kind, TaskHandler handler,
              std::source_location where = std::source_location::current());

  /// Does nothing when it is started. Throws MisuseError (TASK_STILL_RUNNING) when handlers go on
  /// from before the last stop(), and what Lane::observe() throws.
  void start(std::source_location where = std::source_location::current());
  /// Begins no more tasks, asks the running ones to stop, and returns when all threads have ended
  /// or when `limit` has passed. Called again, says at once what is left.
  StopReport stop(std::chrono::milliseconds limit = std::chrono::seconds(10));

  /// Waits until there is no pending and no running task in the pool's queues, of whatever kind and
  /// process. False when `stop` was requested, or the pool was stopped, first;
  /// who does neither need not look at it: no [[nodiscard]].
  bool wait_until_empty(std::stop_token stop = {},  // NOLINT(modernize-use-nodiscard)
                        std::source_location where = std::source_location::current());

  /// Has the pool look for work and at the clock now. Needed only where TaskOptions::now is set by
  /// hand.
  void wake() noexcept;

  [[nodiscard]] WorkerMetrics metrics() const;  ///< At this moment.

 private:
  std::unique_ptr<detail::TaskWorkers> workers_;
};

}  // namespace turnstile
