// What waits for a task.
#pragma once

#include "turnstile/task.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

/// Says to the tasks that wait for `finished` that they need not any more, or cancels them, and
/// those that wait for them.
void settle_dependents(WriteTx& tx, TaskId finished, TaskState state, TaskTime now);

}  // namespace turnstile::tasks
