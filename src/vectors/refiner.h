// The last step of every search: distances from the vectors themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "turnstile/statement.h"
#include "turnstile/transaction.h"
#include "vectors/elements.h"

namespace turnstile::vectors {

struct Tables;

/// A vector and how far it is.
struct Hit {
  double distance = 0;
  std::int64_t slot = 0;
};

/// Compares stored vectors with a query and keeps the nearest, with all that are as far as the
/// last of them: which of those it is to be, their ids decide.
///
/// Threads: scoped.
class Refiner {
 public:
  Refiner(ReadTx& tx, const Tables& tables, const ExactDistance& query, std::size_t limit,
          double max_distance);

  /// Throws StorageError (DB_CORRUPT) when the slot has no vector.
  void consider(std::int64_t slot);
  void consider(std::int64_t slot, BlobView vector);

  [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
  /// What is farther is of no interest (any more).
  [[nodiscard]] double bound() const noexcept { return bound_; }
  [[nodiscard]] bool is_full() const noexcept { return nearest_.size() == limit_; }

  /// At least `limit` when there are so many.
  [[nodiscard]] std::vector<Hit> take();

 private:
  static constexpr std::size_t kRoom = 4096;

  void prune();

  std::size_t limit_;
  double bound_;
  const ExactDistance& query_;
  Statement select_;
  std::vector<double> nearest_;  // As a heap with the largest in front.
  std::vector<Hit> hits_;
  std::size_t prune_at_ = kRoom;
};

}  // namespace turnstile::vectors
