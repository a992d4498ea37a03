// The index of a workspace's profiles. What a profile is, its own record says; the registry keeps
// their order, and is made anew from the records where the two do not agree.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sqlite/call.h"
#include "vault/layout.h"

namespace turnstile::vault {

/// Threads: immutable.
struct RegistryEntry {
  std::string id;
  std::string name;
  friend bool operator==(const RegistryEntry&, const RegistryEntry&) = default;
};

/// Empty when there is none, or it is not what was written.
[[nodiscard]] std::optional<std::vector<RegistryEntry>> read_registry(const Layout& layout,
                                                                      const Call& call);
/// For whoever has the workspace's change lock.
void write_registry(const Layout& layout, const std::vector<RegistryEntry>& entries,
                    const Call& call);

/// What reconcile_registry() has found. Threads: immutable.
struct Reconciled {
  std::vector<RegistryEntry> entries;
  /// What was not as the folders have it, a clause each; the registry has been written anew then.
  std::vector<std::string> differences;
};

/// Compares the registry with the folders. For whoever has the workspace's change lock.
[[nodiscard]] Reconciled reconcile_registry(const Layout& layout, const Call& call);

}  // namespace turnstile::vault
