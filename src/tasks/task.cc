#include "turnstile/task.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sqlite/error_code.h"
#include "tasks/names.h"

namespace turnstile {

namespace {

constexpr auto kStates = std::to_array<std::pair<TaskState, std::string_view>>({
    {TaskState::Pending, "pending"},
    {TaskState::Running, "running"},
    {TaskState::Done, "done"},
    {TaskState::Failed, "failed"},
    {TaskState::Cancelled, "cancelled"},
});

constexpr auto kOutcomes = std::to_array<std::pair<AttemptOutcome, std::string_view>>({
    {AttemptOutcome::Done, "done"},
    {AttemptOutcome::Failed, "failed"},
    {AttemptOutcome::TimedOut, "timed_out"},
    {AttemptOutcome::Interrupted, "interrupted"},
    {AttemptOutcome::Cancelled, "cancelled"},
});

// The trigger `task_transition` says the same in SQL; a test compares them.
constexpr auto kTransitions = std::to_array<std::pair<TaskState, TaskState>>({
    {TaskState::Pending, TaskState::Running},    // Claimed.
    {TaskState::Pending, TaskState::Cancelled},  // By hand, or with a task that it waits for.
    {TaskState::Running, TaskState::Pending},    // To be tried again, or given back.
    {TaskState::Running, TaskState::Done},
    {TaskState::Running, TaskState::Failed},
    {TaskState::Running, TaskState::Cancelled},
    {TaskState::Failed, TaskState::Pending},  // A dead letter is retried.
});

template <class Table, class Value>
std::string_view name_in(const Table& table, Value value) noexcept {
  for (const auto& [known, name] : table)
    if (known == value) return name;
  return "unknown";
}

template <class Value, std::size_t Size>
std::optional<Value> value_in(const std::array<std::pair<Value, std::string_view>, Size>& table,
                              std::string_view name) noexcept {
  for (const auto& [value, known] : table)
    if (known == name) return value;
  return std::nullopt;
}

template <class Table>
auto require_in(const Table& table, std::string_view name) {
  const auto value = value_in(table, name);
  if (!value) {
    throw StorageError({.code = code("DB_CORRUPT"),
                        .message = "a task has the state '" + std::string(name) +
                                   "', which this library never writes"});
  }
  return *value;
}

}  // namespace

std::string_view to_string(TaskState state) noexcept {
  return name_in(kStates, state);
}

std::string_view to_string(AttemptOutcome outcome) noexcept {
  return name_in(kOutcomes, outcome);
}

std::optional<TaskState> task_state(std::string_view name) noexcept {
  return value_in(kStates, name);
}

bool may_become(TaskState from, TaskState to) noexcept {
  return std::ranges::find(kTransitions, std::pair(from, to)) != kTransitions.end();
}

TaskState tasks::state_named(std::string_view name) {
  return require_in(kStates, name);
}

AttemptOutcome tasks::outcome_named(std::string_view name) {
  return require_in(kOutcomes, name);
}

}  // namespace turnstile
