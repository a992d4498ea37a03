// A clock that a test sets.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

namespace turnstile::test {

/// Threads: shared.
class ManualClock {
 public:
  using Time = std::chrono::system_clock::time_point;

  [[nodiscard]] Time now() const { return Time(Time::duration(ticks_.load())); }
  void advance(std::chrono::system_clock::duration by) { ticks_.fetch_add(by.count()); }
  /// For the option `now` of a subsystem. The clock must outlive it.
  [[nodiscard]] std::function<Time()> source() const {
    return [this] { return now(); };
  }

 private:
  static constexpr Time kStart{std::chrono::seconds(1'700'000'000)};
  std::atomic<Time::rep> ticks_{kStart.time_since_epoch().count()};
};

}  // namespace turnstile::test
