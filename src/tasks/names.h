// How the states of tasks and attempts are stored: by name.
#pragma once

#include <string_view>

#include "turnstile/task.h"

namespace turnstile::tasks {

/// Throw StorageError (DB_CORRUPT) for a name that this library never writes.
[[nodiscard]] TaskState state_named(std::string_view name);
[[nodiscard]] AttemptOutcome outcome_named(std::string_view name);

}  // namespace turnstile::tasks
