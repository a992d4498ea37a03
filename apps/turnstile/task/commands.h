// The commands of the group `task`; one file for each, or for a few that are alike.
#pragma once

#include "context.h"
#include "exit_codes.h"

namespace turnstile::cli {

[[nodiscard]] ExitCode run_task_add(Context& context);
[[nodiscard]] ExitCode run_task_cancel(Context& context);
[[nodiscard]] ExitCode run_task_list(Context& context);
[[nodiscard]] ExitCode run_task_prune(Context& context);
[[nodiscard]] ExitCode run_task_retry(Context& context);
[[nodiscard]] ExitCode run_task_show(Context& context);
[[nodiscard]] ExitCode run_task_stats(Context& context);
[[nodiscard]] ExitCode run_task_work(Context& context);

}  // namespace turnstile::cli
