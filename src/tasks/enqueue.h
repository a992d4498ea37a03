// Puts tasks into the tables.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>

#include "turnstile/task.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

/// Throws MisuseError (TASK_INVALID) for a task that cannot be.
void validate(const NewTask& task, std::source_location where);
/// The same for a name of a queue or a kind; `what` is for the message.
void validate_name(std::string_view what, std::string_view name, std::source_location where);

/// Threads: immutable.
struct EnqueueContext {
  TaskTime now;
  std::optional<std::int64_t> max_active;
  std::source_location where;
};

/// Of a task that is valid. Throws Error (TASK_LIMIT, TASK_NOT_FOUND) before anything is written.
[[nodiscard]] TaskId insert(WriteTx& tx, const NewTask& task, const EnqueueContext& context);

}  // namespace turnstile::tasks
