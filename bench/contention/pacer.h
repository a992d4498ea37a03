// A clock that says when the next of so many calls a second is due.
#pragma once

#include <algorithm>
#include <chrono>

#include "contention/window.h"

namespace turnstile::bench {

/// Threads: confined.
class Pacer {
 public:
  /// Not paced: always due.
  Pacer() = default;
  Pacer(Time first, double per_second)
      : due_(first), every_(std::chrono::duration_cast<Clock::duration>(Seconds(1 / per_second))) {}

  [[nodiscard]] Time due() const noexcept { return due_; }

  /// After a call. What a slow call delayed is made up for, but at most a hundredth of a second of
  /// it: a caller that was kept waiting does not answer with a storm.
  void advance() {
    constexpr std::chrono::milliseconds kCatchUp(10);
    if (every_ > Clock::duration::zero()) due_ = std::max(due_ + every_, Clock::now() - kCatchUp);
  }

 private:
  Time due_;
  Clock::duration every_{0};
};

}  // namespace turnstile::bench
