#include <utility>

#include "sqlite/error_code.h"
#include "tasks/refuse.h"
#include "tasks/running_tasks.h"
#include "turnstile/task_worker.h"

namespace turnstile {

std::string_view to_string(TaskStop reason) noexcept {
  switch (reason) {
    case TaskStop::None:
      return "none";
    case TaskStop::Shutdown:
      return "shutdown";
    case TaskStop::TimedOut:
      return "timed_out";
    case TaskStop::Cancelled:
      return "cancelled";
    case TaskStop::LeaseLost:
      break;
  }
  return "lease_lost";
}

TaskResult::TaskResult(Kind kind, Value value, std::string error)
    : kind_(kind), value_(std::move(value)), error_(std::move(error)) {}

TaskResult TaskResult::done(Value value) {
  return {Kind::Done, std::move(value), {}};
}

TaskResult TaskResult::failed(std::string error) {
  return {Kind::Failed, {}, std::move(error)};
}

TaskResult TaskResult::failed_for_good(std::string error) {
  return {Kind::FailedForGood, {}, std::move(error)};
}

TaskResult TaskResult::stopped() {
  return {Kind::Stopped, {}, {}};
}

TaskContext::TaskContext(TaskQueue queue, std::shared_ptr<detail::RunningTask> running) noexcept
    : queue_(std::move(queue)), running_(std::move(running)) {}

const TaskClaim& TaskContext::task() const noexcept {
  return running_->claim;
}

const std::string& TaskContext::text() const {
  const auto* text = std::get_if<std::string>(&running_->claim.payload);
  if (text == nullptr)
    tasks::refuse_invalid("the payload of task " + std::to_string(task().id) + " is no text",
                          std::source_location::current());
  return *text;
}

std::stop_token TaskContext::stop_token() const noexcept {
  return running_->stop_token();
}

TaskStop TaskContext::stop_reason() const noexcept {
  return running_->stop_reason();
}

void TaskContext::throw_if_stopped() const {
  if (stop_reason() == TaskStop::None) return;
  throw Cancelled({.code = code("TASK_STOPPED"),
                   .message = "task " + std::to_string(task().id) + " was asked to stop (" +
                              std::string(to_string(stop_reason())) + ")"});
}

bool TaskContext::progress(double fraction, std::string_view text,
                           std::source_location where) const {
  return queue_.progress(task(), fraction, text, where);
}

void TaskContext::complete_in(WriteTx& tx, const Value& result, std::source_location where) const {
  if (queue_.complete(tx, task(), result)) return;
  throw Cancelled({.code = code("TASK_LEASE_LOST"),
                   .message = "attempt " + std::to_string(task().attempt) + " at task " +
                              std::to_string(task().id) +
                              " is over, so that nothing of it is to be kept",
                   .lane = std::string(tx.lane()),
                   .where = where});
}

}  // namespace turnstile
