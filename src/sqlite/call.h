// What is known of the call on whose behalf a connection works. Errors and waits take it from here,
// so that it need not be passed through every function.
#pragma once

#include <chrono>
#include <source_location>
#include <stop_token>
#include <string_view>

#include "sqlite/deadline.h"
#include "sqlite/error_code.h"

namespace turnstile {

/// Threads: confined; lives on the calling thread's stack for the length of the call.
struct Call {
  std::string_view lane;
  std::source_location where;
  Deadline deadline = Deadline::never();
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  /// What a Timeout of this call is: READ_TIMEOUT, WRITE_TIMEOUT or OPEN_TIMEOUT. A connection that
  /// waits for a lock cannot tell which of them its caller is about.
  std::string_view timeout_code = code("READ_TIMEOUT");

  /// A stop that is requested ends the call's waits and its running SQL.
  std::stop_token stop{};

  [[nodiscard]] std::chrono::milliseconds waited() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 started);
  }
};

}  // namespace turnstile
