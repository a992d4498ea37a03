#include "gate/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

namespace turnstile::gate {

bool sleep_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                 Deadline deadline) noexcept {
  timespec until{};
  if (!deadline.is_never()) {
    // A moment of CLOCK_MONOTONIC, which is what std::chrono::steady_clock reads on Linux.
    const auto time = deadline.time().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    until.tv_sec = static_cast<std::time_t>(seconds.count());
    until.tv_nsec = static_cast<long>(std::chrono::nanoseconds(time - seconds).count());
  }
  const long result =
      ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                deadline.is_never() ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

void wake(const std::atomic<std::uint32_t>* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace turnstile::gate
