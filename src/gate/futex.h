// Sleeping on a word of this process until somebody changes it, or a deadline.
//
// A condition variable for each waiter would cost a mutex and two more words. std::atomic::wait has
// no deadline.
#pragma once

#include <atomic>
#include <cstdint>

#include "sqlite/deadline.h"

namespace turnstile::gate {

/// Sleeps while `word` is `expected`, until wake() or `deadline`; may also wake up without a
/// reason. False when the deadline passed.
bool sleep_while(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                 Deadline deadline) noexcept;

/// Wakes one thread that sleeps on `word`, which may be gone by now: the address is only compared.
void wake(const std::atomic<std::uint32_t>* word) noexcept;

}  // namespace turnstile::gate
