#include "tasks/prune.h"

#include <array>
#include <vector>

namespace turnstile::tasks {

namespace {

constexpr std::int64_t kSlice = 200;

// One whose worker is still at it although it was cancelled is kept until the worker has stopped.
constexpr const char* kNotHeld =
    " AND NOT EXISTS (SELECT 1 FROM task_attempt WHERE task = task_item.id"
    " AND held_until IS NOT NULL) ";

std::vector<TaskId> superfluous(WriteTx& tx, std::int64_t keep, TaskTime now) {
  std::vector<TaskId> ids =
      tx.query<TaskId>(
            std::string("SELECT id FROM task_item WHERE expires_at <= ?") + kNotHeld + "LIMIT ?",
            now, kSlice)
          .all();
  for (const TaskState state : {TaskState::Done, TaskState::Failed, TaskState::Cancelled}) {
    const auto room = kSlice - static_cast<std::int64_t>(ids.size());
    const auto more =
        tx.query<TaskId>(std::string("SELECT id FROM task_item WHERE state = ?"
                                     " AND finished_at IS NOT NULL AND retention IS NULL") +
                             kNotHeld + "ORDER BY finished_at DESC, id DESC LIMIT ? OFFSET ?",
                         to_string(state), room, keep)
            .all();
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

}  // namespace

std::int64_t prune_slice(WriteTx& tx, std::int64_t keep, TaskTime now) {
  const std::vector<TaskId> ids = superfluous(tx, keep, now);
  Statement dependencies = tx.prepare("DELETE FROM task_dependency WHERE task = ?");
  Statement attempts = tx.prepare("DELETE FROM task_attempt WHERE task = ?");
  Statement item = tx.prepare("DELETE FROM task_item WHERE id = ?");
  for (const TaskId id : ids) {
    dependencies.execute(id);
    attempts.execute(id);
    item.execute(id);
  }
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace turnstile::tasks
