#include "vectors/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace turnstile::vectors {

namespace {

constexpr std::size_t kRoom = 1024;

}  // namespace

Candidates::Candidates(std::size_t limit, double max_rank)
    : limit_(limit), threshold_(max_rank), prune_at_(4 * limit + kRoom) {}

void Candidates::keep(std::int64_t slot, const RankRange& range) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  kept_.push_back({slot, std::isnan(range.lower) ? -kInfinity : range.lower});
  const double upper = std::isnan(range.upper) ? kInfinity : range.upper;
  if (uppers_.size() == limit_) {
    if (upper >= uppers_.front()) return;
    std::ranges::pop_heap(uppers_);
    uppers_.back() = upper;
  } else {
    uppers_.push_back(upper);
  }
  std::ranges::push_heap(uppers_);
  if (uppers_.size() == limit_) threshold_ = std::min(threshold_, uppers_.front());
  if (kept_.size() >= prune_at_) prune();
}

void Candidates::prune() {
  std::erase_if(kept_, [this](const Candidate& kept) { return kept.lower > threshold_; });
  prune_at_ = std::max(prune_at_, 2 * kept_.size());
}

std::vector<Candidate> Candidates::take() {
  prune();
  std::ranges::sort(kept_, {},
                    [](const Candidate& kept) { return std::tuple(kept.lower, kept.slot); });
  return std::move(kept_);
}

}  // namespace turnstile::vectors
