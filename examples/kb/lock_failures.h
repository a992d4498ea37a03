// Counts what must not happen: a call that failed because of somebody else's lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "turnstile/error.h"

namespace kb {

/// Threads: shared.
class LockFailures {
 public:
  /// Counts `error` if it is one: a Timeout, or SQLite's BUSY, LOCKED or PROTOCOL.
  void count(const turnstile::Error& error) noexcept {
    constexpr int kPrimaryCode = 0xff;
    constexpr int kBusy = 5;
    constexpr int kLocked = 6;
    constexpr int kProtocol = 15;
    const int code = error.sqlite_code() & kPrimaryCode;
    const bool is_timeout = dynamic_cast<const turnstile::Timeout*>(&error) != nullptr;
    if (is_timeout || code == kBusy || code == kLocked || code == kProtocol) ++count_;
  }
  [[nodiscard]] std::int64_t value() const noexcept { return count_; }

 private:
  std::atomic<std::int64_t> count_{0};
};

}  // namespace kb
