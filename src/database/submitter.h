// Closures that wait for the writer's turn without a thread of their own, and the one thread that
// runs them when it comes. They stand in the same queue as the threads that wait in write().
//
// What a closure wants done after its commit is done by a second thread: it may write, and so wait
// for a turn that has been given to the next closure, which only the first thread can run.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <source_location>
#include <thread>
#include <vector>

#include "gate/claim.h"
#include "gate/mutex.h"
#include "gate/writer_turn.h"
#include "sqlite/deadline.h"
#include "turnstile/lane.h"

namespace turnstile::database {

/// Threads: shared. Each thread is started with the first work for it.
class Submitter {
 public:
  Submitter(detail::Core& core, gate::WriterTurn& turn) noexcept;
  ~Submitter();
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;

  /// False when the database is being closed.
  [[nodiscard]] bool enqueue(detail::LaneState& lane, std::unique_ptr<detail::SubmittedWrite> write,
                             std::source_location where) TURNSTILE_EXCLUDES(mutex_);

  /// Ends the threads, after what they do. No closure may be waiting any more.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Cancels what still waits, each with a `reason` of its own; returns how many.
  std::size_t cancel_waiting(detail::FunctionRef<std::exception_ptr()> reason)
      TURNSTILE_EXCLUDES(mutex_);

  /// Closures that wait.
  [[nodiscard]] std::size_t waiting() const TURNSTILE_EXCLUDES(mutex_);

  /// True on the threads that run the closures and their actions, which cannot wait for their own
  /// end.
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  class Job;
  using Actions = std::vector<std::function<void()>>;
  struct Completion {
    std::unique_ptr<Job> job;
    Actions actions;
  };

  void run_closures() TURNSTILE_EXCLUDES(mutex_);
  void run_actions() TURNSTILE_EXCLUDES(mutex_);
  void complete(std::unique_ptr<Job> job, Actions actions) TURNSTILE_EXCLUDES(mutex_);
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
  bool stopping_actions_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::list<Completion> completions_ TURNSTILE_GUARDED_BY(mutex_);
  std::thread closures_thread_ TURNSTILE_GUARDED_BY(mutex_);
  std::thread actions_thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
