// What comes after a write's transaction: its actions, and telling whoever submitted it.
#pragma once

#include "database/write_job.h"

namespace turnstile::database {

/// Runs `actions`, all of them; throws Error (AFTER_COMMIT_FAILED) with the first exception inside.
void run_after_commit(const Actions& actions, const Call& call);

/// Runs a job's actions and tells it of its end.
void tell(SubmittedJob& job) noexcept;

/// True when tell() runs code of the program. That may write again and wait for a turn, so that it
/// must not run on the thread that gives turns.
[[nodiscard]] bool tell_runs_program(const SubmittedJob& job) noexcept;

}  // namespace turnstile::database
