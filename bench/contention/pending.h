// Writes that were submitted and not waited for, of one thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <future>
#include <utility>

#include "contention/tally.h"

namespace turnstile::bench {

/// Threads: confined.
class Pending {
 public:
  void add(std::future<void> future) { futures_.push_back(std::move(future)); }
  [[nodiscard]] bool empty() const noexcept { return futures_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return futures_.size(); }

  /// Waits for the oldest and counts it. It is counted now and not when it was committed; the delay
  /// is a queue's length at both ends of the window.
  void settle_oldest(Tally& tally, const Window& window) {
    std::future<void> oldest = std::move(futures_.front());
    futures_.pop_front();
    try {
      oldest.get();
      tally.acknowledge(window, Clock::now());
    } catch (const std::exception& error) {
      tally.fail(error.what());
    }
  }

  /// Counts those that are done, up to the first that is not.
  void settle_done(Tally& tally, const Window& window) {
    while (!empty() && futures_.front().wait_for(std::chrono::seconds(0)) == kReady)
      settle_oldest(tally, window);
  }

  /// Sleeps once, for the youngest of the older half, and not for one after the other.
  void settle_half(Tally& tally, const Window& window) {
    const std::size_t half = futures_.size() / 2;
    futures_[half].wait();
    for (std::size_t i = 0; i <= half; ++i)
      settle_oldest(tally, window);
  }

  void settle_all(Tally& tally, const Window& window) {
    while (!empty())
      settle_oldest(tally, window);
  }

 private:
  static constexpr std::future_status kReady = std::future_status::ready;

  std::deque<std::future<void>> futures_;
};

}  // namespace turnstile::bench
