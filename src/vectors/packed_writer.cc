#include "vectors/packed_writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sqlite/error_code.h"
#include "turnstile/error.h"
#include "vectors/place_bits.h"

namespace turnstile::vectors {

namespace {

constexpr std::size_t kMostInMemory = 256;  // Eight MiB.

[[noreturn]] void raise_missing(std::int64_t block) {
  Error::Details details;
  details.code = code("DB_CORRUPT");
  details.message = "block " + std::to_string(block) + " of a vector collection is missing";
  throw StorageError(std::move(details));
}

}  // namespace

Value PackedWriter::part_of(const IndexEntry& entry) const {
  return index_.definition_.partition ? entry.values.front() : Value();
}

PackedWriter::Block& PackedWriter::block(std::int64_t number) {
  const auto found = blocks_.find(number);
  if (found != blocks_.end()) return found->second;
  if (blocks_.size() >= kMostInMemory) flush();
  auto row =
      tx_.query<Value, std::int64_t, Blob, Blob>(
             "SELECT part, used, live, records FROM " + index_.tables_.block + " WHERE block = ?",
             number)
          .first();
  if (!row) raise_missing(number);
  auto& [part, used, live, records] = *row;
  live.resize(static_cast<std::size_t>(index_.block_size_) / kPlacesOfByte);
  return blocks_.emplace(number, Block{std::move(part), used, std::move(live), std::move(records)})
      .first->second;
}

std::int64_t PackedWriter::block_with_room(const Value& part, std::int64_t avoided) {
  const auto filling = filling_.find(part);
  if (filling != filling_.end() && filling->second != avoided &&
      block(filling->second).used < index_.block_size_) {
    return filling->second;
  }
  write_blocks_of(part);  // The table is asked, and has to know.
  const auto found = tx_.query<std::int64_t>("SELECT block FROM " + index_.tables_.block +
                                                 " WHERE part IS ? AND used < ? AND block <> ? "
                                                 "ORDER BY used DESC, block LIMIT 1",
                                             part, index_.block_size_, avoided)
                         .first();
  const std::int64_t number =
      found ? *found
            : tx_.execute("INSERT INTO " + index_.tables_.block +
                              "(part, used, live, records) VALUES (?, 0, x'', x'')",
                          part)
                  .last_insert_rowid;
  return filling_[part] = number;
}

std::int64_t PackedWriter::put(const Value& part, BlobView record, std::int64_t avoided) {
  const std::int64_t number = block_with_room(part, avoided);
  Block& target = block(number);
  std::size_t place = 0;
  while (has_place(target.live, place))
    ++place;
  set_place(target.live, place, true);
  ++target.used;
  write(target, place, record);
  return number * index_.block_size_ + static_cast<std::int64_t>(place);
}

void PackedWriter::write(Block& block, std::size_t place, BlobView record) {
  const std::size_t begin = place * record.size();
  block.records.resize(std::max(block.records.size(), begin + record.size()));
  std::ranges::copy(record, block.records.begin() + static_cast<std::ptrdiff_t>(begin));
  block.changed = true;
}

std::int64_t PackedWriter::insert(const IndexEntry& entry) {
  return put(part_of(entry), index_.format_.encode(entry.vector), kNone);
}

std::int64_t PackedWriter::replace(std::int64_t slot, const IndexEntry& entry) {
  Block& target = block(slot / index_.block_size_);
  if (target.part == part_of(entry)) {
    write(target, static_cast<std::size_t>(slot % index_.block_size_),
          index_.format_.encode(entry.vector));
    return slot;
  }
  remove(slot);
  return insert(entry);
}

void PackedWriter::remove(std::int64_t slot) {
  Block& target = block(slot / index_.block_size_);
  set_place(target.live, static_cast<std::size_t>(slot % index_.block_size_), false);
  --target.used;
  target.changed = true;
}

std::int64_t PackedWriter::move(std::int64_t slot, std::int64_t avoided) {
  const Block& source = block(slot / index_.block_size_);
  const std::size_t size = index_.format_.record_size();
  const auto place = static_cast<std::size_t>(slot % index_.block_size_);
  const Blob record(source.records.begin() + static_cast<std::ptrdiff_t>(place * size),
                    source.records.begin() + static_cast<std::ptrdiff_t>((place + 1) * size));
  const Value part = source.part;
  remove(slot);
  return put(part, record, avoided);
}

void PackedWriter::write_block(std::int64_t number, const Block& block) {
  if (!block.changed) return;
  // One that has become empty goes: every search would read it.
  if (block.used == 0) {
    tx_.execute("DELETE FROM " + index_.tables_.block + " WHERE block = ?", number);
  } else {
    tx_.execute(
        "UPDATE " + index_.tables_.block + " SET used = ?, live = ?, records = ? WHERE block = ?",
        block.used, block.live, block.records, number);
  }
}

void PackedWriter::write_blocks_of(const Value& part) {
  std::erase_if(blocks_, [&](const auto& entry) {
    if (entry.second.part != part) return false;
    write_block(entry.first, entry.second);
    return true;
  });
  filling_.erase(part);
}

void PackedWriter::flush() {
  for (const auto& [number, block] : blocks_)
    write_block(number, block);
  blocks_.clear();
  filling_.clear();
}

}  // namespace turnstile::vectors
