// A thread that uses submitted jobs one after the other, in the order in which they come. A lane
// that shares no transactions has one, whose jobs wait for the turn like threads; another tells
// jobs of their end where that runs code of the program.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "database/write_job.h"
#include "gate/mutex.h"

namespace turnstile::database {

/// Threads: shared. The thread is started with the first job.
class JobThread {
 public:
  using Use = std::function<void(std::unique_ptr<SubmittedJob>)>;

  /// `use` is called on the thread and must not throw.
  explicit JobThread(Use use) : use_(std::move(use)) {}
  ~JobThread();
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  /// Throws std::system_error or std::bad_alloc, and `job` is the caller's still, when no thread or
  /// no memory is to be had.
  void add(std::unique_ptr<SubmittedJob>&& job) TURNSTILE_EXCLUDES(mutex_);

  /// Waits until nothing is left to do. False when the deadline passed first.
  [[nodiscard]] bool wait_until_idle(Deadline deadline) TURNSTILE_EXCLUDES(mutex_);
  /// Takes away what has not begun.
  [[nodiscard]] std::list<std::unique_ptr<SubmittedJob>> take_waiting() TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t waiting() const TURNSTILE_EXCLUDES(mutex_);
  /// Ends the thread, after what it has to do.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  void run() TURNSTILE_EXCLUDES(mutex_);

  const Use use_;
  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  std::list<std::unique_ptr<SubmittedJob>> jobs_ TURNSTILE_GUARDED_BY(mutex_);
  bool busy_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
