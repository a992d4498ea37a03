// What a worker does with one task: the handler, its end in the file, and the notices.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tasks/attempts.h"
#include "tasks/running_tasks.h"
#include "tasks/task_store.h"
#include "tasks/work_signal.h"
#include "tasks/worker_log.h"
#include "turnstile/task_worker.h"

namespace turnstile::tasks {

using Handlers = std::map<std::string, TaskHandler, std::less<>>;

/// What WorkerMetrics says. Threads: shared.
struct WorkerCounters {
  std::atomic<std::int64_t> started{0};
  std::atomic<std::int64_t> done{0};
  std::atomic<std::int64_t> failed{0};
  std::atomic<std::int64_t> timed_out{0};
  std::atomic<std::int64_t> returned{0};
  std::atomic<std::int64_t> refused{0};
  std::atomic<std::int64_t> notice_failures{0};
};

/// What the parts of a pool share. Threads: shared; the handlers are changed before start() only.
struct PoolParts {
  TaskQueue queue;
  std::shared_ptr<detail::TaskStore> store;
  WorkerPoolOptions options;
  Handlers handlers{};
  std::shared_ptr<WorkerLog> log;
  WorkerCounters counters{};
};

/// Threads: shared.
class TaskRunner {
 public:
  TaskRunner(PoolParts& parts, RunningTasks& running, WorkSignal& signal)
      : parts_(parts), running_(running), signal_(signal) {}

  /// Runs a task. Gives the next one when there is one: it is claimed in the transaction that ends
  /// this one, which halves the number of commits.
  [[nodiscard]] std::optional<TaskClaim> run(TaskClaim claim, const ClaimRequest& request);
  /// From now on no next one is claimed.
  void claim_no_more() noexcept { claims_.store(false); }
  [[nodiscard]] bool claims() const noexcept { return claims_.load(); }

 private:
  struct Handled {
    TaskResult result;
    bool threw = false;
  };
  /// What became of a task, and the next.
  struct Ended {
    AttemptEnd end;
    std::optional<TaskState> state{};  ///< Empty: refused.
    std::optional<TaskClaim> next{};
  };

  [[nodiscard]] Handled call_handler(const RunningTaskPtr& running);
  [[nodiscard]] static AttemptEnd end_of(const detail::RunningTask& running,
                                         const Handled& handled);
  [[nodiscard]] Ended end(const detail::RunningTask& running, AttemptEnd end,
                          const ClaimRequest& request);
  [[nodiscard]] Ended end_in(WriteTx& tx, const detail::RunningTask& running, const AttemptEnd& end,
                             const ClaimRequest& request);
  void count(const Ended& ended);
  void notify_started(const TaskClaim& claim);
  void notify_ended(const TaskClaim& claim, const Ended& ended);
  void notify(const TaskClaim& claim, TaskNotice notice);

  PoolParts& parts_;
  RunningTasks& running_;
  WorkSignal& signal_;
  std::atomic<bool> claims_{true};
};

}  // namespace turnstile::tasks
