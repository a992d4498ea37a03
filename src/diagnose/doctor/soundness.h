// Whether what is in a database is whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnose/doctor/content.h"

namespace turnstile::diagnose {

/// Threads: immutable.
struct Soundness {
  std::vector<std::string> damage{};     ///< What is wrong, in SQLite's words.
  std::vector<std::string> unchecked{};  ///< Tables that could not be checked, with the reason.
  std::size_t checked = 0;               ///< Tables, where not all at once could be.
  std::optional<Content::Answer> unanswered{};  ///< Why nothing is known.

  [[nodiscard]] bool is_damaged() const noexcept { return !damage.empty(); }
  /// All was checked, and nothing is wrong.
  [[nodiscard]] bool is_whole() const noexcept {
    return damage.empty() && unchecked.empty() && !unanswered;
  }
};

/// `full`: compares indexes with their tables too. Where the program's own functions or collations
/// are needed for it, each table is checked by itself. Throws Cancelled.
[[nodiscard]] Soundness find_soundness(const Content& inside, bool full);

}  // namespace turnstile::diagnose
