// Tells submitted writes of their end where that runs code of the program: what a closure wants
// done after its commit, and callbacks. On a thread of its own, since such code may write again and
// wait for a turn, which the writer's thread would have to give it.
#pragma once

#include <list>
#include <memory>
#include <thread>

#include "database/write_job.h"
#include "gate/mutex.h"

namespace turnstile::database {

/// Runs `actions`, all of them; throws Error (AFTER_COMMIT_FAILED) with the first exception inside.
void run_after_commit(const Actions& actions, const Call& call);

/// Threads: shared. The thread is started with the first work for it.
class Completions {
 public:
  Completions() = default;
  ~Completions();
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;

  /// Completes `job`, whose transaction has ended: here if that runs no code of the program.
  void complete(std::unique_ptr<SubmittedJob> job) noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Ends the thread, after what it has to do.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  void run() TURNSTILE_EXCLUDES(mutex_);

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  std::list<std::unique_ptr<SubmittedJob>> jobs_ TURNSTILE_GUARDED_BY(mutex_);
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
