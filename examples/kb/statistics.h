// What is in the knowledge base, and whether it agrees with itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "turnstile/transaction.h"

namespace kb {

struct Check {
  std::string name;
  bool passed = false;
  std::string detail;  ///< Why not, or what was compared.
};

struct Statistics {
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::int64_t text_bytes = 0;
  std::int64_t truncated = 0;
  std::int64_t skipped = 0;
  std::int64_t queued = 0;
  std::int64_t audit_events = 0;
  std::int64_t added = 0;
  std::int64_t changed = 0;
  std::int64_t removed = 0;
  std::vector<Check> checks;

  [[nodiscard]] bool is_consistent() const;
};

/// All from one snapshot, so the figures belong together whatever is written meanwhile.
[[nodiscard]] Statistics statistics_of(turnstile::ReadTx& tx);

}  // namespace kb
