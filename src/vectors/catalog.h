// The table vector_collection: which collections there are, and making and removing them.
#pragma once

#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/transaction.h"
#include "turnstile/vectors.h"
#include "vectors/collection_state.h"

namespace turnstile::vectors {

/// A row of the table. Threads: immutable.
struct CatalogEntry {
  std::int64_t number = 0;
  std::string name;
  VectorDefinition definition;
  int block_size = 0;
};

[[nodiscard]] std::optional<CatalogEntry> find_collection(ReadTx& tx, std::string_view name);

/// Makes its row and its tables. The name must be free, the definition valid.
CatalogEntry make_collection(WriteTx& tx, std::string_view name, const VectorDefinition& definition,
                             Time now);

void drop_collection(WriteTx& tx, const CatalogEntry& entry);

/// Throws Error (VECTOR_EXTENSION_MISSING) when the definition needs what is not loaded.
void require_extension(ReadTx& tx, const VectorDefinition& definition, std::source_location where);

}  // namespace turnstile::vectors
