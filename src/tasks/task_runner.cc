#include "tasks/task_runner.h"

#include <algorithm>
#include <utility>

#include "gate/sync_point.h"
#include "tasks/clean_text.h"
#include "turnstile/error.h"

namespace turnstile::tasks {

namespace {

constexpr std::chrono::seconds kPauseAfterFailedStore{1};

AttemptEnd failure(std::string error, bool may_retry = true) {
  return {.outcome = AttemptOutcome::Failed, .error = std::move(error), .may_retry = may_retry};
}

// By a handler that did not come to an end because it was asked to stop.
AttemptEnd end_of_stopped(const detail::RunningTask& running, const std::string& error) {
  switch (running.stop_reason()) {
    case TaskStop::None:
      return failure(error.empty() ? "its handler gave up, but was not asked to" : error);
    case TaskStop::TimedOut:
      return {.outcome = AttemptOutcome::TimedOut,
              .error = "it took longer than its timeout" + (error.empty() ? "" : ": " + error)};
    case TaskStop::Shutdown:
    case TaskStop::Cancelled:
    case TaskStop::LeaseLost:
      break;
  }
  return {.outcome = AttemptOutcome::Interrupted,
          .error = "its worker was asked to stop",
          .given_back = true};
}

}  // namespace

std::optional<TaskClaim> TaskRunner::run(TaskClaim claim, const ClaimRequest& request) {
  const RunningTaskPtr running = begin(std::move(claim));
  gate::sync_point("TaskRunner::run:claimed");
  Handled handled{.result = TaskResult::stopped()};
  const bool begins = running->stop_reason() == TaskStop::None;
  if (begins) {
    notify_started(running->claim);
    parts_.counters.started.fetch_add(1);
    handled = call_handler(running);
  }
  gate::sync_point("TaskRunner::run:handled");
  Ended ended = end(*running, end_of(*running, handled), request);
  running_.remove(*running);
  count(ended);
  if (begins) notify_ended(running->claim, ended);
  return std::move(ended.next);
}

// In this order: when the keeper looks in between, it finds the task.
RunningTaskPtr TaskRunner::begin(TaskClaim claim) {
  RunningTaskPtr running = running_.add(std::move(claim));
  gate::sync_point("TaskRunner::begin:added");
  const TaskTime third = running->claim.lease_until - 2 * parts_.store->options.lease / 3;
  keeper_.expect(std::min(running->claim.deadline, third));
  return running;
}

TaskRunner::Handled TaskRunner::call_handler(const RunningTaskPtr& running) {
  const TaskHandler& handler = parts_.handlers.find(running->claim.kind)->second;
  TaskContext context(parts_.queue, running);
  try {
    return {.result = handler(context)};
  } catch (const std::exception& error) {
    return {.result = TaskResult::failed(error.what()), .threw = true};
  } catch (...) {
    return {.result = TaskResult::failed("its handler threw what is no exception"), .threw = true};
  }
}

AttemptEnd TaskRunner::end_of(const detail::RunningTask& running, const Handled& handled) {
  const TaskResult& result = handled.result;
  switch (result.kind()) {
    case TaskResult::Kind::Done:
      return {.outcome = AttemptOutcome::Done, .result = result.value()};
    case TaskResult::Kind::FailedForGood:
      return failure(result.error(), false);
    case TaskResult::Kind::Stopped:
      return end_of_stopped(running, {});
    case TaskResult::Kind::Failed:
      break;
  }
  // Whoever waits with the stop token is thrown out of the wait: that is no failure.
  return handled.threw ? end_of_stopped(running, result.error()) : failure(result.error());
}

// The lease is extended until this returns.
TaskRunner::Ended TaskRunner::end(const detail::RunningTask& running, AttemptEnd end,
                                  const ClaimRequest& request) {
  for (;;) {
    try {
      return parts_.store->lane.write(
          [&](WriteTx& tx) { return end_in(tx, running, end, request); });
    } catch (const MisuseError& error) {
      // What cannot be stored will not be stored the next time either.
      if (end.outcome != AttemptOutcome::Done || error.code() == "DB_CLOSED")
        return {.end = std::move(end)};
      end = failure("its result cannot be stored: " + std::string(error.message()), false);
    } catch (const std::exception& error) {
      parts_.log->storage_failed("the end of task " + std::to_string(running.claim.id) +
                                 " could not be stored: " + error.what());
      const bool lost = running.stop_reason() == TaskStop::LeaseLost;
      if (lost || !signal_.pause(kPauseAfterFailedStore)) return {.end = std::move(end)};
    }
  }
}

TaskRunner::Ended TaskRunner::end_in(WriteTx& tx, const detail::RunningTask& running,
                                     const AttemptEnd& end, const ClaimRequest& request) {
  Ended ended{.end = end};
  ended.state = end_attempt(tx, *parts_.store, running.claim, end);
  // Its handler has finished it in a transaction of its own.
  if (!ended.state && !state_of(tx, running.claim)) ended.state = TaskState::Done;
  if (claims()) ended.next = claim(tx, *parts_.store, request);
  return ended;
}

void TaskRunner::count(const Ended& ended) {
  WorkerCounters& counters = parts_.counters;
  if (!ended.state)
    ++counters.refused;
  else if (*ended.state == TaskState::Done)
    ++counters.done;
  else if (ended.end.given_back)
    ++counters.returned;
  else
    ++counters.failed;
  if (ended.state && ended.end.outcome == AttemptOutcome::TimedOut) ++counters.timed_out;
}

void TaskRunner::notify_started(const TaskClaim& claim) {
  if (parts_.options.notify && claim.origin.empty()) {
    parts_.log->tell(LogEvent::Severity::Warning, "TASK_WITHOUT_ORIGIN",
                     "task " + std::to_string(claim.id) + " (" + claim.kind +
                         ") has no origin that could be told of it");
  }
  notify(claim, {.kind = TaskNotice::Kind::Started});
}

void TaskRunner::notify_ended(const TaskClaim& claim, const Ended& ended) {
  TaskNotice notice{.kind = TaskNotice::Kind::Stopped};
  if (ended.state == TaskState::Done) {
    notice.kind = TaskNotice::Kind::Done;
  } else if (ended.state && !ended.end.given_back) {
    notice.kind = TaskNotice::Kind::Failed;
    notice.error = clean_text(ended.end.error);
    notice.will_retry = ended.state == TaskState::Pending;
  }
  notify(claim, std::move(notice));
}

void TaskRunner::notify(const TaskClaim& claim, TaskNotice notice) {
  if (!parts_.options.notify || claim.origin.empty()) return;
  notice.id = claim.id;
  notice.attempt = claim.attempt;
  notice.queue = claim.queue;
  notice.task_kind = claim.kind;
  notice.origin = claim.origin;
  notice.trace = claim.trace;
  try {
    parts_.options.notify(notice);
  } catch (...) {
    ++parts_.counters.notice_failures;
  }
}

}  // namespace turnstile::tasks
