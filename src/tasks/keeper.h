// The thread of a pool that keeps the leases of what runs, and asks handlers to stop: because their
// time is up, their task was cancelled somewhere, or their lease was lost.
//
// It never waits for the writer: leases are extended by submitted closures, so that a handler's
// time is up in time although somebody else is writing for long.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "gate/mutex.h"
#include "tasks/running_tasks.h"
#include "tasks/task_store.h"
#include "tasks/worker_log.h"

namespace turnstile::tasks {

/// Threads: shared.
class Keeper {
 public:
  Keeper(std::shared_ptr<detail::TaskStore> store, std::shared_ptr<RunningTasks> running,
         std::shared_ptr<WorkerLog> log);
  ~Keeper() { end(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  /// Ends the thread, if it has not ended.
  void end() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// There is something new to wait for.
  void expect(TaskTime time) TURNSTILE_EXCLUDES(mutex_);
  /// Something was committed that may be a cancel.
  void rung() noexcept TURNSTILE_EXCLUDES(mutex_);
  /// Looks at the clock.
  void wake() noexcept TURNSTILE_EXCLUDES(mutex_);

 private:
  using Clock = std::chrono::steady_clock;
  struct Round {
    bool look_for_cancels = false;
  };

  void run() noexcept;
  /// Waits; empty: the end.
  [[nodiscard]] std::optional<Round> next_round() TURNSTILE_EXCLUDES(mutex_);
  void wait() TURNSTILE_REQUIRES(mutex_);
  void look_for_cancels();
  void look_again() TURNSTILE_EXCLUDES(mutex_);
  void extend_leases(TaskTime now);

  const std::shared_ptr<detail::TaskStore> store_;
  const std::shared_ptr<RunningTasks> running_;
  const std::shared_ptr<WorkerLog> log_;
  TaskTime may_extend_at_{};  // The thread's own.

  gate::Mutex mutex_;
  gate::CondVar changed_;
  bool ending_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool woken_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool rung_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::optional<TaskTime> due_ TURNSTILE_GUARDED_BY(mutex_);
  Clock::time_point next_look_ TURNSTILE_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace turnstile::tasks
