// The refusals that several operations share.
#pragma once

#include <source_location>
#include <string>

#include "turnstile/task.h"

namespace turnstile::tasks {

/// Throws MisuseError (TASK_INVALID).
[[noreturn]] void refuse_invalid(std::string message, std::source_location where);
/// Throws Error (TASK_NOT_FOUND).
[[noreturn]] void refuse_unknown(TaskId id, std::source_location where);

/// What stands as the error of a task that was cancelled because of `dependency`.
[[nodiscard]] std::string reason_of_dependent(TaskId dependency, bool failed);

}  // namespace turnstile::tasks
