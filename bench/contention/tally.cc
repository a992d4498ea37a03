#include "contention/tally.h"

#include <algorithm>

namespace turnstile::bench {

void Tally::merge(const Tally& other) {
  if (errors == 0) first_error = other.first_error;
  acknowledged += other.acknowledged;
  counted += other.counted;
  errors += other.errors;
  waits.merge(other.waits);
}

nlohmann::json Tally::to_json() const {
  return {{"acknowledged", acknowledged},
          {"counted", counted},
          {"waits", waits.to_json()},
          {"errors", errors},
          {"first_error", first_error}};
}

Tally Tally::from_json(const nlohmann::json& json) {
  Tally tally;
  json.at("acknowledged").get_to(tally.acknowledged);
  json.at("counted").get_to(tally.counted);
  tally.waits = Latencies::from_json(json.at("waits"));
  json.at("errors").get_to(tally.errors);
  json.at("first_error").get_to(tally.first_error);
  return tally;
}

Tally total_of(std::span<const Tally> tallies) {
  Tally total;
  for (const Tally& tally : tallies)
    total.merge(tally);
  return total;
}

nlohmann::json summary_of(const Tally& tally, Seconds length) {
  return {{"per_second", static_cast<double>(tally.counted) / length.count()},
          {"acknowledged", tally.acknowledged},
          {"p50_us", tally.waits.percentile_us(0.5)},
          {"p90_us", tally.waits.percentile_us(0.9)},
          {"p99_us", tally.waits.percentile_us(0.99)},
          {"p999_us", tally.waits.percentile_us(0.999)},
          {"longest_us", tally.waits.longest_us()},
          {"errors", tally.errors},
          {"first_error", tally.first_error}};
}

nlohmann::json fairness_of(std::span<const Tally> tallies) {
  double sum = 0;
  double squares = 0;
  std::uint64_t least = tallies.front().counted;
  std::uint64_t most = 0;
  for (const Tally& tally : tallies) {
    const auto served = static_cast<double>(tally.counted);
    sum += served;
    squares += served * served;
    least = std::min(least, tally.counted);
    most = std::max(most, tally.counted);
  }
  if (most == 0) return {{"least_over_most", 0.0}, {"jain", 0.0}};
  return {{"least_over_most", static_cast<double>(least) / static_cast<double>(most)},
          {"jain", sum * sum / (static_cast<double>(tallies.size()) * squares)}};
}

}  // namespace turnstile::bench
