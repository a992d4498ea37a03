// Waiting for something that comes in microseconds: giving the processor to others instead of going
// to sleep, which would cost the other side a wake-up.
//
// A yield beside a thread that computes costs a whole slice of the scheduler (measured 4 ms), so
// that two busy loops brought the throughput down to a seventh. So each long yield is charged
// several times its length to an account, and while that is overdrawn everybody sleeps at once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace turnstile::gate {

/// Threads: shared.
class PoliteSpin {
 public:
  /// False while yields have turned out to be dear.
  [[nodiscard]] bool allowed() const noexcept;

  /// Lets others run. False when that took so long that it is better to sleep from now on.
  bool yield() noexcept;

 private:
  std::atomic<std::int64_t> overdrawn_until_ns_{0};
};

}  // namespace turnstile::gate
