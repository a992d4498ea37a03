#include "vectors/check.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "vectors/elements.h"
#include "vectors/packed_index.h"
#include "vectors/place_bits.h"
#include "vectors/vec0_index.h"

namespace turnstile::vectors {

namespace {

constexpr std::size_t kMostFaults = 100;

void check_vectors(const State& collection, ReadTx& tx, const FaultSink& fault) {
  const Tables& tables = collection.tables();
  for (const auto& [slot, id] : tx.query<std::int64_t, std::string>(
           "SELECT slot, id FROM " + tables.item + " WHERE slot NOT IN (SELECT slot FROM " +
           tables.exact + ")")) {
    fault("the item '" + id + "' in slot " + std::to_string(slot) + " has no vector");
  }
  for (const std::int64_t slot :
       tx.query<std::int64_t>("SELECT slot FROM " + tables.exact +
                              " WHERE slot NOT IN (SELECT slot FROM " + tables.item + ")")) {
    fault("the vector in slot " + std::to_string(slot) + " belongs to no item");
  }
  for (const auto& [slot, size] : tx.query<std::int64_t, std::int64_t>(
           "SELECT slot, length(vector) FROM " + tables.exact + " WHERE length(vector) <> ?",
           static_cast<std::int64_t>(byte_size(collection.definition())))) {
    fault("the vector in slot " + std::to_string(slot) + " has " + std::to_string(size) + " bytes");
  }
}

}  // namespace

std::vector<std::string> check_collection(const State& collection, ReadTx& tx) {
  collection.require_there(tx);
  std::vector<std::string> faults;
  const FaultSink fault = [&faults](std::string text) {
    if (faults.size() < kMostFaults) faults.push_back(std::move(text));
  };
  check_vectors(collection, tx, fault);
  // Without them, the rest would only say the same again, or could not be compared.
  if (faults.empty()) collection.index().check(tx, fault);
  return faults;
}

void PackedIndex::check(ReadTx& tx, const FaultSink& fault) const {
  const std::string part = definition_.partition ? sql_name(definition_.partition->name) : "NULL";
  Statement items = tx.prepare("SELECT slot, " + part + ", vector FROM " + tables_.item + " JOIN " +
                               tables_.exact + " USING (slot) WHERE slot >= ?1 AND slot < ?1 + ?2");
  std::int64_t in_blocks = 0;
  for (const auto& [block, key, used, live, records] :
       tx.query<std::int64_t, Value, std::int64_t, Blob, Blob>(
           "SELECT block, part, used, live, records FROM " + tables_.block)) {
    const std::string name = "block " + std::to_string(block);
    if (used != count_places(live))
      fault(name + " says that it has " + std::to_string(used) + " items, and has " +
            std::to_string(count_places(live)));
    if (used == 0) fault(name + " has no items");
    std::int64_t found = 0;
    for (const auto& [slot, of_item, vector] :
         items.query<std::int64_t, Value, BlobView>(block * block_size_, block_size_)) {
      const auto place = static_cast<std::size_t>(slot % block_size_);
      const std::string where = name + ", place " + std::to_string(place) + ": ";
      const std::size_t begin = place * format_.record_size();
      ++found;
      if (!has_place(live, place))
        fault(where + "there is an item, and the place is marked as free");
      else if (begin + format_.record_size() > records.size())
        fault(where + "the code is missing");
      else if (!format_.matches(BlobView(records).subspan(begin, format_.record_size()),
                                from_bytes(definition_, vector)))
        fault(where + "the code is not that of the vector");
      if (of_item != key) fault(where + "the item is of another partition");
    }
    if (found != count_places(live))
      fault(name + " has " + std::to_string(count_places(live)) + " places in use, and " +
            std::to_string(found) + " items");
    in_blocks += found;
  }
  const auto total = tx.query<std::int64_t>("SELECT count(*) FROM " + tables_.item).one();
  if (total != in_blocks)
    fault(std::to_string(total - in_blocks) + " items have slots in blocks that are not there");
}

void Vec0Index::check(ReadTx& tx, const FaultSink& fault) const {
  Statement item = tx.prepare(tables_.select_item);
  Statement exact = tx.prepare(tables_.select_exact);
  std::int64_t rows = 0;
  for (const Row row : tx.query(select_all_)) {
    ++rows;
    const auto slot = row.get<std::int64_t>(0);
    const std::string name = "the row " + std::to_string(slot) + " of " + tables_.vec0 + " ";
    item.bind(1, slot);
    if (!item.step()) {
      fault(name + "belongs to no item");
      continue;
    }
    if (item.row().get<std::string>(0) != row.get<std::string>(1)) fault(name + "has another id");
    for (std::size_t i = 0; i < tables_.columns.size(); ++i) {
      const int column = static_cast<int>(i);
      if (item.row().get<Value>(column + kFirstColumn) != row.get<Value>(column + 3))
        fault(name + "has another value in the column " + tables_.columns[i].name);
    }
    item.rewind();
    const auto vector = from_bytes(definition_, exact.query<Blob>(slot).one());
    if (bytes_for_vec0(vector) != row.get<Blob>(2)) fault(name + "has another vector");
  }
  const auto total = tx.query<std::int64_t>("SELECT count(*) FROM " + tables_.item).one();
  if (total != rows)
    fault(tables_.vec0 + " has " + std::to_string(rows) + " rows for " + std::to_string(total) +
          " items");
}

}  // namespace turnstile::vectors
