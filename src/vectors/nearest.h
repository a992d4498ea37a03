// A search from end to end, whatever the storage.
#pragma once

#include <span>
#include <vector>

#include "turnstile/transaction.h"
#include "turnstile/vectors.h"
#include "vectors/collection_state.h"

namespace turnstile::vectors {

/// See VectorCollection::search().
[[nodiscard]] std::vector<VectorMatch> find_nearest(const State& collection, ReadTx& tx,
                                                    std::span<const float> query,
                                                    const VectorSearch& search);

}  // namespace turnstile::vectors
