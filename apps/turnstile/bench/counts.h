// What threads did in turns, and how long they were kept.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace turnstile::cli::bench {

/// All waits are kept, not a histogram of them, because the percentiles of two sides are to be
/// divided by one another: a run is bounded, and so are they.
///
/// Threads: confined.
class Counts {
 public:
  /// A call that was done after so long.
  void waited(std::chrono::nanoseconds wait);
  /// One that was done before its turn was over: what the rate is made of.
  void done() noexcept { ++done_; }
  void failed(const std::string& message);
  /// What another thread did in the same turn.
  void add(const Counts& other);
  /// What was done in another turn.
  void add(const Counts& other, std::chrono::nanoseconds turn);

  [[nodiscard]] std::int64_t number() const noexcept { return done_; }
  [[nodiscard]] std::size_t waits() const noexcept { return waits_.size(); }
  [[nodiscard]] std::int64_t failures() const noexcept { return failures_; }
  /// Empty when there was none.
  [[nodiscard]] const std::string& first_failure() const noexcept { return first_failure_; }
  /// 0 before there was a turn.
  [[nodiscard]] double per_second() const noexcept;
  /// What `percent` of the waits did not exceed; 0 when there were none.
  [[nodiscard]] std::chrono::microseconds percentile(double percent) const;

 private:
  // Half the memory of nanoseconds, and up to 71 minutes.
  using Wait = std::chrono::duration<std::uint32_t, std::micro>;

  std::int64_t done_ = 0;
  std::int64_t failures_ = 0;
  std::string first_failure_;
  std::vector<Wait> waits_;
  std::chrono::nanoseconds time_{0};
};

}  // namespace turnstile::cli::bench
