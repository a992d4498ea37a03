#include "vectors/packed_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vectors/packed_writer.h"
#include "vectors/place_bits.h"

namespace turnstile::vectors {

/// One search through blocks. Threads: scoped.
class PackedScan {
 public:
  PackedScan(const PackedIndex& index, ReadTx& tx, std::span<const float> query,
             const VectorSearch& search, Refiner& refiner)
      : index_(index),
        tx_(tx),
        query_(index.format_, query),
        refiner_(refiner),
        candidates_(wanted(index, search), max_rank(index, search)) {}

  void scan_all() { scan_blocks("SELECT block, live, records FROM " + index_.tables_.block); }

  void scan_partition(const Value& partition) {
    scan_blocks("SELECT block, live, records FROM " + index_.tables_.block + " WHERE part = ?",
                partition);
  }

  /// Looks at these slots only: one bit for each.
  void scan_slots(std::span<const std::byte> slots, std::int64_t count) {
    const auto block_bytes = static_cast<std::size_t>(index_.block_size_) / kPlacesOfByte;
    // So few are all compared exactly in the end.
    const bool few = count <= static_cast<std::int64_t>(refiner_.limit());
    Statement select =
        tx_.prepare("SELECT records FROM " + index_.tables_.block + " WHERE block = ?");
    for (std::size_t first = 0; first < slots.size(); first += block_bytes) {
      const auto places = slots.subspan(first, std::min(block_bytes, slots.size() - first));
      const std::int64_t in_block = count_places(places);
      if (in_block == 0) continue;
      const auto block = static_cast<std::int64_t>(first / block_bytes);
      if (few || in_block <= kDirect) {
        for_each_place(places, [&](std::size_t place) {
          candidates_.offer(slot(block, place), RankRange::unknown());
        });
        continue;
      }
      for (const BlobView records : select.query<BlobView>(block))
        scan_block(block, places, records);
    }
  }

  /// Compares exactly what is left.
  void refine() {
    const VectorMetric metric = *index_.definition_.metric;
    std::vector<Candidate> candidates = candidates_.take();
    if (!index_.format_.is_bounded()) {
      const std::size_t most = candidates_.limit();
      candidates.resize(std::min(candidates.size(), most));
    }
    for (const Candidate& candidate : candidates) {
      if (index_.format_.is_bounded() &&
          candidate.lower > rank_of(metric, refiner_.bound()) * (1 + kRounding)) {
        break;
      }
      refiner_.consider(candidate.slot);
    }
  }

 private:
  /// To read a vector costs about as much as the codes of a fifth of a block.
  static constexpr std::int64_t kDirect = 4;
  static constexpr double kRounding = 1e-12;

  static std::size_t wanted(const PackedIndex& index, const VectorSearch& search) {
    const auto limit = static_cast<std::size_t>(search.limit);
    return index.format_.is_bounded() ? limit : limit * static_cast<std::size_t>(search.rerank);
  }

  static double max_rank(const PackedIndex& index, const VectorSearch& search) {
    if (!search.max_distance || !index.format_.is_bounded())
      return std::numeric_limits<double>::infinity();
    const double rank = rank_of(*index.definition_.metric, *search.max_distance);
    return rank + std::abs(rank) * kRounding;
  }

  [[nodiscard]] std::int64_t slot(std::int64_t block, std::size_t place) const noexcept {
    return block * index_.block_size_ + static_cast<std::int64_t>(place);
  }

  template <class... Args>
  void scan_blocks(const std::string& sql, const Args&... args) {
    for (const auto& [block, live, records] :
         tx_.query<std::int64_t, BlobView, BlobView>(sql, args...)) {
      scan_block(block, live, records);
    }
  }

  void scan_block(std::int64_t block, BlobView places, BlobView records) {
    const std::size_t count = query_.compare(records);
    for_each_place(places, [&](std::size_t place) {
      if (place < count) candidates_.offer(slot(block, place), query_.rank(place));
    });
  }

  const PackedIndex& index_;
  ReadTx& tx_;
  CodeQuery query_;
  Refiner& refiner_;
  Candidates candidates_;
};

PackedIndex::PackedIndex(const Tables& tables, const VectorDefinition& definition, int block_size)
    : tables_(tables), definition_(definition), block_size_(block_size), format_(definition) {}

std::unique_ptr<IndexWriter> PackedIndex::writer(WriteTx& tx) const {
  return std::make_unique<PackedWriter>(*this, tx);
}

void PackedIndex::find(ReadTx& tx, std::span<const float> query, const Filter& filter,
                       const VectorSearch& search, Refiner& refiner) const {
  PackedScan scan(*this, tx, query, search, refiner);
  if (filter.empty()) {
    scan.scan_all();
  } else if (filter.partition()) {
    scan.scan_partition(*filter.partition());
  } else {
    const FilterSql sql = filter.for_items();
    Statement select = tx.prepare("SELECT slot FROM " + tables_.item + " WHERE TRUE" + sql.clause);
    sql.bind(select, 1);
    Blob slots;
    std::int64_t count = 0;
    for (; select.step(); ++count) {
      const auto slot = static_cast<std::size_t>(select.row().get<std::int64_t>(0));
      // Not resize(), which would grow by a byte at a time.
      if (slot / kPlacesOfByte >= slots.size())
        slots.resize(std::max(2 * slots.size(), slot / kPlacesOfByte + 1));
      set_place(slots, slot, true);
    }
    select.rewind();
    scan.scan_slots(slots, count);
  }
  scan.refine();
}

void PackedIndex::count(ReadTx& tx, VectorStats& stats) const {
  const auto [blocks, used] = tx.query<std::int64_t, std::int64_t>(
                                    "SELECT count(*), coalesce(sum(used), 0) FROM " + tables_.block)
                                  .one();
  stats.blocks = blocks;
  stats.free_slots = blocks * block_size_ - used;
}

}  // namespace turnstile::vectors
