// Closures that wait for the writer's turn without a thread of their own, and the one thread that
// runs them when it comes. They stand in the same queue as the threads that wait in write().
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <source_location>
#include <thread>

#include "gate/claim.h"
#include "gate/mutex.h"
#include "gate/writer_turn.h"
#include "sqlite/deadline.h"
#include "turnstile/lane.h"

namespace turnstile::database {

/// Threads: shared. The thread is started with the first submission.
class Submitter {
 public:
  Submitter(detail::Core& core, gate::WriterTurn& turn) noexcept;
  ~Submitter();
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;

  /// False when the database is being closed.
  [[nodiscard]] bool enqueue(detail::LaneState& lane, std::unique_ptr<detail::SubmittedWrite> write,
                             std::source_location where) TURNSTILE_EXCLUDES(mutex_);

  /// Ends the thread, after the closure that it runs. Nothing may be waiting any more.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Cancels what still waits; returns how many.
  std::size_t cancel_waiting(std::exception_ptr reason) TURNSTILE_EXCLUDES(mutex_);

  /// Closures that wait.
  [[nodiscard]] std::size_t waiting() const TURNSTILE_EXCLUDES(mutex_);

  /// True on the thread that runs the closures, which cannot wait for its own end.
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  class Job;

  void run() TURNSTILE_EXCLUDES(mutex_);
  void granted(Job& job) TURNSTILE_EXCLUDES(mutex_);
  /// Takes a job off the list.
  [[nodiscard]] std::unique_ptr<Job> take(Job& job) TURNSTILE_EXCLUDES(mutex_);

  detail::Core& core_;
  gate::WriterTurn& turn_;
  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  std::list<std::unique_ptr<Job>> jobs_ TURNSTILE_GUARDED_BY(mutex_);
  Job* granted_ TURNSTILE_GUARDED_BY(mutex_) = nullptr;  // There is one turn, so at most one.
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
