// What one thread did and got, and what several did together.
#pragma once

#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "contention/latencies.h"
#include "contention/window.h"

namespace turnstile::bench {

/// Threads: confined.
struct Tally {
  /// Everything that was acknowledged, outside the window too: so much must be in the file.
  std::uint64_t acknowledged = 0;
  std::uint64_t counted = 0;  ///< Acknowledged in the window.
  Latencies waits;            ///< Of successful calls: how long the caller was kept.
  std::uint64_t errors = 0;   ///< Calls that failed, of whatever kind and whenever.
  std::string first_error;

  void acknowledge(const Window& window, Time when) {
    ++acknowledged;
    if (window.holds(when)) ++counted;
  }

  void measure(const Window& window, Time from, Time to) {
    if (window.touches(from, to)) waits.add(to - from);
  }

  void fail(std::string_view what) {
    if (errors++ == 0) first_error = what;
  }

  /// Runs `call`, counts and measures it; false when it threw.
  template <class F>
  bool attempt(const Window& window, F&& call) {
    const Time from = Clock::now();
    try {
      call();
    } catch (const std::exception& error) {
      fail(error.what());
      return false;
    }
    const Time to = Clock::now();
    acknowledge(window, to);
    measure(window, from, to);
    return true;
  }

  void merge(const Tally& other);

  [[nodiscard]] nlohmann::json to_json() const;
  static Tally from_json(const nlohmann::json& json);
};

/// All of them as one.
[[nodiscard]] Tally total_of(std::span<const Tally> tallies);

/// What a reader of the program's output wants of a tally: the rate, the waits, the errors.
[[nodiscard]] nlohmann::json summary_of(const Tally& tally, Seconds length);

/// How evenly threads were served: the least over the most, and Jain's index, which is 1 when all
/// got the same and 1/n when one got everything.
[[nodiscard]] nlohmann::json fairness_of(std::span<const Tally> tallies);

}  // namespace turnstile::bench
