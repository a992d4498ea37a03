// A turn of one side: threads that work at the same time for as long as the turn lasts.
#pragma once

#include <chrono>
#include <stop_token>

#include "bench/counts.h"
#include "bench/side.h"

namespace turnstile::cli::bench {

/// Threads: immutable.
struct Turn {
  int writers = 0;
  bool has_reader = false;
  std::chrono::nanoseconds length{0};
};

/// Threads: confined.
struct TurnCounts {
  Counts writes;
  Counts reads;
};

/// Threads end what they have begun when the time is over, so that it returns a little later. A
/// stop that is requested ends the turn before its time. Throws what one of the threads threw.
[[nodiscard]] TurnCounts take_turn(Side& side, const Turn& turn, const std::stop_token& stop);

}  // namespace turnstile::cli::bench
