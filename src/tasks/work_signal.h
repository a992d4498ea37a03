// Where workers without a task wait.
//
// At most one of them looks for a task at a time: whoever takes the flag that raise() has set. If
// it finds one, it sets the flag for the next before it begins, so that a thousand tasks wake
// everybody one after the other, and one task wakes one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>

#include "gate/mutex.h"
#include "tasks/ready.h"

namespace turnstile::tasks {

/// Threads: shared.
class WorkSignal {
 public:
  using Now = std::function<TaskTime()>;
  explicit WorkSignal(Now now) : now_(std::move(now)) {}

  /// There may be something to do that was not there before.
  void raise() noexcept TURNSTILE_EXCLUDES(mutex_);
  /// Wait no more, now and later.
  void close() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Waits until this thread is to look for a task; false: closed.
  [[nodiscard]] bool wait_to_look() TURNSTILE_EXCLUDES(mutex_);
  /// What it found: whether the next one is to look too, and at what time otherwise.
  void looked(const Look& look) noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Waits that long; false: closed.
  [[nodiscard]] bool pause(std::chrono::milliseconds length) TURNSTILE_EXCLUDES(mutex_);

  /// How often it was raised.
  [[nodiscard]] std::uint64_t count() const TURNSTILE_EXCLUDES(mutex_);
  /// Waits until it has been raised since `count`; false: closed, or `stop` was requested.
  [[nodiscard]] bool wait_beyond(std::uint64_t count, const std::stop_token& stop)
      TURNSTILE_EXCLUDES(mutex_);

 private:
  void wait() TURNSTILE_REQUIRES(mutex_);

  const Now now_;
  mutable gate::Mutex mutex_;
  gate::CondVar for_workers_;
  gate::CondVar for_watchers_;
  bool closed_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool raised_ TURNSTILE_GUARDED_BY(mutex_) = true;  // Nobody knows what is there at first.
  std::uint64_t count_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::optional<TaskTime> next_look_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::tasks
