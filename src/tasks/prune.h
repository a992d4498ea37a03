// Removes finished tasks.
#pragma once

#include <cstdint>

#include "turnstile/task.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

/// Removes some of those that are too many or too old, so few that the transaction stays short; how
/// many. 0: there are none left.
[[nodiscard]] std::int64_t prune_slice(WriteTx& tx, std::int64_t keep, TaskTime now);

}  // namespace turnstile::tasks
