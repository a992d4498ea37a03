// task retry, task cancel, task prune: commands that change what is there.
#include <fmt/core.h>

#include <utility>

#include "failure.h"
#include "json.h"
#include "task/commands.h"
#include "task/common.h"

namespace turnstile::cli {

namespace {

std::vector<TaskId> all_failed(const TaskQueue& queue, const std::string& name) {
  std::vector<TaskId> ids;
  TaskFilter filter{.queue = name, .state = TaskState::Failed};
  for (;;) {
    const std::vector<Task> page = queue.list(filter);
    if (page.empty()) return ids;
    for (const Task& task : page)
      ids.push_back(task.id);
    filter.before = page.back().id;
  }
}

// `done` and `others` are what is said of those that were changed, and of those that were not.
ExitCode report(Context& context, const std::vector<TaskId>& changed,
                const std::vector<TaskId>& unchanged, std::string_view done,
                std::string_view others) {
  if (context.arguments.json()) {
    context.output.write_json({{std::string(done), changed}, {"unchanged", unchanged}});
    return unchanged.empty() ? ExitCode::Done : ExitCode::No;
  }
  for (const TaskId id : changed)
    context.output.write(fmt::format("task {} is {}\n", id, done));
  for (const TaskId id : unchanged)
    context.output.write(fmt::format("task {} {}\n", id, others));
  return unchanged.empty() ? ExitCode::Done : ExitCode::No;
}

}  // namespace

ExitCode run_task_retry(Context& context) {
  const Arguments& arguments = context.arguments;
  std::vector<TaskId> ids = parse_task_ids(arguments.positionals("ID"));
  const std::string name = arguments.value("--queue").value_or("");
  if (!ids.empty() && !name.empty()) {
    throw usage_failure("--queue is for all that failed, and tasks were named",
                        "Give numbers or --queue.");
  }
  const Database database = open_tasks(context);
  const TaskQueue queue(database.lane("cli"));
  const bool all = ids.empty();
  if (all) ids = all_failed(queue, name);
  std::vector<TaskId> retried;
  std::vector<TaskId> others;
  for (const TaskId id : ids)
    (queue.retry(id) ? retried : others).push_back(id);
  const ExitCode status = report(context, retried, others, "pending", "has not failed");
  if (!all || !retried.empty()) return status;
  if (!arguments.json()) context.output.write("no task has failed\n");
  return ExitCode::No;
}

ExitCode run_task_cancel(Context& context) {
  const std::vector<TaskId> ids = parse_task_ids(context.arguments.positionals("ID"));
  const Database database = open_tasks(context);
  const TaskQueue queue(database.lane("cli"));
  std::vector<TaskId> cancelled;
  std::vector<TaskId> others;
  for (const TaskId id : ids)
    (queue.cancel(id) ? cancelled : others).push_back(id);
  return report(context, cancelled, others, "cancelled", "was finished already");
}

ExitCode run_task_prune(Context& context) {
  TaskOptions options;
  options.keep_finished = context.arguments.integer("--keep", 0).value_or(options.keep_finished);
  const Database database = open_tasks(context);
  const std::int64_t removed = TaskQueue(database.lane("cli"), options).prune();
  if (context.arguments.json())
    context.output.write_json({{"removed", removed}});
  else
    context.output.write(
        fmt::format("{} task{} removed\n", removed, removed == 1 ? " was" : "s were"));
  return ExitCode::Done;
}

}  // namespace turnstile::cli
