// The doctor of a workspace of vaults. It is here because it needs both the layer that knows how a
// workspace lies on the disk and the one that can look at files without disturbing anybody.
#pragma once

#include <filesystem>

#include "turnstile/doctor.h"

namespace turnstile::cli {

/// Whether a directory is a workspace.
[[nodiscard]] bool is_workspace(const std::filesystem::path& directory);

/// Changes nothing and takes no lock; a profile that somebody has open is passed over. Paths in
/// findings are relative to the workspace.
[[nodiscard]] DoctorReport examine_workspace(const std::filesystem::path& root);

}  // namespace turnstile::cli
