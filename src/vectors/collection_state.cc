#include "vectors/collection_state.h"

#include <utility>

#include "sqlite/error_code.h"
#include "vectors/fail.h"
#include "vectors/packed_index.h"
#include "vectors/vec0_index.h"

namespace turnstile::detail {

namespace {

std::unique_ptr<const vectors::Index> make_index(const vectors::Tables& tables,
                                                 const VectorDefinition& definition,
                                                 int block_size) {
  if (definition.storage == VectorStorage::SqliteVec)
    return std::make_unique<vectors::Vec0Index>(tables, definition);
  return std::make_unique<vectors::PackedIndex>(tables, definition, block_size);
}

}  // namespace

VectorCollectionState::VectorCollectionState(Config config)
    : config_(std::move(config)),
      tables_(config_.number, config_.definition),
      index_(make_index(tables_, config_.definition, config_.block_size)) {}

void VectorCollectionState::require_there(ReadTx& tx) const {
  const bool there =
      tx.query<std::int64_t>("SELECT 1 FROM vector_collection WHERE id = ?", config_.number)
          .first()
          .has_value();
  if (there) return;
  vectors::fail(code("VECTOR_COLLECTION_UNKNOWN"),
                "the collection " + vectors::in_quotes(config_.name) +
                    " was dropped or redefined after it was opened",
                "Open it again.");
}

}  // namespace turnstile::detail
