// What a benchmark has measured, for people and for programs.
#pragma once

#include <chrono>
#include <vector>

#include "bench/counts.h"
#include "bench/side.h"
#include "bench/turn.h"
#include "json.h"
#include "output.h"

namespace turnstile::cli::bench {

/// The same work done by both sides in turn.
///
/// Threads: confined.
struct Comparison {
  TurnCounts plain;
  TurnCounts turnstile;
  std::vector<double> ratios;  ///< Of what is compared, Turnstile's by the other, in each pair.
  int turns = 0;               ///< Of each side.
  std::chrono::milliseconds turn{0};
};

/// Threads: confined.
class Report {
 public:
  explicit Report(const Settings& settings) noexcept : settings_(settings) {}

  Counts synced;       ///< Writes of one thread, each with a sync.
  Comparison writing;  ///< Threads that write.
  Comparison reading;  ///< A thread that reads beside them.

  [[nodiscard]] Json to_json() const;
  void print(Output& output) const;

 private:
  void print_table(Output& output) const;

  Settings settings_;
};

}  // namespace turnstile::cli::bench
