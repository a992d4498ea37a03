// Changes packed blocks: reads the ones that are touched once, and writes them once.
#pragma once

#include <cstdint>
#include <map>

#include "vectors/index.h"
#include "vectors/packed_index.h"

namespace turnstile::vectors {

/// Threads: scoped.
class PackedWriter final : public IndexWriter {
 public:
  PackedWriter(const PackedIndex& index, WriteTx& tx) : index_(index), tx_(tx) {}

  std::int64_t insert(const IndexEntry& entry) override;
  std::int64_t replace(std::int64_t slot, const IndexEntry& entry) override;
  void remove(std::int64_t slot) override;
  void finish() override { flush(); }

  /// Takes the record out of `slot` and puts it anywhere else in the same partition, but into
  /// `avoided`, where it came from. The new slot.
  std::int64_t move(std::int64_t slot, std::int64_t avoided);

 private:
  struct Block {
    Value part;
    std::int64_t used = 0;
    Blob live;
    Blob records;
    bool changed = false;
  };

  [[nodiscard]] Value part_of(const IndexEntry& entry) const;
  Block& block(std::int64_t number);
  /// A block of the partition with a free place; other references to blocks end.
  std::int64_t block_with_room(const Value& part, std::int64_t avoided);
  std::int64_t put(const Value& part, BlobView record, std::int64_t avoided);
  void write(Block& block, std::size_t place, BlobView record);
  void write_block(std::int64_t number, const Block& block);
  void write_blocks_of(const Value& part);
  void flush();

  static constexpr std::int64_t kNone = 0;  // Numbers of blocks begin with 1.

  const PackedIndex& index_;
  WriteTx& tx_;
  std::map<std::int64_t, Block> blocks_;
  // The block that is being filled, by partition; always one that is in blocks_.
  std::map<Value, std::int64_t> filling_;
};

}  // namespace turnstile::vectors
