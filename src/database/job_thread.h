// Runs the submitted closures of a lane that shares no transactions, one after the other: each
// waits for the turn like a thread, and may give it up in the middle.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <thread>

#include "database/write_job.h"
#include "gate/mutex.h"
#include "turnstile/detail/function_ref.h"

namespace turnstile::database {

class Writer;

/// Threads: shared. The thread is started with the first closure.
class LaneWorker {
 public:
  LaneWorker() = default;
  ~LaneWorker();
  LaneWorker(const LaneWorker&) = delete;
  LaneWorker& operator=(const LaneWorker&) = delete;

  void add(std::unique_ptr<SubmittedJob> job, Writer& writer) TURNSTILE_EXCLUDES(mutex_);

  /// Waits until nothing is left to do. False when the deadline passed first.
  [[nodiscard]] bool wait_until_idle(Deadline deadline) TURNSTILE_EXCLUDES(mutex_);
  /// Hands those to `use` that have not begun to wait for the turn.
  void cancel_waiting(detail::FunctionRef<void(std::unique_ptr<SubmittedJob>)> use)
      TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t waiting() const TURNSTILE_EXCLUDES(mutex_);
  /// Ends the thread, after the closure that it runs.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  void run(Writer& writer) TURNSTILE_EXCLUDES(mutex_);

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  std::list<std::unique_ptr<SubmittedJob>> jobs_ TURNSTILE_GUARDED_BY(mutex_);
  bool busy_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
