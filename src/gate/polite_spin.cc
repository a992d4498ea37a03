#include "gate/polite_spin.h"

#include <algorithm>
#include <thread>

namespace turnstile::gate {

namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

// A slice of the scheduler is 3 ms and longer; a yield among those who also yield takes
// microseconds.
constexpr nanoseconds kLongYield = 2ms;
constexpr int kCharge = 6;
// How far the account may be overdrawn before it counts, and at most.
constexpr nanoseconds kCredit = 250ms;
constexpr nanoseconds kLimit = 1500ms;

std::int64_t now_ns() noexcept {
  return nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool PoliteSpin::allowed() const noexcept {
  const std::int64_t until = overdrawn_until_ns_.load(std::memory_order_relaxed);
  return until == 0 || until - now_ns() < kCredit.count();
}

bool PoliteSpin::yield() noexcept {
  const std::int64_t before = now_ns();
  std::this_thread::yield();
  const std::int64_t after = now_ns();
  if (after - before < kLongYield.count()) return true;
  std::int64_t seen = overdrawn_until_ns_.load(std::memory_order_relaxed);
  std::int64_t until = 0;
  do {
    until = std::min(after + kLimit.count(), std::max(after, seen) + kCharge * (after - before));
  } while (!overdrawn_until_ns_.compare_exchange_weak(seen, until, std::memory_order_relaxed));
  return until - after < kCredit.count();
}

}  // namespace turnstile::gate
