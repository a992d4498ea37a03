// Files that are never synced may as well be in memory, where they are made in no time.
#pragma once

#include <filesystem>
#include <optional>

#include "support/environment.h"

namespace turnstile::test {

/// While it exists, a TempDir is in memory, where the system has a directory for that.
///
/// Threads: confined, and nobody else may look at the environment meanwhile.
class InMemory {
 public:
  InMemory() {
    const std::filesystem::path memory("/dev/shm");
    if (std::filesystem::is_directory(memory)) directory_.emplace("TMPDIR", memory.string());
  }

 private:
  std::optional<ScopedVariable> directory_;
};

}  // namespace turnstile::test
