// What the database holds, and whether its parts agree.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store.h"

namespace kb {

struct Statistics {
  std::int64_t documents = 0;
  std::int64_t cut_off = 0;  ///< Documents of which only the first part was taken.
  std::int64_t chunks = 0;
  std::int64_t text_bytes = 0;
  std::int64_t passed_over = 0;
  std::int64_t pending = 0;
  std::int64_t audit_events = 0;
  std::int64_t commits = 0;
  std::int64_t searches = 0;
  std::int64_t hits = 0;
  std::int64_t lock_failures = 0;
  std::int64_t longest_write_wait_us = 0;
  std::int64_t longest_read_wait_us = 0;
  /// One sentence for each thing that is wrong; empty when all is well.
  std::vector<std::string> problems;
};

/// Counts and checks. All counts come from one snapshot; the index's own check is a write.
[[nodiscard]] Statistics gather_statistics(Store& store);

}  // namespace kb
