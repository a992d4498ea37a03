// The failures that this program exists to show the absence of.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

#include "turnstile/error.h"

namespace kb {

/// True for a wait that ran out and for every form of BUSY and LOCKED that the engine knows.
[[nodiscard]] bool is_lock_failure(const turnstile::Error& error);

/// Counts errors by kind. Threads: shared.
class FailureCount {
 public:
  /// Counts the exception that is being handled.
  void note_current() noexcept;

  [[nodiscard]] std::int64_t lock_failures() const noexcept { return lock_failures_; }
  [[nodiscard]] std::int64_t others() const noexcept { return others_; }

 private:
  std::atomic<std::int64_t> lock_failures_ = 0;
  std::atomic<std::int64_t> others_ = 0;
};

}  // namespace kb
