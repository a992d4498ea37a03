// How long a task that failed waits.
#pragma once

#include <chrono>
#include <cstdint>

#include "turnstile/task.h"

namespace turnstile::tasks {

/// The wait after so many failures (1 and up). `chance` decides about the jitter.
[[nodiscard]] std::chrono::microseconds wait_after(const Backoff& backoff, int failures,
                                                   std::uint64_t chance) noexcept;

/// A number that looks like chance and is the same for the same three: so that retries need no
/// generator that threads would share, and a test gets the same waits each time.
[[nodiscard]] std::uint64_t chance_of(std::uint64_t seed, TaskId task,
                                      std::int64_t attempt) noexcept;

}  // namespace turnstile::tasks
