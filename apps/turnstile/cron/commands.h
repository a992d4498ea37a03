// The commands of the group `cron`, one file for each kind of them.
#pragma once

#include "command.h"

namespace turnstile::cli {

[[nodiscard]] ExitCode run_cron_add(Context& context);
[[nodiscard]] ExitCode run_cron_history(Context& context);
[[nodiscard]] ExitCode run_cron_list(Context& context);
[[nodiscard]] ExitCode run_cron_next(Context& context);
[[nodiscard]] ExitCode run_cron_pause(Context& context);
[[nodiscard]] ExitCode run_cron_remove(Context& context);
[[nodiscard]] ExitCode run_cron_resume(Context& context);
[[nodiscard]] ExitCode run_cron_run(Context& context);

}  // namespace turnstile::cli
