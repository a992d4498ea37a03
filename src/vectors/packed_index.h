// The packed storage: blocks of codes in an ordinary table.
#pragma once

#include <memory>
#include <span>

#include "vectors/candidates.h"
#include "vectors/codes.h"
#include "vectors/index.h"

namespace turnstile::vectors {

/// A slot is a block's number times the block size plus the place in the block. A block belongs to
/// one partition, and has a bit for each place that says whether it is in use.
///
/// Threads: immutable.
class PackedIndex final : public Index {
 public:
  PackedIndex(const Tables& tables, const VectorDefinition& definition, int block_size);

  [[nodiscard]] std::unique_ptr<IndexWriter> writer(WriteTx& tx) const override;
  void find(ReadTx& tx, std::span<const float> query, const Filter& filter,
            const VectorSearch& search, Refiner& refiner) const override;
  void count(ReadTx& tx, VectorStats& stats) const override;
  std::int64_t rebuild_step(WriteTx& tx) const override;
  void check(ReadTx& tx, const FaultSink& fault) const override;

 private:
  friend class PackedScan;
  friend class PackedWriter;
  friend class PackedCheck;

  const Tables& tables_;
  const VectorDefinition& definition_;
  const std::int64_t block_size_;
  const CodeFormat format_;
};

}  // namespace turnstile::vectors
