// Slows down who tries passwords.
#pragma once

#include <algorithm>
#include <chrono>

namespace turnstile::vault {

/// After each wrong password the wait doubles. Of this process only: who can read the files can try
/// passwords without asking anybody, and only the cost of the key slows that down.
///
/// Threads: confined.
class Throttle {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kLongest{60000};

  /// How long the next try has to wait; zero: it need not.
  [[nodiscard]] std::chrono::milliseconds wait(
      Clock::time_point now = Clock::now()) const noexcept {
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::max(until_ - now, Clock::duration::zero()));
  }
  void failed(std::chrono::milliseconds first, Clock::time_point now = Clock::now()) noexcept {
    pause_ = pause_.count() == 0 ? first : std::min(2 * pause_, std::max(first, kLongest));
    until_ = now + pause_;
  }
  void succeeded() noexcept { *this = {}; }

 private:
  std::chrono::milliseconds pause_{0};
  Clock::time_point until_{};
};

}  // namespace turnstile::vault
