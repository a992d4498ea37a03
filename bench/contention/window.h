// The stretch of time in which a run counts. All sides are divided by the same length: dividing by
// the time until the last thread has returned would punish a side for its slowest thread, which has
// a figure of its own (see docs/reference/benchmarks.md).
#pragma once

#include <chrono>

namespace turnstile::bench {

using Clock = std::chrono::steady_clock;  // The same for all processes of the machine.
using Time = Clock::time_point;
using Seconds = std::chrono::duration<double>;

/// From when to when is counted. Threads work before it, to warm up, and finish after it what they
/// have begun. Threads: immutable.
class Window {
 public:
  Window() = default;
  Window(Time begin, Seconds length)
      : begin_(begin), end_(begin + std::chrono::duration_cast<Clock::duration>(length)) {}

  /// Begins when `warm_up` has passed from now.
  static Window after(Seconds warm_up, Seconds length) {
    return {Clock::now() + std::chrono::duration_cast<Clock::duration>(warm_up), length};
  }

  [[nodiscard]] Time begin() const noexcept { return begin_; }
  [[nodiscard]] Time end() const noexcept { return end_; }
  [[nodiscard]] Seconds length() const noexcept { return end_ - begin_; }

  [[nodiscard]] bool is_over() const noexcept { return Clock::now() >= end_; }
  [[nodiscard]] bool holds(Time moment) const noexcept { return moment >= begin_ && moment < end_; }
  /// Whether a call that took so long is part of the picture, even if it began before or ended
  /// after the window: the longest waits are of that kind.
  [[nodiscard]] bool touches(Time from, Time to) const noexcept {
    return to >= begin_ && from < end_;
  }

 private:
  Time begin_;
  Time end_;
};

}  // namespace turnstile::bench
