// How much a test does: little in every run of the tests, much in `./dev test --slow`.
#pragma once

#include <cstdlib>
#include <iostream>
#include <string>

namespace turnstile::test {

/// The number in the environment variable `name`, which the slow entries of ctest set (see
/// tests/CMakeLists.txt); else `normal`. Prints it, so that the output says what was run.
[[nodiscard]] inline int test_size(const char* name, int normal) {
  const char* given = std::getenv(name);
  const int size = given != nullptr ? std::stoi(given) : normal;
  std::cout << "size: " << name << "=" << size << std::endl;
  return size;
}

}  // namespace turnstile::test
