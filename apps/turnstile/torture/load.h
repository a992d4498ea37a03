// What a torture run writes, and what has to be true of it at every moment: the workers, the
// verification, and the check of each backup look at the same rules.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "turnstile/turnstile.h"

namespace turnstile::cli::torture {

/// The tables, for Options::migrations.
[[nodiscard]] Migrations tables();

/// One write of a worker: its process, counted through all that there have been, the thread, and
/// which of its writes. It changes six rows of four tables.
struct Entry {
  std::int64_t run = 0;
  std::int64_t thread = 0;
  std::int64_t n = 0;
};
void write_entry(WriteTx& tx, const Entry& entry);

/// What does not hold on the snapshot, a sentence each; empty when all does. Reads everything.
[[nodiscard]] std::vector<std::string> broken_rules(ReadTx& tx);
/// The same for what can be seen quickly, of one thread's entries; empty when all holds. `entries`
/// becomes how many there are.
[[nodiscard]] std::string broken_rule_of(ReadTx& tx, std::int64_t run, std::int64_t thread,
                                         std::int64_t& entries);

}  // namespace turnstile::cli::torture
