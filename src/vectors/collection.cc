#include <algorithm>
#include <utility>

#include "gate/sync_point.h"
#include "turnstile/vectors.h"
#include "vectors/check.h"
#include "vectors/collection_state.h"
#include "vectors/items.h"
#include "vectors/nearest.h"
#include "vectors/pending.h"

namespace turnstile {

VectorCollection::VectorCollection(
    std::shared_ptr<const detail::VectorCollectionState> state) noexcept
    : state_(std::move(state)) {}

const std::string& VectorCollection::name() const noexcept {
  return state_->name();
}

const VectorDefinition& VectorCollection::definition() const noexcept {
  return state_->definition();
}

const Lane& VectorCollection::lane() const noexcept {
  return state_->lane();
}

VectorUpsert VectorCollection::upsert(std::span<const VectorItem> items,
                                      std::source_location where) const {
  vectors::check_items(*state_, items);
  if (items.empty()) return {};
  return state_->lane().write(
      [&](WriteTx& tx) { return vectors::upsert_items(*state_, tx, items); }, where);
}

VectorUpsert VectorCollection::upsert(WriteTx& tx, std::span<const VectorItem> items) const {
  vectors::check_items(*state_, items);
  return vectors::upsert_items(*state_, tx, items);
}

void VectorCollection::check_item(const VectorItem& item, std::size_t index) const {
  vectors::check_items(*state_, {&item, 1}, index);
}

std::int64_t VectorCollection::remove(std::span<const std::string> ids,
                                      std::source_location where) const {
  if (ids.empty()) return 0;
  return state_->lane().write([&](WriteTx& tx) { return vectors::remove_items(*state_, tx, ids); },
                              where);
}

std::int64_t VectorCollection::remove(WriteTx& tx, std::span<const std::string> ids) const {
  return vectors::remove_items(*state_, tx, ids);
}

std::optional<VectorItem> VectorCollection::get(std::string_view id,
                                                std::source_location where) const {
  return state_->lane().read([&](ReadTx& tx) { return get(tx, id); }, where);
}

std::optional<VectorItem> VectorCollection::get(ReadTx& tx, std::string_view id) const {
  return vectors::find_item(*state_, tx, id);
}

std::vector<VectorMatch> VectorCollection::search(std::span<const float> query,
                                                  const VectorSearch& search,
                                                  std::source_location where) const {
  return state_->lane().read([&](ReadTx& tx) { return this->search(tx, query, search); }, where);
}

std::vector<VectorMatch> VectorCollection::search(ReadTx& tx, std::span<const float> query,
                                                  const VectorSearch& search) const {
  return vectors::find_nearest(*state_, tx, query, search);
}

std::optional<std::int64_t> VectorCollection::mark_pending(WriteTx& tx, std::string_view id,
                                                           std::int64_t version) const {
  return vectors::set_mark(*state_, tx, id, version, state_->now());
}

VectorStats VectorCollection::stats(std::source_location where) const {
  return state_->lane().read(
      [&](ReadTx& tx) {
        state_->require_there(tx);
        const vectors::Tables& tables = state_->tables();
        VectorStats stats;
        stats.items = tx.query<std::int64_t>("SELECT count(*) FROM " + tables.item).one();
        stats.pending = vectors::count_marks(*state_, tx);
        state_->index().count(tx, stats);
        const bool packed = definition().storage == VectorStorage::Packed;
        stats.tables = {tables.item, tables.exact, packed ? tables.block : tables.vec0};
        return stats;
      },
      where);
}

VectorRebuild VectorCollection::rebuild(const VectorRebuildOptions& options,
                                        std::source_location where) const {
  // Each step is a transaction's worth of work by itself; several share one where nobody waits.
  constexpr int kStepsOfTransaction = 16;
  VectorRebuild result;
  result.blocks_before = stats(where).blocks;
  bool more = true;
  while (more && !options.stop.stop_requested()) {
    std::int64_t moved = 0;
    state_->bulk().write(
        [&](WriteTx& tx) {
          moved = 0;
          state_->require_there(tx);
          for (int step = 0; step < kStepsOfTransaction && !options.stop.stop_requested(); ++step) {
            const std::int64_t in_step = state_->index().rebuild_step(tx);
            moved += in_step;
            more = in_step > 0;
            if (!more) return;
            tx.yield_point();
          }
        },
        where);
    gate::sync_point("VectorCollection::rebuild:step");
    result.moved += moved;
    if (options.progress) options.progress({"rebuild", result.moved, -1});
  }
  result.complete = !more;
  result.blocks_after = stats(where).blocks;
  return result;
}

std::vector<std::string> VectorCollection::check(std::source_location where) const {
  return state_->lane().read([&](ReadTx& tx) { return vectors::check_collection(*state_, tx); },
                             where);
}

}  // namespace turnstile
