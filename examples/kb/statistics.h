// What is in the knowledge base, and whether it agrees with itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "knowledge.h"

namespace kb {

struct Check {
  std::string name;
  bool passed = false;
  std::string detail;  ///< Why not, or what was compared.
};

struct Statistics {
  std::int64_t documents = 0;
  std::int64_t chunks = 0;
  std::int64_t vectors = 0;
  std::int64_t text_bytes = 0;
  std::int64_t truncated = 0;
  std::int64_t skipped = 0;
  std::int64_t queued = 0;
  std::int64_t tasks_done = 0;
  std::int64_t looks = 0;  ///< Of the schedule, by whatever process.
  std::int64_t audit_events = 0;
  std::int64_t added = 0;
  std::int64_t changed = 0;
  std::int64_t removed = 0;
  std::vector<Check> checks;

  [[nodiscard]] bool is_consistent() const;
};

/// Figures, and those checks that compare them, are from one snapshot, so that they belong together
/// whatever is written meanwhile. What the parts check by themselves, each on a snapshot of its
/// own, comes after that.
[[nodiscard]] Statistics statistics_of(const Knowledge& knowledge, const turnstile::Lane& lane);

}  // namespace kb
