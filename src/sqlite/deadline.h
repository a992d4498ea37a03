// The moment until which a call may wait. One deadline goes through all the waits of a call.
#pragma once

#include <algorithm>
#include <chrono>

namespace turnstile {

/// Threads: immutable.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// `budget` from now, or from a moment that the caller has just read.
  [[nodiscard]] static Deadline after(std::chrono::milliseconds budget,
                                      Clock::time_point now = Clock::now()) noexcept {
    // Compared in milliseconds and added up only where neither can overflow: "wait for ever" is
    // written as a huge budget, and "do not wait" sometimes as a hugely negative one.
    const auto longest =
        std::chrono::duration_cast<std::chrono::milliseconds>(Clock::time_point::max() - now);
    if (budget >= longest) return never();
    return Deadline(now + std::max(budget, std::chrono::milliseconds::zero()));
  }
  [[nodiscard]] static Deadline at(Clock::time_point time) noexcept { return Deadline(time); }
  [[nodiscard]] static Deadline never() noexcept { return Deadline(Clock::time_point::max()); }

  [[nodiscard]] Clock::time_point time() const noexcept { return time_; }
  [[nodiscard]] bool is_never() const noexcept { return time_ == Clock::time_point::max(); }
  [[nodiscard]] bool expired() const noexcept { return !is_never() && Clock::now() >= time_; }
  [[nodiscard]] Clock::duration left() const noexcept {
    return is_never() ? Clock::duration::max()
                      : std::max(time_ - Clock::now(), Clock::duration::zero());
  }
  /// This deadline or `span` from now, whichever comes first.
  [[nodiscard]] Clock::time_point within(Clock::duration span) const noexcept {
    const auto now = Clock::now();
    return span >= Clock::time_point::max() - now ? time_ : std::min(time_, now + span);
  }

 private:
  explicit Deadline(Clock::time_point time) noexcept : time_(time) {}

  Clock::time_point time_;
};

}  // namespace turnstile
