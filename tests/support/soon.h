// For conditions of other processes that nothing announces.
#pragma once

#include <chrono>
#include <thread>

#include "support/child_process.h"

namespace turnstile::test {

/// Looks at `condition` until it holds; false when it did not within `limit`.
template <class Condition>
[[nodiscard]] bool soon(Condition condition, std::chrono::milliseconds limit = patience()) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    // sleep: time between two looks at what cannot be waited for.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace turnstile::test
