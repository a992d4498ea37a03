// The life of an attempt: claimed, held, ended. All of it happens inside one transaction of the
// caller's, so that of two who want the same one finds it changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tasks/task_store.h"
#include "turnstile/tasks.h"
#include "turnstile/transaction.h"

namespace turnstile::tasks {

/// See TaskQueue::claim() and recover().
[[nodiscard]] std::optional<TaskClaim> claim(WriteTx& tx, const detail::TaskStore& store,
                                             const ClaimRequest& request);
std::int64_t recover_expired(WriteTx& tx, const detail::TaskStore& store);

/// Extends a lease; until when. Empty when it is not held any more.
std::optional<TaskTime> extend(WriteTx& tx, const detail::TaskStore& store, const TaskClaim& claim);
/// Empty when the worker itself has ended the attempt.
[[nodiscard]] std::optional<ClaimState> state_of(ReadTx& tx, const TaskClaim& claim);

/// How an attempt ended. Threads: immutable.
struct AttemptEnd {
  AttemptOutcome outcome = AttemptOutcome::Done;
  Value result{};
  std::string error{};
  bool may_retry = true;
  /// With Interrupted: by request, so that it does not count.
  bool given_back = false;
};

/// Ends an attempt, and says what becomes of its task: by that it is Pending again, Done or Failed.
/// Empty when the attempt was ended before; a claim that was cancelled is let go by it.
[[nodiscard]] std::optional<TaskState> end_attempt(WriteTx& tx, const detail::TaskStore& store,
                                                   const TaskClaim& claim, const AttemptEnd& end);

/// Ends the attempt of a running task as cancelled, but leaves it held: by its worker.
void cancel_attempt(WriteTx& tx, TaskId task);

}  // namespace turnstile::tasks
