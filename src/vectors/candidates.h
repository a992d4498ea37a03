// Of what a scan saw, the vectors that may be among the nearest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vectors/codes.h"

namespace turnstile::vectors {

/// A vector by its slot, and the least rank that it can have.
struct Candidate {
  std::int64_t slot = 0;
  double lower = 0;
};

/// Keeps what cannot be ruled out as one of the `limit` nearest: as soon as that many are known to
/// have at most some rank, those that have more for sure are of no interest.
///
/// Threads: confined.
class Candidates {
 public:
  /// `max_rank`: more than that is not wanted anyway; infinity when there is no limit.
  Candidates(std::size_t limit, double max_rank);

  void offer(std::int64_t slot, const RankRange& range) {
    // The negation, because a range may be not a number.
    if (!(range.lower > threshold_)) keep(slot, range);
  }

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

  /// Those that are left, the most promising first.
  [[nodiscard]] std::vector<Candidate> take();

 private:
  void keep(std::int64_t slot, const RankRange& range);
  void prune();

  std::size_t limit_;
  double threshold_;
  std::vector<double> uppers_;  // The `limit` least ones, as a heap with the largest in front.
  std::vector<Candidate> kept_;
  std::size_t prune_at_;
};

}  // namespace turnstile::vectors
