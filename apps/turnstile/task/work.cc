#include <fmt/core.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "failure.h"
#include "json.h"
#include "task/commands.h"
#include "task/common.h"
#include "turnstile/shell.h"
#include "turnstile/task_worker.h"

namespace turnstile::cli {

namespace {

// Commands get SIGTERM, and 2 s later SIGKILL; so all of them have ended long before.
constexpr std::chrono::seconds kStopLimit{10};
constexpr int kMostWorkers = 256;

constexpr std::size_t kErrorBytes = 8192;

// The end of a text, from a whole character on.
std::string_view end_of(std::string_view text) {
  if (text.size() <= kErrorBytes) return text;
  text.remove_prefix(text.size() - kErrorBytes);
  while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U)
    text.remove_prefix(1);
  return text;
}

// What a failed command leaves as its error: how it ended, and the end of what it said.
std::string error_of(const ShellOutcome& outcome) {
  std::string text = outcome.signal != 0
                         ? fmt::format("the command was ended by signal {}", outcome.signal)
                         : fmt::format("the command ended with status {}", outcome.exit_status);
  if (!outcome.output.empty()) text.append("\n").append(end_of(outcome.output));
  return text;
}

std::vector<std::string> words_of(const TaskContext& context) {
  const Json words = Json::parse(context.text(), nullptr, false);
  if (!words.is_array()) return {};
  std::vector<std::string> result;
  for (const Json& word : words) {
    if (!word.is_string()) return {};
    result.push_back(word.get<std::string>());
  }
  return result;
}

// Runs the commands and prints a line for each that ended. Threads: shared.
class CommandRunner {
 public:
  CommandRunner(Output& output, bool json) : output_(output), json_(json) {}

  TaskResult operator()(const TaskContext& context) {
    const std::vector<std::string> words = words_of(context);
    if (words.empty())
      return end(context, {}, TaskResult::failed_for_good("its payload is no JSON array of words"));
    ShellOutcome outcome;
    try {
      outcome = run_shell({.words = words}, context.stop_token());
    } catch (const Error& error) {
      return end(context, {}, TaskResult::failed(error.what()));
    }
    TaskResult result = outcome.stopped       ? TaskResult::stopped()
                        : outcome.succeeded() ? TaskResult::done(outcome.output)
                                              : TaskResult::failed(error_of(outcome));
    return end(context, outcome, std::move(result));
  }

  /// A task has failed that will not be tried again.
  [[nodiscard]] bool buried_one() const noexcept { return buried_one_.load(); }

 private:
  TaskResult end(const TaskContext& context, const ShellOutcome& outcome, TaskResult result) {
    const bool failed =
        result.kind() == TaskResult::Kind::Failed || context.stop_reason() == TaskStop::TimedOut;
    const bool last = result.kind() == TaskResult::Kind::FailedForGood ||
                      (failed && context.task().tries_left == 0);
    if (last) buried_one_.store(true);
    print(context, outcome, word_for(context, result), result.error());
    return result;
  }

  static std::string_view word_for(const TaskContext& context, const TaskResult& result) {
    switch (result.kind()) {
      case TaskResult::Kind::Done:
        return "done";
      case TaskResult::Kind::Failed:
      case TaskResult::Kind::FailedForGood:
        return "failed";
      case TaskResult::Kind::Stopped:
        break;
    }
    switch (context.stop_reason()) {
      case TaskStop::TimedOut:
        return "timed_out";
      case TaskStop::Cancelled:
        return "cancelled";
      default:
        return "interrupted";
    }
  }

  void print(const TaskContext& context, const ShellOutcome& outcome, std::string_view how,
             const std::string& error) {
    const auto ms = static_cast<double>(outcome.duration.count()) / 1000;
    const std::string first_line = error.substr(0, error.find('\n'));
    const std::lock_guard lock(mutex_);
    try {
      if (json_) {
        output_.write(dump({{"task", context.task().id},
                            {"attempt", context.task().attempt},
                            {"outcome", how},
                            {"duration_ms", ms},
                            {"error", error.empty() ? Json() : Json(first_line)}}) +
                      "\n");
      } else {
        output_.write(fmt::format("task {} {} after {:.0f} ms{}{}\n", context.task().id, how, ms,
                                  error.empty() ? "" : ": ", printable(first_line)));
      }
      output_.flush();
    } catch (const std::exception&) {
      // That nobody reads the lines is no reason to run the task again.
    }
  }

  Output& output_;
  const bool json_;
  std::mutex mutex_;
  std::atomic<bool> buried_one_{false};
};

// Until a signal comes.
void wait_for_stop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [] { return false; });
}

}  // namespace

ExitCode run_task_work(Context& context) {
  const Arguments& arguments = context.arguments;
  WorkerPoolOptions options;
  if (auto queues = arguments.values("--queue"); !queues.empty())
    options.queues = std::move(queues);
  options.workers = static_cast<int>(arguments.integer("--workers", 1, kMostWorkers).value_or(1));
  options.log_sink = [json = arguments.json()](const LogEvent& event) {
    report_warning(event.code, event.message, json);
  };

  const Database database = open_tasks(context);
  CommandRunner runner(context.output, arguments.json());
  WorkerPool pool(TaskQueue(database.lane("tasks")), std::move(options));
  pool.handle(std::string(kCommandTask), [&runner](TaskContext& task) { return runner(task); });
  std::stop_source stop;
  const Interrupts::StopAction on_signal(
      context.interrupts, [&stop] { stop.request_stop(); }, kStopLimit);
  pool.start();
  const bool until_empty = arguments.has("--until-empty");
  const bool empty = until_empty && pool.wait_until_empty(stop.get_token());
  if (!until_empty) wait_for_stop(stop.get_token());
  const StopReport left = pool.stop(kStopLimit);
  for (const TaskId id : left.still_running)
    report_warning("TASK_STILL_RUNNING", fmt::format("the command of task {} has not ended", id),
                   arguments.json());
  if (!empty) return ExitCode::Interrupted;
  return runner.buried_one() ? ExitCode::No : ExitCode::Done;
}

}  // namespace turnstile::cli
