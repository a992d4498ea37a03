// What a database has measured since it was opened, for dashboards and for questions such as "who
// keeps the others waiting?".
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "turnstile/info.h"

namespace turnstile {

/// How long something took, each time. Bucket 0 counts what took up to a microsecond; from four
/// microseconds on there are four buckets a power of two, so that a bucket's upper bound is at most
/// a quarter above any duration in it. The last bucket takes all that lasted over an hour.
///
/// Threads: immutable.
struct Histogram {
  static constexpr std::size_t kBuckets = 124;

  std::array<std::uint64_t, kBuckets> buckets{};
  std::uint64_t count = 0;
  std::chrono::nanoseconds sum{0};
  std::chrono::nanoseconds max{0};

  /// The bucket that a duration falls into: the first whose upper bound is not below it.
  [[nodiscard]] static constexpr std::size_t bucket_of(std::chrono::nanoseconds duration) noexcept {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 1));
    // From 0 for the first microsecond; less one, so that the upper bounds belong to the buckets.
    const std::uint64_t us = std::min((ns - 1) / 1000, kMost);
    if (us < 4) return us;
    const auto exponent = static_cast<unsigned>(std::bit_width(us)) - 1;
    return 4 * (exponent - 1) + ((us >> (exponent - 2)) & 3U);
  }
  /// Of the last bucket: microseconds::max().
  [[nodiscard]] static constexpr std::chrono::microseconds upper_bound(
      std::size_t bucket) noexcept {
    if (bucket + 1 >= kBuckets) return std::chrono::microseconds::max();
    if (bucket < 4) return std::chrono::microseconds(bucket + 1);
    return std::chrono::microseconds((5 + bucket % 4) << (bucket / 4 - 1));
  }

  /// What `percent` (0 to 100) of the durations did not exceed, up to the width of a bucket, and
  /// never more than `max`; 0 when there are none.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept;
  /// 0 when there are none.
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept;
  Histogram& operator+=(const Histogram& other) noexcept;  ///< Adds the counts.
};

/// How many writes shared a commit. Threads: immutable.
struct GroupSizes {
  static constexpr std::size_t kBuckets = 10;

  /// Groups of 1, 2, up to 4, up to 8, ... up to 256 writes, and larger ones.
  std::array<std::uint64_t, kBuckets> buckets{};
  std::uint64_t count = 0;  ///< Commits.
  std::uint64_t sum = 0;    ///< Writes.
  std::uint64_t max = 0;
  /// The bucket that a group of so many writes falls into.
  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t size) noexcept {
    const auto bucket = static_cast<std::size_t>(std::bit_width(size - (size > 0 ? 1 : 0)));
    return std::min(bucket, kBuckets - 1);
  }
};

/// What one lane did. Threads: immutable.
struct LaneMetrics {
  std::string name;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;      ///< Committed.
  std::uint64_t rollbacks = 0;   ///< Closures that threw, and failed commits.
  std::uint64_t timeouts = 0;    ///< Calls whose deadline passed.
  std::uint64_t cancelled = 0;   ///< Calls that were interrupted or that close() gave up.
  std::uint64_t queue_full = 0;  ///< Submissions that were refused.
  Histogram wait;                ///< Of writes, from the call until the closure begins.
  Histogram hold;                ///< Of writes, while the closure runs and the others wait.
  Histogram read_wait;           ///< Of those reads that found no reader free.
};

/// The write-ahead log. Threads: immutable.
struct WalMetrics {
  std::int64_t file_bytes = 0;
  std::int64_t frames = 0;              ///< In the log after this process's last commit.
  std::uint64_t checkpoints = 0;        ///< That found a log to copy.
  std::uint64_t incomplete = 0;         ///< Of these, those that a reader kept from copying it all.
  std::uint64_t interrupted_reads = 0;  ///< Because the log had reached its limit.
  std::uint64_t refused_writes = 0;     ///< Because the log had reached its limit.
  std::int64_t limit_bytes = 0;         ///< Options::wal_limit_bytes as it is taken; 0: none.
  bool pinned = false;                  ///< A reader keeps the log from being copied, as last seen.
  Histogram checkpoint;                 ///< How long they took.
  std::int64_t last_log_frames = 0;     ///< In the log at the last one.
  std::int64_t last_copied_frames = 0;  ///< Of these, in the file after it.
  std::chrono::system_clock::time_point last_checkpoint{};  ///< Epoch before the first.
};

/// All that is measured, at one moment. Numbers that change meanwhile may be one apart from each
/// other. Threads: immutable.
struct Metrics {
  std::vector<LaneMetrics> lanes;  ///< By name.
  Histogram commit;                ///< COMMIT itself.
  GroupSizes groups;
  std::uint64_t engine_waits = 0;          ///< Times SQLite's own lock was held by a stranger.
  std::uint64_t repaired_connections = 0;  ///< Given back with something left behind, and cleaned.
  std::uint64_t replaced_connections = 0;  ///< Changed through native_handle(), and replaced.
  std::uint64_t gate_bypasses = 0;         ///< Turns to write that the gate kept no order for.
  std::uint64_t observer_calls = 0;        ///< Callbacks of observations that were called.
  std::uint64_t observer_failures = 0;     ///< Of these, those that threw; and failed queries.
  PoolInfo pool;
  WalMetrics wal;
};

/// The text that Prometheus and others collect, in the format OpenMetrics 1.0
/// (https://prometheus.io/docs/specs/om/open_metrics_spec/); ends with `# EOF`.
[[nodiscard]] std::string to_open_metrics(const Metrics& metrics);

}  // namespace turnstile
