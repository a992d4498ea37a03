// The sqlite-vec storage: a vec0 table, which other programs can read too.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "vectors/index.h"

namespace turnstile::vectors {

/// vec0 finds candidates, with the filter applied in it; their order and their distances come from
/// the vectors in vector_N_exact, as with the other storage. It computes with floats, so that some
/// more are asked for than are wanted, until those beyond cannot matter.
///
/// Threads: immutable.
class Vec0Index final : public Index {
 public:
  Vec0Index(const Tables& tables, const VectorDefinition& definition);

  [[nodiscard]] std::unique_ptr<IndexWriter> writer(WriteTx& tx) const override;
  void find(ReadTx& tx, std::span<const float> query, const Filter& filter,
            const VectorSearch& search, Refiner& refiner) const override;
  void count(ReadTx& tx, VectorStats& stats) const override;
  std::int64_t rebuild_step(WriteTx& tx) const override;
  void check(ReadTx& tx, const FaultSink& fault) const override;

 private:
  friend class Vec0Writer;

  /// What vec0 is given: under Cosine a float vector of length 1, so that it cannot overflow.
  [[nodiscard]] Blob bytes_for_vec0(std::span<const float> vector) const;
  /// True when no vector that vec0 takes to be at least so far can be nearer than `bound`.
  [[nodiscard]] bool is_beyond(double vec0_distance, double bound) const noexcept;
  void insert(WriteTx& tx, std::int64_t slot, const IndexEntry& entry) const;
  void insert_again(WriteTx& tx, std::int64_t slot) const;

  const Tables& tables_;
  const VectorDefinition& definition_;
  std::string insert_;
  std::string select_all_;
  std::string delete_;
};

/// Whether this connection knows vec0 tables. Throws what the query throws otherwise.
[[nodiscard]] bool has_vec0(ReadTx& tx);

}  // namespace turnstile::vectors
