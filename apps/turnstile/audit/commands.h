// The commands `turnstile audit ...`, a file for each.
#pragma once

#include "command.h"
#include "context.h"

namespace turnstile::cli {

[[nodiscard]] ExitCode run_audit_append(Context& context);
[[nodiscard]] ExitCode run_audit_export(Context& context);
[[nodiscard]] ExitCode run_audit_list(Context& context);
[[nodiscard]] ExitCode run_audit_prune(Context& context);
[[nodiscard]] ExitCode run_audit_tail(Context& context);
[[nodiscard]] ExitCode run_audit_verify(Context& context);

}  // namespace turnstile::cli
