// Runs the phases of a start-up, and undoes them when one fails.
#pragma once

#include <vector>

#include "sqlite/call.h"
#include "turnstile/host.h"

namespace turnstile::host {

/// Runs all of them in order, and returns how long each took. When one throws, it and those before
/// it are undone in reverse; throws StartError. Throws MisuseError (OPTION_INVALID) for names that
/// are empty or doubled and phases without `run`, before anything is run.
[[nodiscard]] std::vector<BootstrapPhase> run_phases(const std::vector<Phase>& phases,
                                                     Startup& startup, const Call& call);

}  // namespace turnstile::host
