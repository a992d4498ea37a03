// Which task is next, and when to look again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "turnstile/task.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

/// The most urgent task that may be claimed from these queues; `kinds` empty: of any kind.
[[nodiscard]] std::optional<TaskId> find_ready(ReadTx& tx, const std::vector<std::string>& queues,
                                               const std::vector<std::string>& kinds);

/// What a worker without a task finds. Threads: immutable.
struct Look {
  bool work = false;               ///< A claim may find something, or has something to put right.
  std::optional<TaskTime> next{};  ///< When that may be so although nothing was committed.
};
[[nodiscard]] Look look(ReadTx& tx, const std::vector<std::string>& queues,
                        const std::vector<std::string>& kinds, TaskTime now);

/// Makes those tasks ready whose time has come, or some of them where there are many.
void promote_due(WriteTx& tx, TaskTime now);

/// Whether one of the queues has a task that is not finished.
[[nodiscard]] bool has_active(ReadTx& tx, const std::vector<std::string>& queues);

}  // namespace turnstile::tasks
