// The observations of one database, and the thread that looks for commits and calls them.
//
// The thread and its connection exist while there is an observation. One thread, so that whoever
// observes two things is told of them one after the other; what is committed while a callback runs
// is told in one go afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "database/metrics.h"
#include "database/observation/commit_watch.h"
#include "database/observation/doorbell.h"
#include "database/observation/own_commits.h"
#include "database/observation/subscription.h"
#include "gate/mutex.h"
#include "sqlite/call.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Threads: shared.
class Observers final : public std::enable_shared_from_this<Observers> {
 public:
  using Connect = std::function<std::unique_ptr<sqlite::Connection>(const Call&)>;
  struct Parts {
    bool in_memory = false;
    bool has_log = false;
    std::filesystem::path path{};  ///< Of the file.
    Connect connect{};             ///< A reader of the watch's own; not called in memory.
    LogSink log_sink{};
  };
  Observers(Parts parts, Recorder& recorder);
  ~Observers();
  Observers(const Observers&) = delete;
  Observers& operator=(const Observers&) = delete;

  [[nodiscard]] bool has_log() const noexcept { return parts_.has_log; }
  /// For whoever commits.
  [[nodiscard]] OwnCommits& own() noexcept { return own_; }
  /// Wakes the thread; for whoever's commit was heard.
  void ring() noexcept { bell_->ring(); }

  /// Throws Error (OBSERVATION_FAILED), what opening a connection throws, and Cancelled when the
  /// database is being closed.
  void add(std::shared_ptr<detail::Subscription> subscription, const Call& call)
      TURNSTILE_EXCLUDES(starting_, mutex_);
  /// Ends the thread when there is no subscription left that is not over.
  void forget_ended() noexcept;

  // Closing.

  /// Waits until what was committed by now has been told; false when the deadline passed first.
  [[nodiscard]] bool flush(Deadline deadline) TURNSTILE_EXCLUDES(mutex_);
  /// Nobody is called any more, but for a callback that runs; false when that goes on.
  [[nodiscard]] bool stop(Deadline deadline) noexcept TURNSTILE_EXCLUDES(starting_, mutex_);
  [[nodiscard]] bool is_own_thread() const TURNSTILE_EXCLUDES(mutex_);

 private:
  using Subscriptions = std::vector<std::shared_ptr<detail::Subscription>>;

  [[nodiscard]] bool joins_running(const std::shared_ptr<detail::Subscription>& subscription,
                                   const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void start(std::shared_ptr<detail::Subscription> subscription, const Call& call)
      TURNSTILE_REQUIRES(starting_) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::unique_ptr<CommitWatch> make_watch(const Call& call);
  [[nodiscard]] std::chrono::nanoseconds longest_pause() const noexcept;

  // The thread.
  void run(CommitWatch& watch) noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool begin_round(Subscriptions& subscriptions) TURNSTILE_EXCLUDES(mutex_);
  void end_round() noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool look(CommitWatch& watch, const Subscriptions& subscriptions) noexcept;
  void tell(detail::Subscription& subscription) noexcept;
  void log(LogEvent::Severity severity, std::string_view code, std::string message) noexcept;

  const Parts parts_;
  Recorder& recorder_;
  OwnCommits own_;
  std::unique_ptr<Doorbell> bell_;  // Made with the first observation, and kept.

  gate::Mutex starting_;  // Held while the thread is started.
  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  Subscriptions subscriptions_ TURNSTILE_GUARDED_BY(mutex_);
  bool running_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::uint64_t begun_ TURNSTILE_GUARDED_BY(mutex_) = 0;  // Rounds.
  std::uint64_t done_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
