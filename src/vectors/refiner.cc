#include "vectors/refiner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sqlite/error_code.h"
#include "turnstile/error.h"
#include "vectors/tables.h"

namespace turnstile::vectors {

Refiner::Refiner(ReadTx& tx, const Tables& tables, const ExactDistance& query, std::size_t limit,
                 double max_distance)
    : limit_(limit),
      bound_(max_distance),
      query_(query),
      select_(tx.prepare(tables.select_exact)) {}

void Refiner::consider(std::int64_t slot) {
  bool found = false;
  for (const BlobView vector : select_.query<BlobView>(slot)) {
    consider(slot, vector);
    found = true;
  }
  if (found) return;
  Error::Details details;
  details.code = code("DB_CORRUPT");
  details.message = "slot " + std::to_string(slot) + " of a vector collection has no vector";
  throw StorageError(std::move(details));
}

void Refiner::consider(std::int64_t slot, BlobView vector) {
  const double distance = query_.to(vector);
  if (distance > bound_) return;
  if (hits_.size() >= prune_at_) prune();
  hits_.push_back({distance, slot});
  if (nearest_.size() == limit_) {
    std::ranges::pop_heap(nearest_);
    nearest_.back() = distance;
  } else {
    nearest_.push_back(distance);
  }
  std::ranges::push_heap(nearest_);
  if (is_full()) bound_ = std::min(bound_, nearest_.front());
}

void Refiner::prune() {
  std::erase_if(hits_, [this](const Hit& hit) { return hit.distance > bound_; });
  prune_at_ = std::max(kRoom, 2 * hits_.size());
}

std::vector<Hit> Refiner::take() {
  prune();
  return std::move(hits_);
}

}  // namespace turnstile::vectors
