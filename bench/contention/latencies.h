// How long calls took: every one of them in 9 KiB, so that remembering costs a few nanoseconds and
// what several threads or processes saw can be put together.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace turnstile::bench {

/// A histogram with 32 buckets for each power of two: a percentile is off by at most 1.6 %, the
/// longest is exact. Threads: confined.
class Latencies {
 public:
  void add(std::chrono::nanoseconds took) noexcept {
    ++buckets_[bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0)))];
    ++count_;
    longest_ = std::max(longest_, took);
  }

  void merge(const Latencies& other) noexcept {
    for (std::size_t i = 0; i < kBuckets; ++i)
      buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    longest_ = std::max(longest_, other.longest_);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double longest_us() const noexcept {
    return static_cast<double>(longest_.count()) / 1e3;
  }

  /// The time that `share` of the calls did not exceed; 0 when there was no call.
  [[nodiscard]] double percentile_us(double share) const noexcept {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += buckets_[i];
      if (seen > rank) return std::min(middle_of(i) / 1e3, longest_us());
    }
    return longest_us();
  }

  [[nodiscard]] nlohmann::json to_json() const {
    nlohmann::json filled = nlohmann::json::array();
    for (std::size_t i = 0; i < kBuckets; ++i)
      if (buckets_[i] != 0) filled.push_back({i, buckets_[i]});
    return {{"buckets", filled}, {"longest", longest_.count()}};
  }

  /// What to_json() made, or a list of nanoseconds.
  static Latencies from_json(const nlohmann::json& json) {
    Latencies latencies;
    if (json.is_array()) {
      for (const nlohmann::json& took : json)
        latencies.add(std::chrono::nanoseconds(took.get<std::int64_t>()));
      return latencies;
    }
    for (const auto& entry : json.at("buckets")) {
      const auto calls = entry.at(1).get<std::uint64_t>();
      latencies.buckets_.at(entry.at(0).get<std::size_t>()) = calls;
      latencies.count_ += calls;
    }
    latencies.longest_ = std::chrono::nanoseconds(json.at("longest").get<std::int64_t>());
    return latencies;
  }

 private:
  static constexpr std::size_t kPerPower = 32;
  static constexpr int kFirstPower = 5;  // Below 2^5 ns each nanosecond has its own bucket.
  static constexpr int kPowers = 36;     // Up to 2^40 ns, eighteen minutes.
  static constexpr std::size_t kBuckets = kPerPower * kPowers;

  static std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < kPerPower) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kFirstPower;
    const std::size_t power = static_cast<std::size_t>(shift) + 1;
    const std::size_t bucket = kPerPower * power + ((value >> shift) - kPerPower);
    return std::min(bucket, kBuckets - 1);
  }

  static double middle_of(std::size_t bucket) noexcept {
    if (bucket < kPerPower) return static_cast<double>(bucket);
    const std::size_t shift = bucket / kPerPower - 1;
    const double in_power = static_cast<double>(kPerPower + bucket % kPerPower) + 0.5;
    return in_power * static_cast<double>(std::uint64_t{1} << shift);
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds longest_{0};
};

}  // namespace turnstile::bench
