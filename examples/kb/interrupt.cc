#include "interrupt.h"

#include <pthread.h>
#include <unistd.h>

namespace kb {

Interrupt::Interrupt() {
  ::sigemptyset(&signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&signals_, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

bool Interrupt::wait_for(std::chrono::milliseconds span) {
  constexpr int kExitInterrupted = 130;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(span);
  timespec limit{};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = std::chrono::nanoseconds(span - seconds).count();
  if (::sigtimedwait(&signals_, nullptr, &limit) > 0) {
    if (requested_) ::_exit(kExitInterrupted);
    requested_ = true;
  }
  return requested_;
}

}  // namespace kb
