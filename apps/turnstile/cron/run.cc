#include <fmt/core.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "context.h"
#include "cron/commands.h"
#include "cron/jobs.h"
#include "cron/shell_jobs.h"
#include "failure.h"
#include "session.h"
#include "text.h"
#include "turnstile/time_zone.h"

namespace turnstile::cli {

namespace {

using SystemClock = std::chrono::system_clock;

// How long Ctrl-C leaves for runs to end; see Interrupts.
constexpr std::chrono::milliseconds kGrace{900};

// What the scheduler's thread tells the command's own, which prints it. While that is far behind,
// because nobody reads what it prints, the scheduler waits. Threads: shared.
class Mailbox {
 public:
  void put(const CronRecord& record) {
    constexpr std::size_t kMost = 1000;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return records_.size() < kMost || ended_; });
    records_.push_back(record);
    changed_.notify_all();
  }
  // Nothing once it has ended, or the time has come.
  std::optional<CronRecord> take(std::optional<SystemClock::time_point> until) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return !records_.empty() || ended_; };
    if (!until)
      changed_.wait(lock, ready);
    else if (!changed_.wait_until(lock, *until, ready))
      return std::nullopt;
    return ended_ ? std::nullopt : pop();
  }
  std::optional<CronRecord> take_rest() {
    const std::lock_guard lock(mutex_);
    return records_.empty() ? std::nullopt : pop();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  std::optional<CronRecord> pop() {
    std::optional<CronRecord> record = std::move(records_.front());
    records_.pop_front();
    changed_.notify_all();
    return record;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CronRecord> records_;
  bool ended_ = false;
};

// Prints runs and remembers whether one of them was in vain. Threads: confined.
class Printer {
 public:
  explicit Printer(Context& context) : context_(context) {}

  void print(const CronRecord& record) {
    const bool went_well = record.status == CronStatus::Running ||
                           record.status == CronStatus::Done ||
                           record.status == CronStatus::Skipped;
    all_went_well_ = all_went_well_ && went_well;
    if (context_.arguments.json())
      context_.output.write(dump(to_json(record)) + "\n");
    else
      context_.output.write(line_of(record) + "\n");
    context_.output.flush();
  }
  [[nodiscard]] bool all_went_well() const noexcept { return all_went_well_; }

 private:
  static std::string line_of(const CronRecord& record) {
    constexpr std::size_t kTextWidth = 100;
    const auto time = record.finished ? record.finished : record.started;
    const auto duration = record.duration();
    std::string line = fmt::format("{}  {}  {}", local_time(time, "UTC"), printable(record.job),
                                   to_string(record.status));
    if (duration) line += "  " + human_duration(*duration);
    if (const std::string stands_for = due_times_of(record); !stands_for.empty())
      line += "  " + stands_for;
    if (!record.text.empty()) line += "  " + shortened(record.text, kTextWidth);
    return line;
  }

  Context& context_;
  bool all_went_well_ = true;
};

CronOptions options_of(const Arguments& arguments, Mailbox& mailbox) {
  CronOptions options;
  if (const auto count = arguments.integer("--max-running", 1, 1000))
    options.max_running = static_cast<int>(*count);
  options.on_run = [&mailbox](const CronRecord& record) { mailbox.put(record); };
  options.log_sink = [json = arguments.json()](const LogEvent& event) {
    report_warning(event.code, event.message, json);
  };
  return options;
}

}  // namespace

ExitCode run_cron_run(Context& context) {
  const Arguments& arguments = context.arguments;
  std::optional<SystemClock::time_point> until;
  if (const auto text = arguments.value("--until")) until = TimeZone().parse(*text);
  Mailbox mailbox;
  Printer printer(context);
  const Database database = open_for_writing(context, {.mode = OpenMode::ReadWrite});
  Scheduler scheduler(database.lane("cron"), options_of(arguments, mailbox));
  scheduler.handle(std::string(kShellKind), run_shell_job);

  const Interrupts::StopAction stop(context.interrupts, [&mailbox] { mailbox.end(); });
  scheduler.start();
  std::jthread until_idle;
  if (arguments.has("--once")) {
    until_idle = std::jthread([&] {
      (void)scheduler.wait_until_idle(kDay);
      mailbox.end();
    });
  } else {
    fmt::print(stderr, "turnstile: running jobs; Ctrl-C ends it\n");
  }
  while (const auto record = mailbox.take(until))
    printer.print(*record);

  mailbox.end();
  for (const std::string& name : scheduler.stop(kGrace))
    report_warning("JOB_RUNS_ON", fmt::format("the job '{}' does not end", name), arguments.json());
  while (const auto record = mailbox.take_rest())
    printer.print(*record);
  if (context.interrupts.requested()) return ExitCode::Interrupted;
  return arguments.has("--once") && !printer.all_went_well() ? ExitCode::No : ExitCode::Done;
}

}  // namespace turnstile::cli
