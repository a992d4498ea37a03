// Putting items into a collection, taking them out, and looking at them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/transaction.h"
#include "turnstile/vectors.h"
#include "vectors/collection_state.h"

namespace turnstile::vectors {

/// Throws MisuseError (VECTOR_INVALID) for the first that cannot be an item of the collection.
void check_items(const State& collection, std::span<const VectorItem> items,
                 std::size_t first_index = 0);

/// Of items that were checked.
VectorUpsert upsert_items(const State& collection, WriteTx& tx, std::span<const VectorItem> items);

std::int64_t remove_items(const State& collection, WriteTx& tx, std::span<const std::string> ids);

[[nodiscard]] std::optional<VectorItem> find_item(const State& collection, ReadTx& tx,
                                                  std::string_view id);

/// An item's id, version, columns and payload, without its vector. Throws StorageError
/// (DB_CORRUPT) when the slot has none.
[[nodiscard]] VectorItem read_item(const State& collection, Statement& select_item,
                                   std::int64_t slot);

}  // namespace turnstile::vectors
