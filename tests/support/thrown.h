// The exception that a call throws, for a test to look at.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace turnstile::test {

/// What `call` throws, which must be an `E`; a test fails with std::logic_error otherwise.
template <class E, class F>
[[nodiscard]] E thrown(F&& call) {
  try {
    call();
  } catch (const E& error) {
    return error;
  } catch (const std::exception& error) {
    throw std::logic_error(std::string("another exception was thrown: ") + error.what());
  }
  throw std::logic_error("nothing was thrown");
}

}  // namespace turnstile::test
