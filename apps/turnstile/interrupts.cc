#include "interrupts.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "failure.h"

namespace turnstile::cli {

Interrupts::Interrupts(bool json) : json_(json) {
  ::sigemptyset(&signals_);
  for (const int signal : std::array{SIGINT, SIGTERM, SIGHUP}) {
    // Who started us may want a signal ignored: nohup does that with SIGHUP, a shell with the
    // SIGINT of what it starts in the background.
    struct sigaction inherited {};
    ::sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) ::sigaddset(&signals_, signal);
  }
  ::sigaddset(&signals_, SIGUSR1);  // The destructor's way to wake the watcher.
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupts::~Interrupts() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
  }
  ::pthread_kill(watcher_.native_handle(), SIGUSR1);
  watcher_.join();
}

bool Interrupts::requested() {
  const std::lock_guard lock(mutex_);
  return requested_;
}

bool Interrupts::wait_for(std::chrono::milliseconds span) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, span, [this] { return requested_; });
}

void Interrupts::watch() {
  int signal = 0;
  do {
    ::sigwait(&signals_, &signal);
    const std::lock_guard lock(mutex_);
    if (finished_) return;
  } while (signal == SIGUSR1);

  std::thread stopper;
  timespec grace{};
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
    changed_.notify_all();
    if (!action_) end_now();
    action_runs_ = true;
    grace.tv_sec = grace_.count();
    stopper = std::thread([this] {
      action_();
      const std::lock_guard done(mutex_);
      action_runs_ = false;
      changed_.notify_all();
    });
  }

  ::sigtimedwait(&signals_, nullptr, &grace);
  {
    const std::lock_guard lock(mutex_);
    if (!finished_) end_now();
  }
  stopper.join();
}

void Interrupts::end_now() const {
  report_interruption(nullptr, json_);
  ::_exit(static_cast<int>(ExitCode::Interrupted));
}

Interrupts::StopAction::StopAction(Interrupts& interrupts, std::function<void()> action,
                                   std::chrono::seconds grace)
    : interrupts_(interrupts) {
  const std::lock_guard lock(interrupts_.mutex_);
  interrupts_.action_ = std::move(action);
  interrupts_.grace_ = grace;
}

Interrupts::StopAction::~StopAction() {
  std::unique_lock lock(interrupts_.mutex_);
  interrupts_.changed_.wait(lock, [this] { return !interrupts_.action_runs_; });
  interrupts_.action_ = nullptr;
}

}  // namespace turnstile::cli
