// The tasks whose handlers run in a pool at the moment.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "gate/mutex.h"
#include "turnstile/task_worker.h"

namespace turnstile::detail {

/// One of them. Threads: shared.
class RunningTask {
 public:
  explicit RunningTask(TaskClaim of) : claim(std::move(of)) {}

  /// The first reason is the one that counts. Runs what the handler wants to be done at a stop, so
  /// that no lock may be held.
  void ask_to_stop(TaskStop reason) noexcept {
    TaskStop none = TaskStop::None;
    reason_.compare_exchange_strong(none, reason);
    stop_.request_stop();
  }
  [[nodiscard]] TaskStop stop_reason() const noexcept { return reason_.load(); }
  [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }

  const TaskClaim claim;

 private:
  std::atomic<TaskStop> reason_{TaskStop::None};
  std::stop_source stop_;
};

}  // namespace turnstile::detail

namespace turnstile::tasks {

using RunningTaskPtr = std::shared_ptr<detail::RunningTask>;

/// Threads: shared.
class RunningTasks {
 public:
  explicit RunningTasks(std::chrono::milliseconds lease) : lease_(lease) {}

  /// One that comes after stop_all() is asked to stop at once.
  [[nodiscard]] RunningTaskPtr add(TaskClaim claim) TURNSTILE_EXCLUDES(mutex_);
  void remove(const detail::RunningTask& task) TURNSTILE_EXCLUDES(mutex_);
  void stop_all(TaskStop reason) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<TaskId> ids() const TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<RunningTaskPtr> all() const TURNSTILE_EXCLUDES(mutex_);

  /// Asks those to stop whose time is up, or whose lease has passed without an extension.
  void stop_overdue(TaskTime now) TURNSTILE_EXCLUDES(mutex_);
  /// When stop_overdue() has something to do.
  [[nodiscard]] std::optional<TaskTime> next_overdue() const TURNSTILE_EXCLUDES(mutex_);
  /// When a third of some lease has passed.
  [[nodiscard]] std::optional<TaskTime> next_extension() const TURNSTILE_EXCLUDES(mutex_);
  /// Those whose leases are to be extended; none while a third of no lease has passed.
  [[nodiscard]] std::vector<RunningTaskPtr> to_extend(TaskTime now) const
      TURNSTILE_EXCLUDES(mutex_);
  void extended(const detail::RunningTask& task, TaskTime until) TURNSTILE_EXCLUDES(mutex_);

 private:
  struct Entry {
    RunningTaskPtr task;
    TaskTime held_until;
    bool time_is_up = false;  // It was told.
    bool lost = false;        // The same of its lease.
  };

  [[nodiscard]] TaskTime extension_of(const Entry& entry) const {
    return entry.held_until - 2 * lease_ / 3;
  }

  const std::chrono::milliseconds lease_;
  mutable gate::Mutex mutex_;
  std::vector<Entry> entries_ TURNSTILE_GUARDED_BY(mutex_);
  TaskStop stopped_ TURNSTILE_GUARDED_BY(mutex_) = TaskStop::None;
};

}  // namespace turnstile::tasks
