#include "tasks/running_tasks.h"

#include <algorithm>

namespace turnstile::tasks {

namespace {

std::optional<TaskTime> earlier(std::optional<TaskTime> a, TaskTime b) {
  return a ? std::min(*a, b) : b;
}

}  // namespace

RunningTaskPtr RunningTasks::add(TaskClaim claim) {
  const TaskTime held_until = claim.lease_until;
  auto task = std::make_shared<detail::RunningTask>(std::move(claim));
  TaskStop stopped = TaskStop::None;
  {
    const gate::MutexLock lock(mutex_);
    stopped = stopped_;
    entries_.push_back({.task = task, .held_until = held_until});
  }
  if (stopped != TaskStop::None) task->ask_to_stop(stopped);
  return task;
}

void RunningTasks::remove(const detail::RunningTask& task) {
  const gate::MutexLock lock(mutex_);
  std::erase_if(entries_, [&task](const Entry& each) { return each.task.get() == &task; });
}

void RunningTasks::stop_all(TaskStop reason) {
  {
    const gate::MutexLock lock(mutex_);
    stopped_ = reason;
  }
  for (const RunningTaskPtr& task : all())
    task->ask_to_stop(reason);
}

std::vector<TaskId> RunningTasks::ids() const {
  std::vector<TaskId> ids;
  for (const RunningTaskPtr& task : all())
    ids.push_back(task->claim.id);
  std::ranges::sort(ids);
  return ids;
}

std::vector<RunningTaskPtr> RunningTasks::all() const {
  const gate::MutexLock lock(mutex_);
  std::vector<RunningTaskPtr> tasks;
  tasks.reserve(entries_.size());
  for (const Entry& each : entries_)
    tasks.push_back(each.task);
  return tasks;
}

void RunningTasks::stop_overdue(TaskTime now) {
  std::vector<std::pair<RunningTaskPtr, TaskStop>> overdue;
  {
    const gate::MutexLock lock(mutex_);
    for (Entry& each : entries_) {
      if (!each.time_is_up && each.task->claim.deadline <= now) {
        each.time_is_up = true;
        overdue.emplace_back(each.task, TaskStop::TimedOut);
      }
      if (!each.lost && each.held_until <= now) {
        each.lost = true;
        overdue.emplace_back(each.task, TaskStop::LeaseLost);
      }
    }
  }
  for (const auto& [task, reason] : overdue)
    task->ask_to_stop(reason);
}

std::optional<TaskTime> RunningTasks::next_overdue() const {
  const gate::MutexLock lock(mutex_);
  std::optional<TaskTime> next;
  for (const Entry& each : entries_) {
    if (!each.time_is_up) next = earlier(next, each.task->claim.deadline);
    if (!each.lost) next = earlier(next, each.held_until);
  }
  return next;
}

std::optional<TaskTime> RunningTasks::next_extension() const {
  const gate::MutexLock lock(mutex_);
  std::optional<TaskTime> next;
  for (const Entry& each : entries_)
    if (!each.lost) next = earlier(next, extension_of(each));
  return next;
}

std::vector<RunningTaskPtr> RunningTasks::to_extend(TaskTime now) const {
  const gate::MutexLock lock(mutex_);
  std::vector<RunningTaskPtr> tasks;
  bool any = false;
  for (const Entry& each : entries_) {
    if (each.lost) continue;
    any = any || extension_of(each) <= now;
    tasks.push_back(each.task);
  }
  if (!any) tasks.clear();
  return tasks;
}

void RunningTasks::extended(const detail::RunningTask& task, TaskTime until) {
  const gate::MutexLock lock(mutex_);
  for (Entry& each : entries_)
    if (each.task.get() == &task) each.held_until = until;
}

}  // namespace turnstile::tasks
