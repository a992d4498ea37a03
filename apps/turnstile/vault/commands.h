// The commands of the group `vault`, one file for each kind of them.
#pragma once

#include "command.h"

namespace turnstile::cli {

[[nodiscard]] ExitCode run_vault_attach(Context& context);
[[nodiscard]] ExitCode run_vault_backup(Context& context);
[[nodiscard]] ExitCode run_vault_change_password(Context& context);
[[nodiscard]] ExitCode run_vault_convert(Context& context);
[[nodiscard]] ExitCode run_vault_create(Context& context);
[[nodiscard]] ExitCode run_vault_delete(Context& context);
[[nodiscard]] ExitCode run_vault_detach(Context& context);
[[nodiscard]] ExitCode run_vault_duplicate(Context& context);
[[nodiscard]] ExitCode run_vault_exec(Context& context);
[[nodiscard]] ExitCode run_vault_info(Context& context);
[[nodiscard]] ExitCode run_vault_list(Context& context);
[[nodiscard]] ExitCode run_vault_query(Context& context);
[[nodiscard]] ExitCode run_vault_remove_password(Context& context);
[[nodiscard]] ExitCode run_vault_rename(Context& context);
[[nodiscard]] ExitCode run_vault_restore(Context& context);
[[nodiscard]] ExitCode run_vault_rotate_key(Context& context);
[[nodiscard]] ExitCode run_vault_set_password(Context& context);
[[nodiscard]] ExitCode run_vault_verify(Context& context);

}  // namespace turnstile::cli
