// The commands about vectors.
#pragma once

#include "context.h"
#include "exit_codes.h"

namespace turnstile::cli {

[[nodiscard]] ExitCode run_vec_create(Context& context);
[[nodiscard]] ExitCode run_vec_put(Context& context);
[[nodiscard]] ExitCode run_vec_get(Context& context);
[[nodiscard]] ExitCode run_vec_search(Context& context);
[[nodiscard]] ExitCode run_vec_delete(Context& context);
[[nodiscard]] ExitCode run_vec_info(Context& context);
[[nodiscard]] ExitCode run_vec_rebuild(Context& context);

}  // namespace turnstile::cli
