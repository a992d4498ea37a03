#include "task/common.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "failure.h"
#include "json.h"
#include "number.h"
#include "session.h"

namespace turnstile::cli {

namespace {

// For one word of a line that a person could give to a shell.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

Json json_of(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* blob = std::get_if<Blob>(&value)) return {{"blob_base64", base64(*blob)}};
  return {};
}

}  // namespace

Database open_tasks(const Context& context) {
  Options options;
  options.mode = OpenMode::ReadWrite;
  return open_for_writing(context, std::move(options));
}

TaskQueue tasks_for_reading(const Database& database) {
  Lane lane = database.lane("cli");
  const auto tables = lane.read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE name = 'task_item'")
        .one();
  });
  if (tables == 0) {
    throw Failure(ExitCode::NotFound, "TABLE_NOT_FOUND", "the database has no tasks",
                  "`turnstile task add DB -- COMMAND` puts one in.");
  }
  return TaskQueue(std::move(lane));
}

TaskId parse_task_id(std::string_view word) {
  const auto id = parse_number<TaskId>(word);
  if (!id || *id < 1) {
    throw usage_failure(fmt::format("'{}' is no number of a task", printable(word)),
                        "`turnstile task list DB` shows the numbers.");
  }
  return *id;
}

std::vector<TaskId> parse_task_ids(const std::vector<std::string>& words) {
  std::vector<TaskId> ids;
  for (const std::string& word : words)
    ids.push_back(parse_task_id(word));
  return ids;
}

std::string describe_payload(const Task& task) {
  const auto* text = std::get_if<std::string>(&task.payload);
  if (text == nullptr) return dump(json_of(task.payload));
  if (task.kind != kCommandTask) return *text;
  const auto words = nlohmann::json::parse(*text, nullptr, false);
  if (!words.is_array() || !std::ranges::all_of(words, [](const auto& w) { return w.is_string(); }))
    return *text;
  std::vector<std::string> line;
  for (const auto& word : words)
    line.push_back(quoted(word.get<std::string>()));
  return fmt::format("{}", fmt::join(line, " "));
}

Json to_json(const Task& task) {
  return {{"id", task.id},
          {"queue", task.queue},
          {"kind", task.kind},
          {"state", to_string(task.state)},
          {"ready", task.ready},
          {"priority", task.priority},
          {"payload", json_of(task.payload)},
          {"key", text_or_null(task.key)},
          {"after", task.after},
          {"origin", text_or_null(task.origin)},
          {"trace", text_or_null(task.trace)},
          {"attempts", task.attempts},
          {"tries_left", task.tries_left},
          {"max_attempts", task.max_attempts},
          {"created_at", iso_time(task.created_at)},
          {"not_before", iso_time(task.not_before)},
          {"finished_at", task.finished_at ? Json(iso_time(*task.finished_at)) : Json()},
          {"result", json_of(task.result)},
          {"error", text_or_null(task.error)}};
}

}  // namespace turnstile::cli
