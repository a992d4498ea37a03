// Reads tasks back.
#pragma once

#include <optional>
#include <vector>

#include "turnstile/task.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

[[nodiscard]] std::optional<Task> find(ReadTx& tx, TaskId id);
[[nodiscard]] std::vector<Task> list(ReadTx& tx, const TaskFilter& filter);
[[nodiscard]] std::vector<TaskAttempt> attempts(ReadTx& tx, TaskId id);
[[nodiscard]] std::vector<QueueStats> stats(ReadTx& tx);

}  // namespace turnstile::tasks
