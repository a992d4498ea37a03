#include <fmt/core.h>

#include <limits>
#include <utility>

#include "failure.h"
#include "task/commands.h"
#include "task/common.h"

namespace turnstile::cli {

namespace {

constexpr std::chrono::milliseconds kYear = std::chrono::hours(24 * 365);

std::string command_line_of(const Arguments& arguments) {
  try {
    return nlohmann::json(arguments.positionals("COMMAND")).dump();
  } catch (const nlohmann::json::exception&) {
    throw usage_failure("a word of the command is not UTF-8, and could not be kept",
                        "Put it into a script, and add that.");
  }
}

NewTask task_of(const Arguments& arguments) {
  NewTask task;
  task.kind = kCommandTask;
  task.payload = command_line_of(arguments);
  task.queue = arguments.value("--queue").value_or(task.queue);
  task.key = arguments.value("--key").value_or("");
  task.delay = arguments.duration("--delay", kYear).value_or(task.delay);
  task.timeout = arguments.duration("--limit", kYear).value_or(task.timeout);
  task.after = parse_task_ids(arguments.values("--after"));
  using Int = std::numeric_limits<int>;
  task.priority =
      static_cast<int>(arguments.integer("--priority", Int::min(), Int::max()).value_or(0));
  task.max_attempts = static_cast<int>(
      arguments.integer("--max-attempts", 1, Int::max()).value_or(task.max_attempts));
  return task;
}

}  // namespace

ExitCode run_task_add(Context& context) {
  const NewTask task = task_of(context.arguments);
  const Database database = open_tasks(context);
  const TaskId id = TaskQueue(database.lane("cli")).enqueue(task);
  if (context.arguments.json())
    context.output.write_json({{"id", id}});
  else
    context.output.write(fmt::format("{}\n", id));
  return ExitCode::Done;
}

}  // namespace turnstile::cli
