// Building an index of a table that has rows already, in transactions so short that others go on.
#pragma once

#include <cstdint>

#include "text/definition.h"
#include "turnstile/transaction.h"

namespace turnstile::text {

/// Goes on with a building that was begun, or begins anew.
void begin_build(WriteTx& tx, const detail::TextDefinition& definition);

/// Threads: immutable.
struct BuildStep {
  std::int64_t rows = 0;
  bool finished = false;
};

/// Indexes the next rows. Throws MisuseError (TEXT_INDEX_CHANGED) when the index is for other
/// options by now.
[[nodiscard]] BuildStep build_step(WriteTx& tx, const detail::TextDefinition& definition);

/// How many rows are still to come, and how many the table has.
struct BuildSize {
  std::int64_t done = 0;
  std::int64_t total = 0;
};
[[nodiscard]] BuildSize build_size(ReadTx& tx, const detail::TextDefinition& definition);

}  // namespace turnstile::text
