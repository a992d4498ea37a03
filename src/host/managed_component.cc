#include "host/managed_component.h"

#include <system_error>
#include <utility>

#include "host/start_error.h"
#include "sqlite/deadline.h"

namespace turnstile::host {

namespace {

using std::chrono::milliseconds;

// A component that uses up its deadline returns a little after it.
constexpr milliseconds kMargin{50};

thread_local const void* t_inside = nullptr;

/// Threads: scoped.
class Inside {
 public:
  explicit Inside(const void* host) noexcept : before_(std::exchange(t_inside, host)) {}
  ~Inside() { t_inside = before_; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  const void* const before_;
};

[[nodiscard]] std::string in_milliseconds(std::chrono::steady_clock::duration span) {
  return std::to_string(std::chrono::duration_cast<milliseconds>(span).count()) + " ms";
}

[[nodiscard]] std::chrono::microseconds in_microseconds(std::chrono::steady_clock::duration span) {
  return std::chrono::duration_cast<std::chrono::microseconds>(span);
}

}  // namespace

ManagedComponent::ManagedComponent(Component component, const void* host)
    : component_(std::move(component)), host_(host) {}

ManagedComponent::~ManagedComponent() {
  if (stopper_.joinable()) stopper_.join();
}

bool ManagedComponent::inside(const void* host) noexcept {
  return t_inside == host;
}

void ManagedComponent::start() {
  if (stopper_.joinable()) stopper_.join();  // Of a former life, and over.
  {
    gate::MutexLock lock(mutex_);
    state_ = ComponentState::Starting;
    reason_.clear();
    advice_.clear();
    stop_duration_ = {};
  }
  const auto began = Clock::now();
  try {
    const Inside inside(host_);
    if (component_.start) component_.start();
  } catch (...) {
    gate::MutexLock lock(mutex_);
    state_ = ComponentState::Failed;
    reason_ = text_of(std::current_exception());
    start_duration_ = Clock::now() - began;
    throw;
  }
  gate::MutexLock lock(mutex_);
  state_ = ComponentState::Running;
  reason_.clear();
  start_duration_ = Clock::now() - began;
}

void ManagedComponent::disable(const std::exception_ptr& cause) {
  gate::MutexLock lock(mutex_);
  state_ = ComponentState::Disabled;
  advice_ = component_.advice.empty() ? hint_of(cause) : component_.advice;
}

bool ManagedComponent::begin_stop() {
  gate::MutexLock lock(mutex_);
  if (state_ != ComponentState::Running) return false;
  state_ = ComponentState::Stopping;
  stop_began_ = Clock::now();
  return true;
}

void ManagedComponent::stop() {
  if (!begin_stop()) return;
  try {
    stopper_ = std::thread([this] { run_stop(); });
  } catch (const std::system_error&) {
    run_stop();  // No thread is to be had: better late than not at all.
  }
  if (wait_for_stop() && stopper_.joinable()) stopper_.join();
}

void ManagedComponent::run_stop() {
  std::string failure;
  try {
    const Inside inside(host_);
    if (component_.stop) component_.stop(component_.stop_deadline);
  } catch (...) {
    failure = text_of(std::current_exception());
  }
  gate::MutexLock lock(mutex_);
  stop_duration_ = Clock::now() - stop_began_;
  const bool late = state_ == ComponentState::Hung;
  state_ = failure.empty() ? ComponentState::Stopped : ComponentState::StopFailed;
  reason_ = std::move(failure);
  if (late) {
    reason_ = "its stop returned after " + in_milliseconds(stop_duration_) +
              (reason_.empty() ? "" : ": " + reason_);
  }
  changed_.notify_all();
}

bool ManagedComponent::wait_for_stop() {
  const Deadline deadline = Deadline::after(component_.stop_deadline, Clock::now() + kMargin);
  gate::MutexLock lock(mutex_);
  while (state_ == ComponentState::Stopping) {
    if (deadline.is_never()) {
      changed_.wait(mutex_);
    } else if (!changed_.wait_until(mutex_, deadline.time()) &&
               state_ == ComponentState::Stopping) {
      state_ = ComponentState::Hung;
      stop_duration_ = Clock::now() - stop_began_;
      reason_ = "its stop has not returned after " + in_milliseconds(stop_duration_);
      return false;
    }
  }
  return true;
}

void ManagedComponent::give_up_start() {
  gate::MutexLock lock(mutex_);
  if (state_ != ComponentState::Starting) return;
  state_ = ComponentState::Hung;
  reason_ = "its start has not returned";
}

ComponentStatus ManagedComponent::status() const {
  gate::MutexLock lock(mutex_);
  return {.name = component_.name,
          .priority = component_.priority,
          .optional = component_.optional,
          .state = state_,
          .reason = reason_,
          .advice = advice_,
          .start_duration = in_microseconds(start_duration_),
          .stop_duration = in_microseconds(stop_duration_)};
}

ComponentState ManagedComponent::state() const {
  gate::MutexLock lock(mutex_);
  return state_;
}

}  // namespace turnstile::host
