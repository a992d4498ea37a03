// Searches without a pause, for words that are in the index, to see that they go on beside writers.
#pragma once

#include <atomic>
#include <cstdint>
#include <stop_token>

#include "lock_failures.h"
#include "store.h"

namespace kb {

/// Threads: confined; progress() is shared.
class SearchLoad {
 public:
  explicit SearchLoad(Store& store) : store_(store) {}

  /// Searches with `threads` threads until `stop` asks for an end.
  void run(int threads, const std::stop_token& stop);

  struct Progress {
    std::int64_t searches = 0;
    std::int64_t hits = 0;
    std::int64_t lock_failures = 0;
  };
  [[nodiscard]] Progress progress() const noexcept {
    return {searches_, hits_, lock_failures_.value()};
  }

 private:
  void work(std::uint64_t seed, const std::stop_token& stop);

  Store& store_;
  LockFailures lock_failures_;
  std::atomic<std::int64_t> searches_{0};
  std::atomic<std::int64_t> hits_{0};
};

}  // namespace kb
