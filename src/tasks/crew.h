// The threads of a pool from a start to a stop: workers, keeper, and what wakes them.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <stop_token>
#include <thread>
#include <vector>

#include "gate/mutex.h"
#include "tasks/bell.h"
#include "tasks/keeper.h"
#include "tasks/running_tasks.h"
#include "tasks/task_runner.h"
#include "tasks/work_signal.h"

namespace turnstile::tasks {

/// Threads: shared.
class Crew {
 public:
  /// Starts everything. Throws what Lane::observe() throws, and std::system_error.
  Crew(PoolParts& parts, std::source_location where);
  /// Stops, and waits for all threads.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// False when it was asked before.
  bool ask_to_stop() noexcept TURNSTILE_EXCLUDES(mutex_);
  void wait_until_ended(std::chrono::steady_clock::time_point until) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool stopping() const TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] StopReport report() const TURNSTILE_EXCLUDES(mutex_);

  void wake() noexcept;
  bool wait_until_empty(const std::stop_token& stop, std::source_location where);

 private:
  class Listener;

  void end_threads() noexcept TURNSTILE_EXCLUDES(mutex_);
  void work(const ClaimRequest& request) noexcept TURNSTILE_EXCLUDES(mutex_);
  /// One that is to be run; empty: the end.
  [[nodiscard]] std::optional<TaskClaim> next(const ClaimRequest& request);
  void run(TaskClaim claim, const ClaimRequest& request);
  void prune_sometimes();

  PoolParts& parts_;
  const std::shared_ptr<RunningTasks> running_;
  const std::shared_ptr<WorkSignal> signal_;
  const std::shared_ptr<Keeper> keeper_;
  TaskRunner runner_;
  std::atomic<std::int64_t> ended_{0};  // Tasks.

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  int alive_ TURNSTILE_GUARDED_BY(mutex_) = 0;  // Workers.

  std::shared_ptr<Listener> listener_;
  Observation observation_;
  std::vector<std::thread> workers_;
};

}  // namespace turnstile::tasks
