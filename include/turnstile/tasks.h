// A durable queue of background tasks: put in with the caller's own transaction, claimed by workers
// of any process, and finished exactly once by whoever holds the claim. See task_worker.h for
// threads that do the work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/task.h"

namespace turnstile {

class WorkerPool;

namespace detail {
class TaskStore;
}  // namespace detail

/// Settings of a TaskQueue.
///
/// Threads: immutable.
struct TaskOptions {
  /// For how long a claim holds without an extension, 10 ms to a day. So long after its worker's
  /// death a task is given to the next one.
  std::chrono::milliseconds lease{30'000};

  /// The most tasks that may be pending or running in the file; the next one is refused with Error
  /// (TASK_LIMIT). Empty: any number.
  std::optional<std::int64_t> max_active{};

  /// How many finished tasks prune() keeps: the newest so many of those that are done, as many that
  /// failed, and as many that were cancelled.
  std::int64_t keep_finished = 500;

  /// For Backoff::jitter; the same seed gives the same waits. Empty: by chance.
  std::optional<std::uint64_t> seed{};

  /// What time it is; empty: the system's clock. Must not throw.
  std::function<std::chrono::system_clock::time_point()> now{};
};

/// For whom TaskQueue::claim() looks for a task.
///
/// Threads: immutable.
struct ClaimRequest {
  std::vector<std::string> queues{"default"};
  std::vector<std::string> kinds{};  ///< Empty: any.
  std::string worker{};              ///< A name for people; empty: the process id.
};

/// What became of a claim.
enum class ClaimState {
  Held,       ///< Still its worker's.
  Cancelled,  ///< The task was cancelled; the worker is to stop, and then let_go().
  Lost,       ///< Finished, or given to somebody else: whatever the worker does now is refused.
};

/// The tasks of one file. Copies are the same queue. Its tables are `task_item`, `task_attempt`,
/// `task_dependency` and `task_queue`; the constructor makes them where they are missing.
///
/// A task may be begun more than once, because a worker can die at any moment; it is finished at
/// most once. What is done with complete(tx, ...) in the same transaction happens exactly once.
///
/// Calls that write wait for their turn as Lane::write() does. All calls throw what Lane::read()
/// and Lane::write() throw; those that name a task that is not there throw Error (TASK_NOT_FOUND).
///
/// Threads: shared.
class TaskQueue {
 public:
  /// Throws MisuseError (OPTION_INVALID), MigrationError and what Lane::migrate() throws.
  explicit TaskQueue(Lane lane, TaskOptions options = {},
                     std::source_location where = std::source_location::current());

  // Putting in. All throw MisuseError (TASK_INVALID) for a task that cannot be, Error (TASK_LIMIT)
  // with the limit, Error (TASK_NOT_FOUND) for an unknown task in NewTask::after, Cancelled
  // (TASK_QUEUE_CLOSED) after close(); nothing was written then.

  /// In the caller's transaction: it is there if and only if that commits.
  TaskId enqueue(WriteTx& tx, const NewTask& task,
                 std::source_location where = std::source_location::current()) const;
  /// In a transaction of its own.
  TaskId enqueue(const NewTask& task,
                 std::source_location where = std::source_location::current()) const;
  /// All of them or none, in that order.
  std::vector<TaskId> enqueue(WriteTx& tx, std::span<const NewTask> tasks,
                              std::source_location where = std::source_location::current()) const;
  std::vector<TaskId> enqueue(std::span<const NewTask> tasks,
                              std::source_location where = std::source_location::current()) const;
  /// Returns at once, whoever is writing; the future gets the id when the task is in the file.
  /// Throws QueueFull too.
  [[nodiscard]] std::future<TaskId> submit(
      NewTask task, std::source_location where = std::source_location::current()) const;
  /// Takes no more tasks, for a program that ends; what is in the file stays there. For this object
  /// and its copies.
  void close() noexcept;

  // Working, for those who bring their own threads; WorkerPool does all of this.

  /// The most urgent task that is due, of those queues and kinds, whose queue is not paused and has
  /// not reached its limit. Before that, tasks whose claims have expired are given back. Empty:
  /// there is none at the moment.
  std::optional<TaskClaim> claim(
      const ClaimRequest& request = {},
      std::source_location where = std::source_location::current()) const;
  /// Extends the lease from now, but not beyond a lease's length after the attempt's deadline.
  ClaimState heartbeat(const TaskClaim& claim,
                       std::source_location where = std::source_location::current()) const;
  /// The task is done. False when the claim is not held any more; nothing was changed then, and
  /// whoever has done something else in `tx` should throw, so that it is undone.
  [[nodiscard]] bool complete(WriteTx& tx, const TaskClaim& claim, const Value& result = {}) const;
  [[nodiscard]] bool complete(const TaskClaim& claim, const Value& result = {},
                              std::source_location where = std::source_location::current()) const;
  /// The attempt failed: the task is tried again after its backoff, or is a dead letter when it has
  /// no tries left or `may_retry` is false. The others of this group return false as complete().
  [[nodiscard]] bool fail(const TaskClaim& claim, std::string_view error, bool may_retry = true,
                          std::source_location where = std::source_location::current()) const;
  /// Gives the task back unfinished; the attempt does not count. After a cancel, says that the
  /// worker has stopped, so that another task of the queue may run.
  [[nodiscard]] bool let_go(const TaskClaim& claim,
                            std::source_location where = std::source_location::current()) const;
  /// Tells how far the attempt is, 0 to 1. Each call is a transaction. Throws MisuseError
  /// (TASK_INVALID) for another number.
  [[nodiscard]] bool progress(const TaskClaim& claim, double fraction, std::string_view text = {},
                              std::source_location where = std::source_location::current()) const;
  /// Gives tasks back whose claims have expired; how many there were. claim() does it too.
  std::int64_t recover(std::source_location where = std::source_location::current()) const;

  // Managing.

  /// A pending task will not run. A running one counts as cancelled from now on, and its worker is
  /// asked to stop, in whatever process it is. False when it was finished already.
  bool cancel(TaskId id, std::source_location where = std::source_location::current()) const;
  /// Tries a dead letter again, with as many attempts as it had. False when it is none. Throws
  /// Error (TASK_KEY_TAKEN) when a later task has its key.
  bool retry(TaskId id, std::source_location where = std::source_location::current()) const;
  /// Takes the place of the queue's former settings. Throws MisuseError (TASK_INVALID).
  void configure(std::string_view queue, const QueueSettings& settings,
                 std::source_location where = std::source_location::current()) const;
  /// Removes finished tasks whose retention is over, and those beyond TaskOptions::keep_finished;
  /// how many. In several short transactions.
  std::int64_t prune(std::source_location where = std::source_location::current()) const;

  // Looking. Never waits for a writer.

  [[nodiscard]] std::optional<Task> find(  ///< Nothing when there is none.
      TaskId id, std::source_location where = std::source_location::current()) const;
  /// Newest first.
  [[nodiscard]] std::vector<Task> list(
      const TaskFilter& filter = {},
      std::source_location where = std::source_location::current()) const;
  /// Of one task, oldest first.
  [[nodiscard]] std::vector<TaskAttempt> attempts(
      TaskId id, std::source_location where = std::source_location::current()) const;
  /// What the handler returned. Throws Error: TASK_NOT_FINISHED with the task's state, TASK_FAILED
  /// with its error when it failed or was cancelled.
  [[nodiscard]] Value result(TaskId id,
                             std::source_location where = std::source_location::current()) const;
  /// By queue name; those that have settings or tasks.
  [[nodiscard]] std::vector<QueueStats> stats(
      std::source_location where = std::source_location::current()) const;
  /// Of all queues together.
  [[nodiscard]] TaskCounts counts(
      std::source_location where = std::source_location::current()) const;

  [[nodiscard]] const Lane& lane() const noexcept;            ///< The one it was made with.
  [[nodiscard]] const TaskOptions& options() const noexcept;  ///< The ones it was made with.
  /// What time it is for this queue.
  [[nodiscard]] TaskTime now() const;

 private:
  friend class WorkerPool;

  std::shared_ptr<detail::TaskStore> store_;
};

}  // namespace turnstile
