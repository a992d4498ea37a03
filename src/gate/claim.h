// Who asks for, or has, a turn or a reader. Kept for as long as it waits or holds, so that whoever
// waits in vain can be told whom it waited for.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "turnstile/error.h"

namespace turnstile::gate {

/// Threads: immutable.
struct Claim {
  std::string_view lane;  ///< Lives as long as the database.
  std::source_location where;
  std::int64_t thread_id = 0;  ///< Kernel thread id; cached per thread.
  std::chrono::steady_clock::time_point since;

  /// A claim of the calling thread, from now on if nothing else is said.
  [[nodiscard]] static Claim of_this_thread(
      std::string_view lane, std::source_location where,
      std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now());

  /// As the holder of `lock`, for a message.
  [[nodiscard]] Holder as_holder(std::string_view lock) const;
};

/// The calling thread's kernel id.
[[nodiscard]] std::int64_t this_thread_id() noexcept;

/// What a wait ended with.
enum class Wait {
  Granted,
  TimedOut,   ///< The deadline passed.
  Closed,     ///< The database is being closed.
  Cancelled,  ///< Whoever waited wants it no more.
  Done,       ///< Somebody else has done what was waited for.
};

}  // namespace turnstile::gate
