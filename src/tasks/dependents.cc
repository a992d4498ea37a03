#include "tasks/dependents.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "tasks/refuse.h"

namespace turnstile::tasks {

namespace {

void unblock(WriteTx& tx, TaskId dependent, TaskTime now) {
  tx.execute(
      "UPDATE task_item SET blockers = blockers - 1, ready = (blockers = 1 AND not_before <= ?)"
      " WHERE id = ? AND state = 'pending'",
      now, dependent);
}

bool cancel_with(WriteTx& tx, TaskId dependent, TaskId dependency, bool failed, TaskTime now) {
  return tx.execute(
               "UPDATE task_item SET state = 'cancelled', ready = 0, blockers = 0, finished_at = ?,"
               " expires_at = ? + retention, error = ? WHERE id = ? AND state = 'pending'",
               now, now, reason_of_dependent(dependency, failed), dependent)
             .changes > 0;
}

}  // namespace

void settle_dependents(WriteTx& tx, TaskId finished, TaskState state, TaskTime now) {
  // A list instead of a recursion: a chain of tasks may be longer than a stack is deep.
  std::vector<std::pair<TaskId, TaskState>> settled{{finished, state}};
  while (!settled.empty()) {
    const auto [id, how] = settled.back();
    settled.pop_back();
    const auto dependents = tx.query<TaskId, bool>(
                                  "SELECT d.task, t.runs_if_dependency_fails"
                                  " FROM task_dependency AS d JOIN task_item AS t ON t.id = d.task"
                                  " WHERE d.depends_on = ? AND d.settled = 0",
                                  id)
                                .all();
    for (const auto& [dependent, runs_anyway] : dependents) {
      tx.execute("UPDATE task_dependency SET settled = 1 WHERE task = ? AND depends_on = ?",
                 dependent, id);
      if (how == TaskState::Done || runs_anyway)
        unblock(tx, dependent, now);
      else if (cancel_with(tx, dependent, id, how == TaskState::Failed, now))
        settled.emplace_back(dependent, TaskState::Cancelled);
    }
  }
}

}  // namespace turnstile::tasks
