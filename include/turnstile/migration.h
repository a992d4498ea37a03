// Schema steps, run in order by the bootstrap before the pool exists.
#pragma once

#include <string>
#include <vector>

namespace turnstile {

/// One step of the schema. The file's `user_version` says up to which version it has them.
///
/// Threads: immutable.
struct Migration {
  int version = 0;   ///< 1, 2, 3, ... without a gap.
  std::string name;  ///< For messages: what the step is about.
  std::string sql;   ///< One or more statements; without transaction control, PRAGMA and ATTACH.
};

/// The steps of a program in the order of their versions.
using Migrations = std::vector<Migration>;

}  // namespace turnstile
