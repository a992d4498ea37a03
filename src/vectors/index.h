// What the two storages have in common: where vectors lie for the search.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/transaction.h"
#include "turnstile/vectors.h"
#include "vectors/filter_sql.h"
#include "vectors/refiner.h"

namespace turnstile::vectors {

/// An item on its way into an index. Threads: scoped.
struct IndexEntry {
  std::string_view id;
  std::span<const float> vector;
  std::span<const Value> values;  ///< In the order of the columns, the partition's first.
};

/// Changes an index within one transaction. Threads: scoped.
class IndexWriter {
 public:
  IndexWriter() = default;
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;
  virtual ~IndexWriter() = default;

  /// The slot that the entry has got.
  virtual std::int64_t insert(const IndexEntry& entry) = 0;
  /// The same of an entry that replaces the one in `slot`.
  virtual std::int64_t replace(std::int64_t slot, const IndexEntry& entry) = 0;
  virtual void remove(std::int64_t slot) = 0;
  /// Writes what has not been written yet. Nothing is called after it.
  virtual void finish() = 0;
};

/// Tells of a fault that check() has found.
using FaultSink = std::function<void(std::string)>;

/// Threads: immutable.
class Index {
 public:
  Index() = default;
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  virtual ~Index() = default;

  [[nodiscard]] virtual std::unique_ptr<IndexWriter> writer(WriteTx& tx) const = 0;

  /// Has the refiner consider every item that may be among the nearest.
  virtual void find(ReadTx& tx, std::span<const float> query, const Filter& filter,
                    const VectorSearch& search, Refiner& refiner) const = 0;

  /// Blocks (or chunks) and free places in them.
  virtual void count(ReadTx& tx, VectorStats& stats) const = 0;

  /// Empties one block into others, if there is one that is not needed, going on from where the
  /// last step was. The number of items that were moved; 0: there is nothing to do.
  virtual std::int64_t rebuild_step(WriteTx& tx) const = 0;

  /// Compares the index with the tables of items and vectors.
  virtual void check(ReadTx& tx, const FaultSink& fault) const = 0;
};

}  // namespace turnstile::vectors
