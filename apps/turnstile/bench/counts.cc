#include "bench/counts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace turnstile::cli::bench {

void Counts::waited(std::chrono::nanoseconds wait) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(wait).count();
  waits_.emplace_back(static_cast<std::uint32_t>(std::min<std::int64_t>(us, kMost)));
}

void Counts::failed(const std::string& message) {
  if (failures_++ == 0) first_failure_ = message;
}

void Counts::add(const Counts& other) {
  if (failures_ == 0) first_failure_ = other.first_failure_;
  done_ += other.done_;
  failures_ += other.failures_;
  waits_.insert(waits_.end(), other.waits_.begin(), other.waits_.end());
}

void Counts::add(const Counts& other, std::chrono::nanoseconds turn) {
  add(other);
  time_ += turn;
}

double Counts::per_second() const noexcept {
  const double seconds = std::chrono::duration<double>(time_).count();
  return seconds > 0 ? static_cast<double>(done_) / seconds : 0;
}

std::chrono::microseconds Counts::percentile(double percent) const {
  if (waits_.empty()) return {};
  const double rank = std::ceil(percent / 100 * static_cast<double>(waits_.size()));
  std::vector<Wait> waits = waits_;
  const auto place =
      waits.begin() + (std::max<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(rank), 1) - 1);
  std::ranges::nth_element(waits, place);
  return std::chrono::microseconds(place->count());
}

}  // namespace turnstile::cli::bench
