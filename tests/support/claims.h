// A claim to the gate, and a deadline that is over, for tests of the gate itself.
#pragma once

#include <chrono>
#include <source_location>
#include <string_view>

#include "gate/claim.h"
#include "sqlite/deadline.h"

namespace turnstile::gate {

inline Claim claim(std::string_view lane = "test") {
  return Claim::of_this_thread(lane, std::source_location::current());
}

inline Deadline at_once() {
  return Deadline::after(std::chrono::milliseconds(0));
}

}  // namespace turnstile::gate
