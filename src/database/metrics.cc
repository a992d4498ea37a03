#include "database/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace turnstile {

std::chrono::nanoseconds Histogram::percentile(double percent) const noexcept {
  if (count == 0) return {};
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket + 1 < kBuckets; ++bucket) {
    seen += buckets[bucket];
    if (seen >= rank) return std::min<std::chrono::nanoseconds>(upper_bound(bucket), max);
  }
  return max;
}

std::chrono::nanoseconds Histogram::mean() const noexcept {
  return count == 0 ? std::chrono::nanoseconds(0) : sum / static_cast<std::int64_t>(count);
}

Histogram& Histogram::operator+=(const Histogram& other) noexcept {
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket)
    buckets[bucket] += other.buckets[bucket];
  count += other.count;
  sum += other.sum;
  max = std::max(max, other.max);
  return *this;
}

namespace database {

namespace {

std::uint64_t get(const std::atomic<std::uint64_t>& counter) noexcept {
  return counter.load(std::memory_order_relaxed);
}

std::chrono::microseconds longer(std::chrono::microseconds a, std::chrono::nanoseconds b) noexcept {
  return std::max(a, std::chrono::duration_cast<std::chrono::microseconds>(b));
}

}  // namespace

Histogram HistogramRecorder::snapshot() const noexcept {
  Histogram histogram;
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    histogram.buckets[bucket] = get(buckets_[bucket]);
    // Not counted apart, so that it is always the sum of the buckets.
    histogram.count += histogram.buckets[bucket];
  }
  histogram.sum = std::chrono::nanoseconds(get(sum_ns_));
  histogram.max = max();
  return histogram;
}

std::uint64_t ShardedCounter::value() const noexcept {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_)
    sum += get(shard.value);
  return sum;
}

LaneMetrics LaneRecorder::snapshot(std::string name) const {
  LaneMetrics metrics;
  metrics.name = std::move(name);
  metrics.reads = reads_.value();
  metrics.writes = get(writes_);
  metrics.rollbacks = get(rollbacks_);
  metrics.timeouts = get(timeouts_);
  metrics.cancelled = get(cancelled_);
  metrics.queue_full = get(queue_full_);
  metrics.wait = wait_.snapshot();
  metrics.hold = hold_.snapshot();
  metrics.read_wait = read_wait_.snapshot();
  return metrics;
}

void LaneRecorder::add_to(Counters& counters) const noexcept {
  counters.reads += reads_.value();
  counters.writes += get(writes_);
  counters.rollbacks += get(rollbacks_);
  counters.timeouts += get(timeouts_);
  counters.longest_write_wait = longer(counters.longest_write_wait, wait_.max());
  counters.longest_read_wait = longer(counters.longest_read_wait, read_wait_.max());
}

void Recorder::on_commit(std::chrono::nanoseconds duration, std::size_t group_size) noexcept {
  commit_.record(duration);
  groups_[GroupSizes::bucket_of(group_size)].fetch_add(1, std::memory_order_relaxed);
  grouped_writes_.fetch_add(group_size, std::memory_order_relaxed);
  std::uint64_t seen = get(largest_group_);
  while (group_size > seen &&
         !largest_group_.compare_exchange_weak(seen, group_size, std::memory_order_relaxed)) {
  }
}

void Recorder::add_to(Metrics& metrics) const noexcept {
  metrics.commit = commit_.snapshot();
  for (std::size_t bucket = 0; bucket < GroupSizes::kBuckets; ++bucket) {
    metrics.groups.buckets[bucket] = get(groups_[bucket]);
    metrics.groups.count += metrics.groups.buckets[bucket];
  }
  metrics.groups.sum = get(grouped_writes_);
  metrics.groups.max = get(largest_group_);
  metrics.engine_waits = get(engine_waits_);
  metrics.repaired_connections = get(repaired_);
  metrics.replaced_connections = get(replaced_);
  metrics.gate_bypasses = get(gate_bypasses_);
  metrics.observer_calls = get(observer_calls_);
  metrics.observer_failures = get(observer_failures_);
}

void Recorder::add_to(Counters& counters) const noexcept {
  counters.engine_waits += get(engine_waits_);
  counters.repaired_connections += get(repaired_);
}

void WalRecorder::on_checkpoint(std::chrono::nanoseconds duration, int log_frames,
                                int copied_frames) noexcept {
  duration_.record(duration);
  checkpoints_.fetch_add(1, std::memory_order_relaxed);
  if (copied_frames < log_frames) incomplete_.fetch_add(1, std::memory_order_relaxed);
  last_log_frames_.store(log_frames, std::memory_order_relaxed);
  last_copied_frames_.store(copied_frames, std::memory_order_relaxed);
  last_end_.store(std::chrono::system_clock::now().time_since_epoch(), std::memory_order_relaxed);
}

void WalRecorder::add_to(WalMetrics& metrics) const noexcept {
  metrics.frames = frames();
  metrics.checkpoints = checkpoints();
  metrics.incomplete = get(incomplete_);
  metrics.interrupted_reads = get(interrupted_reads_);
  metrics.refused_writes = get(refused_writes_);
  metrics.pinned = pinned_.load(std::memory_order_relaxed);
  metrics.limit_bytes = limit_bytes_.load(std::memory_order_relaxed);
  metrics.checkpoint = duration_.snapshot();
  metrics.last_log_frames = last_log_frames_.load(std::memory_order_relaxed);
  metrics.last_copied_frames = last_copied_frames_.load(std::memory_order_relaxed);
  metrics.last_checkpoint =
      std::chrono::system_clock::time_point(last_end_.load(std::memory_order_relaxed));
}

}  // namespace database
}  // namespace turnstile
