// Marks of vectors that are still to be made: rows of vector_pending.
//
// A mark has a number, which only grows: marking again, and claiming, give it a new one. Who works
// on a mark names its number in the end, and changes nothing when it is no longer there. So a
// vector of an older text, of a removed item, or of a worker that was presumed dead is discarded.
// `due` is the time before which nobody else takes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/transaction.h"
#include "vectors/collection_state.h"

namespace turnstile::vectors {

/// Threads: immutable.
struct Mark {
  std::int64_t number = 0;
  std::string id;
  std::int64_t version = 0;
};

/// Times between attempts: the first, then twice as long each further time.
struct Backoff {
  std::chrono::milliseconds first;
  std::chrono::milliseconds longest;

  /// After so many failed attempts, the last one included.
  [[nodiscard]] std::chrono::milliseconds after(std::int64_t attempts) const noexcept;
};

/// The number of the new mark; nothing when there is a mark or an item of a higher version.
[[nodiscard]] std::optional<std::int64_t> set_mark(const State& collection, WriteTx& tx,
                                                   std::string_view id, std::int64_t version,
                                                   Time due);

/// Takes up to `most` marks that are due, the oldest first, until `until`. They have new numbers.
[[nodiscard]] std::vector<Mark> claim_marks(const State& collection, WriteTx& tx, Time now,
                                            Time until, std::int64_t most);

/// False when the mark is not there any more.
bool take_mark_away(WriteTx& tx, std::int64_t number);

/// Notes that an attempt failed at `now`; the mark is due again after a while.
void note_failure(WriteTx& tx, std::int64_t number, Time now, const Backoff& backoff,
                  std::string_view error);

/// Nobody works on the mark any more.
void make_due(WriteTx& tx, std::int64_t number, Time now);

/// When the next mark is due, if there is any.
[[nodiscard]] std::optional<Time> next_due(const State& collection, ReadTx& tx);

[[nodiscard]] std::int64_t count_marks(const State& collection, ReadTx& tx);

}  // namespace turnstile::vectors
