// Moving items of a vec0 table together. vec0 fills only the newest chunk of a partition and drops
// one that has become empty, so that items of thin chunks are taken out and put in again.
#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sqlite/error_code.h"
#include "turnstile/error.h"
#include "vectors/elements.h"
#include "vectors/place_bits.h"
#include "vectors/vec0_index.h"

namespace turnstile::vectors {

namespace {

struct Chunk {
  std::int64_t number = 0;
  std::int64_t size = 0;
  std::vector<std::int64_t> slots;
};

std::vector<std::int64_t> slots_of(BlobView validity, BlobView rowids) {
  std::vector<std::int64_t> slots;
  for_each_place(validity, [&](std::size_t place) {
    std::int64_t slot = 0;
    if ((place + 1) * sizeof slot > rowids.size()) return;
    std::memcpy(&slot, rowids.data() + place * sizeof slot, sizeof slot);
    slots.push_back(slot);
  });
  return slots;
}

/// The thinnest chunk that is not needed, in a partition that has more than it needs.
std::optional<Chunk> superfluous(std::vector<Chunk> chunks) {
  std::int64_t used = 0;
  std::int64_t size = 1;
  for (const Chunk& chunk : chunks) {
    used += static_cast<std::int64_t>(chunk.slots.size());
    size = chunk.size;
  }
  if (static_cast<std::int64_t>(chunks.size()) <= (used + size - 1) / size) return std::nullopt;
  chunks.pop_back();  // The newest, into which the others go.
  return *std::ranges::min_element(chunks, {},
                                   [](const Chunk& chunk) { return chunk.slots.size(); });
}

}  // namespace

std::int64_t Vec0Index::rebuild_step(WriteTx& tx) const {
  std::map<Value, std::vector<Chunk>> partitions;
  const std::string part = definition_.partition ? "partition00" : "NULL";
  for (const auto& [number, size, key, validity, rowids] :
       tx.query<std::int64_t, std::int64_t, Value, BlobView, BlobView>(
           "SELECT chunk_id, size, " + part + ", validity, rowids FROM " + tables_.vec0 +
           "_chunks ORDER BY chunk_id")) {
    partitions[key].push_back({number, size, slots_of(validity, rowids)});
  }
  for (auto& [key, chunks] : partitions) {
    const auto chunk = superfluous(std::move(chunks));
    if (!chunk) continue;
    constexpr std::size_t kMost = 128;  // In one step.
    const std::size_t count = std::min(kMost, chunk->slots.size());
    for (std::size_t i = 0; i < count; ++i)
      insert_again(tx, chunk->slots[i]);
    return static_cast<std::int64_t>(count);
  }
  return 0;
}

void Vec0Index::insert_again(WriteTx& tx, std::int64_t slot) const {
  Statement select = tx.prepare(tables_.select_item);
  select.bind(1, slot);
  if (!select.step()) {
    Error::Details details;
    details.code = code("DB_CORRUPT");
    details.message = tables_.vec0 + " has a row " + std::to_string(slot) + " without an item";
    throw StorageError(std::move(details));
  }
  const Row row = select.row();
  const auto id = row.get<std::string>(0);
  std::vector<Value> values;
  for (std::size_t i = 0; i < tables_.columns.size(); ++i)
    values.push_back(row.get<Value>(static_cast<int>(i) + kFirstColumn));
  const auto vector = from_bytes(definition_, tx.query<Blob>(tables_.select_exact, slot).one());
  tx.execute(delete_, slot);
  insert(tx, slot, {id, vector, values});
}

}  // namespace turnstile::vectors
