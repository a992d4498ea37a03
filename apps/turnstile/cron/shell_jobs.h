// Jobs that run a program.
#pragma once

#include "turnstile/cron.h"

namespace turnstile::cli {

/// Runs the words in the payload, and gives its output as the result. See `turnstile cron add`.
[[nodiscard]] CronOutcome run_shell_job(CronRun& run);

}  // namespace turnstile::cli
