// Searches without pause, as users would, and checks each answer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include "embedder.h"
#include "failures.h"
#include "knowledge.h"
#include "turnstile/database.h"

namespace kb {

/// Threads: shared, but for construction, start and finish, which are confined.
class SearchLoad {
 public:
  SearchLoad(const turnstile::Database& database, const Knowledge& knowledge, Embedder& embedder)
      : lane_(database.lane("search")), knowledge_(knowledge), embedder_(embedder) {}

  void start(int threads, std::chrono::milliseconds pause);
  /// Stops the threads and waits for them.
  void finish() { threads_.clear(); }

  [[nodiscard]] std::int64_t searches() const noexcept { return searches_; }
  [[nodiscard]] std::int64_t hits() const noexcept { return hits_; }
  /// Searches for a word that was there, which did not find it. One is one too many.
  [[nodiscard]] std::int64_t misses() const noexcept { return misses_; }
  [[nodiscard]] const FailureCount& failures() const noexcept { return failures_; }
  /// The longest search, waiting included.
  [[nodiscard]] std::chrono::microseconds longest() const noexcept {
    return std::chrono::microseconds(longest_us_);
  }

 private:
  void run(const std::stop_token& stop, std::chrono::milliseconds pause);
  bool search_once(std::mt19937_64& random);

  const turnstile::Lane lane_;
  const Knowledge& knowledge_;
  Embedder& embedder_;
  std::atomic<std::int64_t> searches_ = 0;
  std::atomic<std::int64_t> hits_ = 0;
  std::atomic<std::int64_t> misses_ = 0;
  std::atomic<std::int64_t> longest_us_ = 0;
  FailureCount failures_;
  std::vector<std::jthread> threads_;
};

}  // namespace kb
