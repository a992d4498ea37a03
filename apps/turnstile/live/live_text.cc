#include "live/live_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "text.h"

namespace turnstile::cli {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

constexpr std::size_t kCalls = 5;
constexpr std::size_t kQueues = 5;
constexpr std::size_t kJobs = 3;

// One word, so that columns stay apart.
std::string brief(nanoseconds duration) {
  std::string text = human_duration(duration_cast<microseconds>(duration));
  std::erase(text, ' ');
  return text;
}

// `12`, `1.2k`, `3.4M`
std::string brief(double number) {
  if (number < 9.95 && number > 0) return fmt::format("{:.1f}", number);
  if (number < 9999.5) return fmt::format("{:.0f}", number);
  if (number < 999'950) return fmt::format("{:.1f}k", number / 1000);
  return fmt::format("{:.1f}M", number / 1'000'000);
}

std::string brief(std::uint64_t count) {
  return count < 10'000 ? fmt::format("{}", count) : brief(static_cast<double>(count));
}

// The kernel does not know the process of every lock.
std::string shown_pid(std::int64_t pid) {
  return pid == 0 ? "?" : fmt::format("{}", pid);
}

std::string dash_for_none(const Histogram& histogram) {
  return histogram.count == 0 ? "-" : brief(histogram.percentile(99));
}

// A terminal shows wide characters and marks otherwise than it counts bytes.
std::string padded(std::string_view text, std::size_t columns) {
  std::string result = shortened(text, columns);
  result.append(columns - std::min(display_width(result), columns), ' ');
  return result;
}

/// Puts lines together. Threads: confined.
class Lines {
 public:
  Lines(const Style& style, std::size_t columns) : style_(style), columns_(columns) {}

  void add(const std::string& line) { lines_.push_back(shortened(line, columns_)); }
  void title(const std::string& line) {
    lines_.emplace_back();
    lines_.push_back(fmt::format("{}{}{}", style_.bold, shortened(line, columns_), style_.plain));
  }
  void warning(const std::string& line) {
    lines_.push_back(fmt::format("{}{}{}", style_.yellow, shortened(line, columns_), style_.plain));
  }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::vector<std::string> take() && { return std::move(lines_); }

 private:
  const Style& style_;
  const std::size_t columns_;
  std::vector<std::string> lines_;
};

void add_head(Lines& lines, const LiveView& view) {
  constexpr std::size_t kSeconds = 19;
  const std::string time = iso_time(view.time).substr(0, kSeconds) + "Z";
  const std::size_t room = lines.columns() - std::min(lines.columns(), time.size() + 1);
  // Of a long path the end says more.
  const bool fits = display_width(view.path) <= room;
  const std::string name = fits ? view.path : view.path.substr(view.path.rfind('/') + 1);
  lines.add(padded(name, room) + ' ' + time);
  const LiveTotals& totals = view.totals;
  std::string log =
      fmt::format("file {}, log {}", human_bytes(view.file_bytes), human_bytes(view.log_bytes));
  if (totals.frames > 0) log += fmt::format(" ({} frames)", totals.frames);
  if (totals.last_checkpoint) {
    const auto ago =
        std::max(duration_cast<std::chrono::seconds>(view.time - *totals.last_checkpoint),
                 std::chrono::seconds(0));
    log += fmt::format(", checkpoint {} ago, {} in all, longest {}", brief(ago), totals.checkpoints,
                       brief(totals.longest_checkpoint));
  }
  lines.add(log);
  lines.add(fmt::format("commits {}/s  writes {}/s ({:.1f} a commit)  reads {}/s  commit p99 {}",
                        brief(totals.commits_per_second), brief(totals.writes_per_second),
                        totals.writes_a_commit, brief(totals.reads_per_second),
                        dash_for_none(totals.commit)));
  const PoolInfo& pool = totals.pool;
  lines.add(fmt::format("pool {} of {} readers in use  waiting: {} reads, {} writes",
                        pool.readers_leased, pool.readers_idle + pool.readers_leased,
                        pool.readers_waiting, pool.writers_waiting));
  if (totals.pinned)
    lines.warning("a reader keeps the log from being copied: see READ locks below");
}

void add_lanes(Lines& lines, const LiveView& view) {
  if (view.lanes.empty()) return;
  lines.title(fmt::format("{:<18} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>5}", "LANE", "WRITES/S",
                          "READS/S", "WAIT p99", "longest", "HOLD p99", "longest", "FAIL"));
  for (const LiveLane& lane : view.lanes) {
    lines.add(fmt::format("{} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>5}",
                          padded(printable(lane.name), 18), brief(lane.writes_per_second),
                          brief(lane.reads_per_second), dash_for_none(lane.wait),
                          brief(lane.longest_wait), dash_for_none(lane.hold),
                          brief(lane.longest_hold), brief(lane.failed)));
  }
}

void add_processes(Lines& lines, const LiveView& view) {
  if (view.processes.empty() && view.strangers.empty()) return;
  lines.title(fmt::format("{:>8} {:<18} {:<9} {:>7} {:>6} {:>10}", "PID", "PROGRAM", "WRITER",
                          "WAITING", "CALLS", "OPEN FOR"));
  for (const ProcessInfo& process : view.processes) {
    lines.add(fmt::format("{:>8} {} {:<9} {:>7} {:>6} {:>10}", process.pid,
                          padded(printable(process.program), 18), process.writer,
                          process.waiting_writes, process.calls.size(), brief(process.open_for)));
  }
  for (const LiveStranger& stranger : view.strangers)
    lines.add(fmt::format("{:>8} {} does not show what it does", shown_pid(stranger.pid),
                          padded(printable(stranger.program), 18)));
}

struct Call {
  const ProcessInfo* process;
  const CallInfo* call;
};

void add_calls(Lines& lines, const LiveView& view) {
  std::vector<Call> calls;
  for (const ProcessInfo& process : view.processes)
    for (const CallInfo& call : process.calls)
      calls.push_back({&process, &call});
  if (calls.empty()) return;
  std::ranges::stable_sort(calls, std::ranges::greater(),
                           [](const Call& each) { return each.call->since; });
  calls.resize(std::min(calls.size(), kCalls));
  lines.title(fmt::format("{:>9} {:<5} {:>8} {:<12} {}", "LONGEST", "KIND", "PID", "LANE", "SQL"));
  for (const auto& [process, call] : calls)
    lines.add(fmt::format("{:>9} {:<5} {:>8} {} {}", brief(call->since), call->kind, process->pid,
                          padded(printable(call->lane), 12), printable(call->sql)));
}

// Those that every open connection has say nothing.
bool tells_something(const LockInfo& lock) {
  return lock.kind == "write" || (lock.name != "SHARED" && lock.name != "DMS");
}

void add_locks(Lines& lines, const LiveView& view) {
  if (std::ranges::none_of(view.locks, tells_something)) return;
  lines.title(fmt::format("{:<9} {:>8} {:<15} {:<12} {:>9} {:>7} {}", "LOCK", "PID", "PROGRAM",
                          "LANE", "HELD", "WAITING", "BY"));
  for (const LockInfo& lock : view.locks) {
    if (!tells_something(lock)) continue;
    std::string waiters;
    for (const std::int64_t pid : lock.waiters)
      waiters += fmt::format("{}{}", waiters.empty() ? "" : " ", pid);
    lines.add(fmt::format("{:<9} {:>8} {} {} {:>9} {:>7} {}", lock.name, shown_pid(lock.pid),
                          padded(printable(lock.program), 15), padded(printable(lock.lane), 12),
                          lock.since ? (lock.since_is_least ? ">" : "") + brief(*lock.since) : "-",
                          lock.waiting, waiters));
  }
}

void add_tasks(Lines& lines, const std::vector<QueueStats>& queues) {
  if (queues.empty()) return;
  lines.title(fmt::format("{:<24} {:>8} {:>8} {:>8} {:>10} {:>8}", "QUEUE", "READY", "PENDING",
                          "RUNNING", "DONE", "FAILED"));
  for (std::size_t i = 0; i < std::min(queues.size(), kQueues); ++i) {
    const QueueStats& queue = queues[i];
    const TaskCounts& counts = queue.counts;
    lines.add(fmt::format("{} {:>8} {:>8} {:>8} {:>10} {:>8}{}", padded(printable(queue.queue), 24),
                          counts.ready, counts.pending, counts.running, counts.done, counts.failed,
                          queue.settings.paused ? "  paused" : ""));
  }
  if (queues.size() > kQueues) lines.add(fmt::format("and {} more", queues.size() - kQueues));
}

// The next to run, with those that have no time behind them.
void add_jobs(Lines& lines, std::vector<CronJob> jobs) {
  if (jobs.empty()) return;
  std::ranges::stable_sort(jobs, {}, [](const CronJob& job) {
    return job.enabled && job.next_run ? *job.next_run : CronJob::TimePoint::max();
  });
  lines.title(fmt::format("{:<24} {:<20} {:<20} {}", "SCHEDULE", "NEXT RUN", "LAST RUN", "ENDED"));
  const auto when = [](const std::optional<CronJob::TimePoint>& time) {
    constexpr std::size_t kSeconds = 19;
    return time ? iso_time(*time).substr(0, kSeconds) + "Z" : std::string("-");
  };
  for (std::size_t i = 0; i < std::min(jobs.size(), kJobs); ++i) {
    const CronJob& job = jobs[i];
    lines.add(fmt::format("{} {:<20} {:<20} {}", padded(printable(job.spec.name), 24),
                          job.enabled ? when(job.next_run) : "paused", when(job.last_run),
                          job.last_status ? to_string(*job.last_status) : "-"));
  }
  if (jobs.size() > kJobs) lines.add(fmt::format("and {} more", jobs.size() - kJobs));
}

}  // namespace

std::vector<std::string> live_lines(const LiveView& view, const Style& style, std::size_t columns) {
  Lines lines(style, columns);
  add_head(lines, view);
  add_lanes(lines, view);
  add_processes(lines, view);
  add_calls(lines, view);
  add_locks(lines, view);
  add_tasks(lines, view.work.queues);
  add_jobs(lines, view.work.jobs);
  if (!view.work.why_not.empty())
    lines.warning("no queues and schedules: " + printable(view.work.why_not));
  return std::move(lines).take();
}

}  // namespace turnstile::cli
