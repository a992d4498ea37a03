// What the commands of the group `task` share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "context.h"
#include "text.h"
#include "turnstile/database.h"
#include "turnstile/tasks.h"

namespace turnstile::cli {

/// The kind of the tasks whose payload is a command line, as a JSON array of words.
inline constexpr std::string_view kCommandTask = "command";

/// The queue of DB, for a command that changes it. Waits for others as --timeout says.
[[nodiscard]] Database open_tasks(const Context& context);

/// For one that only looks. Throws Failure (TABLE_NOT_FOUND) for a file without tasks.
[[nodiscard]] TaskQueue tasks_for_reading(const Database& database);

/// Throw Failure (USAGE).
[[nodiscard]] TaskId parse_task_id(std::string_view word);
[[nodiscard]] std::vector<TaskId> parse_task_ids(const std::vector<std::string>& words);

/// What a task is about, for people: its command line, or its payload.
[[nodiscard]] std::string describe_payload(const Task& task);

[[nodiscard]] nlohmann::ordered_json to_json(const Task& task);

}  // namespace turnstile::cli
