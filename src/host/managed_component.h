// A component with what the host knows of it, and the thread on which it is stopped.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <thread>

#include "gate/mutex.h"
#include "turnstile/host.h"

namespace turnstile::host {

/// A stop that does not return keeps its thread, which uses the component's functions and this
/// object. So it is not detached: the destructor waits for it, and nothing that it may touch goes
/// before.
///
/// Threads: shared; start(), disable() and the end are confined.
class ManagedComponent {
 public:
  /// `host` is what inside() is asked for.
  ManagedComponent(Component component, const void* host);
  ~ManagedComponent();
  ManagedComponent(const ManagedComponent&) = delete;
  ManagedComponent& operator=(const ManagedComponent&) = delete;

  [[nodiscard]] const Component& component() const noexcept { return component_; }

  /// Throws what the component throws; it is Failed then.
  void start() TURNSTILE_EXCLUDES(mutex_);
  /// One that has failed counts as disabled.
  void disable(const std::exception_ptr& cause) TURNSTILE_EXCLUDES(mutex_);

  /// Returns when the component has been stopped, or hangs. Does nothing unless it is running.
  void stop() TURNSTILE_EXCLUDES(mutex_);
  /// Its start does not return.
  void give_up_start() TURNSTILE_EXCLUDES(mutex_);

  [[nodiscard]] ComponentStatus status() const TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] ComponentState state() const TURNSTILE_EXCLUDES(mutex_);

  /// True on a thread that is running the start or stop of one of the host's components.
  [[nodiscard]] static bool inside(const void* host) noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] bool begin_stop() TURNSTILE_EXCLUDES(mutex_);
  void run_stop() TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool wait_for_stop() TURNSTILE_EXCLUDES(mutex_);

  const Component component_;
  const void* const host_;

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  ComponentState state_ TURNSTILE_GUARDED_BY(mutex_) = ComponentState::Added;
  std::string reason_ TURNSTILE_GUARDED_BY(mutex_);
  std::string advice_ TURNSTILE_GUARDED_BY(mutex_);
  Clock::time_point stop_began_ TURNSTILE_GUARDED_BY(mutex_){};
  Clock::duration start_duration_ TURNSTILE_GUARDED_BY(mutex_){0};
  Clock::duration stop_duration_ TURNSTILE_GUARDED_BY(mutex_){0};

  // Used by whoever has moved the state to Stopping, by the next start() and by the destructor.
  std::thread stopper_;
};

}  // namespace turnstile::host
