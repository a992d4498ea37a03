// The seed of a random test: printed, so that a failure can be repeated.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace turnstile::test {

/// A new seed each time, or the one in the environment variable TURNSTILE_TEST_SEED. Prints it.
[[nodiscard]] inline std::uint64_t test_seed() {
  const char* given = std::getenv("TURNSTILE_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
  std::cout << "seed: TURNSTILE_TEST_SEED=" << seed << std::endl;
  return seed;
}

}  // namespace turnstile::test
