// task list, task show, task stats: commands that only look.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <utility>

#include "failure.h"
#include "json.h"
#include "session.h"
#include "task/commands.h"
#include "task/common.h"

namespace turnstile::cli {

namespace {

constexpr std::size_t kPayloadColumns = 60;

Cell number(std::int64_t value) {
  return {fmt::format("{}", value), true};
}

std::string time_or_dash(const std::optional<TaskTime>& time) {
  return time ? iso_time(*time) : "-";
}

std::string waits_for(const Task& task) {
  return task.state == TaskState::Pending && !task.ready ? "waiting"
                                                         : std::string(to_string(task.state));
}

Json to_json(const TaskAttempt& attempt) {
  return {{"number", attempt.number},
          {"worker", attempt.worker},
          {"started_at", iso_time(attempt.started_at)},
          {"deadline", iso_time(attempt.deadline)},
          {"lease_until", attempt.lease_until ? Json(iso_time(*attempt.lease_until)) : Json()},
          {"ended_at", attempt.ended_at ? Json(iso_time(*attempt.ended_at)) : Json()},
          {"outcome", attempt.outcome ? Json(to_string(*attempt.outcome)) : Json()},
          {"error", attempt.error.empty() ? Json() : Json(attempt.error)},
          {"progress", attempt.progress ? Json(*attempt.progress) : Json()},
          {"progress_text", attempt.progress_text.empty() ? Json() : Json(attempt.progress_text)}};
}

void print_facts(const Task& task, Output& output) {
  const auto line = [&output](std::string_view name, const std::string& value) {
    if (!value.empty()) output.write(fmt::format("{:12} {}\n", name, printable(value)));
  };
  line("task", fmt::format("{}", task.id));
  line("queue", task.queue);
  line("kind", task.kind);
  line(task.kind == kCommandTask ? "command" : "payload", describe_payload(task));
  line("state", waits_for(task));
  line("priority", fmt::format("{}", task.priority));
  line("key", task.key);
  line("after", fmt::format("{}", fmt::join(task.after, " ")));
  line("origin", task.origin);
  line("trace", task.trace);
  line("attempts", fmt::format("{}, {} left", task.attempts, task.tries_left));
  line("created", iso_time(task.created_at));
  if (task.state == TaskState::Pending) line("not before", iso_time(task.not_before));
  if (task.finished_at) line("finished", iso_time(*task.finished_at));
}

void print_attempts(const std::vector<TaskAttempt>& attempts, Output& output) {
  if (attempts.empty()) return;
  output.write("\n");
  Table table(output, {"attempt", "worker", "started", "ended", "outcome", "progress"});
  for (const TaskAttempt& attempt : attempts) {
    const std::string progress =
        attempt.progress
            ? fmt::format("{:.0f} %  {}", *attempt.progress * 100, printable(attempt.progress_text))
            : "";
    table.add({number(attempt.number),
               {printable(attempt.worker)},
               {iso_time(attempt.started_at)},
               {time_or_dash(attempt.ended_at)},
               {attempt.outcome ? std::string(to_string(*attempt.outcome)) : "running"},
               {progress}});
  }
  table.finish();
}

void print_text(std::string_view title, const std::string& text, Output& output) {
  if (text.empty()) return;
  output.write(fmt::format("\n{}:\n{}", title, printable(text, true)));
  if (!text.ends_with('\n')) output.write("\n");
}

Json to_json(const TaskCounts& counts) {
  return {{"pending", counts.pending}, {"ready", counts.ready},   {"running", counts.running},
          {"done", counts.done},       {"failed", counts.failed}, {"cancelled", counts.cancelled}};
}

}  // namespace

ExitCode run_task_list(Context& context) {
  const Arguments& arguments = context.arguments;
  TaskFilter filter;
  filter.queue = arguments.value("--queue").value_or("");
  filter.limit = arguments.integer("--limit", 1).value_or(filter.limit);
  filter.before = arguments.integer("--before", 1);
  if (const auto state = arguments.value("--state")) filter.state = task_state(*state);

  const Database database = open_for_reading(context, 1);
  const std::vector<Task> tasks = tasks_for_reading(database).list(filter);
  if (arguments.json()) {
    Json array = Json::array();
    for (const Task& task : tasks)
      array.push_back(cli::to_json(task));
    context.output.write_json(array);
    return ExitCode::Done;
  }
  Table table(context.output, {"id", "queue", "state", "attempts", "created", "what"});
  for (const Task& task : tasks)
    table.add({number(task.id),
               {printable(task.queue)},
               {waits_for(task)},
               number(task.attempts),
               {iso_time(task.created_at)},
               {shortened(describe_payload(task), kPayloadColumns)}});
  table.finish();
  return ExitCode::Done;
}

ExitCode run_task_show(Context& context) {
  const TaskId id = parse_task_id(context.arguments.positional("ID"));
  const Database database = open_for_reading(context, 1);
  const TaskQueue queue = tasks_for_reading(database);
  const auto task = queue.find(id);
  if (!task) {
    throw Failure(ExitCode::NotFound, "TASK_NOT_FOUND", fmt::format("there is no task {}", id),
                  "`turnstile task list DB` shows the numbers; finished tasks are removed in the "
                  "end.");
  }
  const std::vector<TaskAttempt> attempts = queue.attempts(id);
  if (context.arguments.json()) {
    Json json = cli::to_json(*task);
    json["attempt_list"] = Json::array();
    for (const TaskAttempt& attempt : attempts)
      json["attempt_list"].push_back(to_json(attempt));
    context.output.write_json(json);
    return ExitCode::Done;
  }
  print_facts(*task, context.output);
  print_attempts(attempts, context.output);
  print_text("error", task->error, context.output);
  if (const auto* text = std::get_if<std::string>(&task->result))
    print_text("result", *text, context.output);
  return ExitCode::Done;
}

ExitCode run_task_stats(Context& context) {
  const Database database = open_for_reading(context, 1);
  const std::vector<QueueStats> stats = tasks_for_reading(database).stats();
  if (context.arguments.json()) {
    Json array = Json::array();
    for (const QueueStats& each : stats) {
      Json queue = {{"queue", each.queue}};
      queue.update(to_json(each.counts));
      queue["max_running"] = each.settings.max_running ? Json(*each.settings.max_running) : Json();
      queue["paused"] = each.settings.paused;
      array.push_back(std::move(queue));
    }
    context.output.write_json(array);
    return ExitCode::Done;
  }
  Table table(context.output, {"queue", "pending", "ready", "running", "done", "failed",
                               "cancelled", "limit", "paused"});
  for (const QueueStats& each : stats) {
    const TaskCounts& counts = each.counts;
    table.add({{printable(each.queue)},
               number(counts.pending),
               number(counts.ready),
               number(counts.running),
               number(counts.done),
               number(counts.failed),
               number(counts.cancelled),
               each.settings.max_running ? number(*each.settings.max_running) : Cell{"-", true},
               {each.settings.paused ? "yes" : "no"}});
  }
  table.finish();
  return ExitCode::Done;
}

}  // namespace turnstile::cli
