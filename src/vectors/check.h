// Compares all that is stored of a collection with each other.
#pragma once

#include <string>
#include <vector>

#include "turnstile/transaction.h"
#include "vectors/collection_state.h"

namespace turnstile::vectors {

/// See VectorCollection::check().
[[nodiscard]] std::vector<std::string> check_collection(const State& collection, ReadTx& tx);

}  // namespace turnstile::vectors
