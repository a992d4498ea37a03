#include "stop_signal.h"

#include <pthread.h>
#include <signal.h>

#include <ctime>

namespace kb {

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::jthread([this, signals](const std::stop_token& done) {
    constexpr timespec kInterval{0, 100'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&signals, nullptr, &kInterval) < 0) continue;
      interrupted_ = true;
      source_.request_stop();
    }
  });
}

StopSignal::~StopSignal() = default;

}  // namespace kb
