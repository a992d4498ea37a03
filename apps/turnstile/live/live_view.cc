#include "live/live_view.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "turnstile/database.h"
#include "turnstile/tasks.h"

namespace turnstile::cli {

namespace {

using std::chrono::steady_clock;

// A look must not hang where a stranger keeps readers out.
constexpr std::chrono::milliseconds kPatience{200};

std::int64_t size_of(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

// As it is when that cannot be found out; whoever uses it says why.
std::string resolved(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

// What came to `now` since `before`, which is an earlier state of it.
Histogram since(const Histogram& now, const Histogram& before) {
  Histogram result;
  std::size_t last = 0;
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    // Both were read while they grew.
    result.buckets[bucket] =
        now.buckets[bucket] - std::min(before.buckets[bucket], now.buckets[bucket]);
    result.count += result.buckets[bucket];
    if (result.buckets[bucket] > 0) last = bucket;
  }
  result.sum = std::max(now.sum - before.sum, std::chrono::nanoseconds(0));
  // The longest of all may be older.
  if (result.count > 0)
    result.max = std::min<std::chrono::nanoseconds>(now.max, Histogram::upper_bound(last));
  return result;
}

std::uint64_t since(std::uint64_t now, std::uint64_t before) {
  return now - std::min(before, now);
}

const LaneMetrics& lane_of(const Metrics& metrics, const std::string& name) {
  static const LaneMetrics none;
  const auto found = std::ranges::find(metrics.lanes, name, &LaneMetrics::name);
  return found == metrics.lanes.end() ? none : *found;
}

/// Adds processes up. Threads: confined.
class Summary {
 public:
  explicit Summary(LiveView& view) noexcept : view_(view) {}

  /// `before` is the same process at the former look, or one that has done nothing; `seconds` is
  /// the time between.
  void add(const Metrics& now, const Metrics& before, double seconds) {
    for (const LaneMetrics& lane : now.lanes)
      add_lane(lane, lane_of(before, lane.name), seconds);
    LiveTotals& totals = view_.totals;
    const auto commits = static_cast<double>(since(now.groups.count, before.groups.count));
    commits_ += commits;
    grouped_ += static_cast<double>(since(now.groups.sum, before.groups.sum));
    totals.commits_per_second += commits / seconds;
    totals.commit += since(now.commit, before.commit);
    totals.pool.connections += now.pool.connections;
    totals.pool.readers_idle += now.pool.readers_idle;
    totals.pool.readers_leased += now.pool.readers_leased;
    totals.pool.readers_waiting += now.pool.readers_waiting;
    add_log(now.wal);
  }

  void finish() {
    if (commits_ > 0) view_.totals.writes_a_commit = grouped_ / commits_;
    std::ranges::sort(view_.lanes, {}, &LiveLane::name);
  }

 private:
  void add_lane(const LaneMetrics& now, const LaneMetrics& before, double seconds) {
    auto found = std::ranges::find(view_.lanes, now.name, &LiveLane::name);
    if (found == view_.lanes.end()) {
      view_.lanes.push_back({.name = now.name, .wait = {}, .hold = {}});
      found = view_.lanes.end() - 1;
    }
    const double reads = static_cast<double>(since(now.reads, before.reads)) / seconds;
    const double writes = static_cast<double>(since(now.writes, before.writes)) / seconds;
    found->reads_per_second += reads;
    found->writes_per_second += writes;
    view_.totals.reads_per_second += reads;
    view_.totals.writes_per_second += writes;
    found->failed += now.rollbacks + now.timeouts + now.cancelled + now.queue_full;
    found->wait += since(now.wait, before.wait);
    found->hold += since(now.hold, before.hold);
    found->longest_wait = std::max(found->longest_wait, now.wait.max);
    found->longest_hold = std::max(found->longest_hold, now.hold.max);
  }

  void add_log(const WalMetrics& log) {
    LiveTotals& totals = view_.totals;
    totals.checkpoints += log.checkpoints;
    totals.incomplete_checkpoints += log.incomplete;
    totals.pinned = totals.pinned || log.pinned;
    totals.longest_checkpoint = std::max(totals.longest_checkpoint, log.checkpoint.max);
    totals.frames = std::max(totals.frames, log.frames);
    if (log.checkpoints == 0) return;
    if (totals.last_checkpoint && *totals.last_checkpoint >= log.last_checkpoint) return;
    totals.last_checkpoint = log.last_checkpoint;
  }

  LiveView& view_;
  double commits_ = 0;
  double grouped_ = 0;
};

bool has_table(const Lane& lane, const std::string& name) {
  return lane.read([&](ReadTx& tx) {
    return tx.query<bool>("SELECT count(*) FROM sqlite_schema WHERE name = ?", name).one();
  });
}

}  // namespace

// Side files are named after the file itself, and not after a symbolic link to it.
LiveSource::LiveSource(const std::string& path) : path_(resolved(path)), locks_(path_) {
  static_cast<void>(locks(path_));  // Tells at once when there is no such file.
}

LiveView LiveSource::look() {
  LiveView view;
  view.time = std::chrono::system_clock::now();
  view.path = path_;
  view.file_bytes = size_of(path_);
  view.log_bytes = size_of(path_ + "-wal");
  view.locks = locks_.look();
  view.processes = processes(path_);
  const auto now = steady_clock::now();

  Summary summary(view);
  std::map<std::int64_t, ProcessInfo> seen;
  for (const ProcessInfo& process : view.processes) {
    static const Metrics nothing;
    const auto found = former_processes_.find(process.pid);
    const auto elapsed = now - former_;
    // The same process id may have another process, or another opening of the file.
    const bool is_known = found != former_processes_.end() && process.open_for > elapsed;
    const auto span = is_known ? elapsed : steady_clock::duration(process.open_for);
    summary.add(process.metrics, is_known ? found->second.metrics : nothing,
                std::max(std::chrono::duration<double>(span).count(), 0.001));
    view.totals.pool.writers_waiting += static_cast<int>(process.waiting_writes);
    seen.emplace(process.pid, process);
  }
  summary.finish();
  former_ = now;

  std::set<std::int64_t> strangers;
  for (const LockInfo& lock : view.locks) {
    if (seen.contains(lock.pid) || !strangers.insert(lock.pid).second) continue;
    view.strangers.push_back({lock.pid, lock.program});
  }
  former_processes_ = std::move(seen);
  if (view.processes.empty() && view.strangers.empty())
    view.work.why_not = "nobody has the database open";
  else
    view.work = look_inside();
  return view;
}

LiveWork LiveSource::look_inside() const {
  LiveWork work;
  try {
    Options options;
    options.mode = OpenMode::ReadOnly;
    options.connections = 1;
    options.busy_timeout = kPatience;
    Database database = Database::open(path_, options);
    const Lane lane = database.lane("top");
    if (has_table(lane, "task_item")) work.queues = TaskQueue(lane).stats();
    if (has_table(lane, "cron_job")) work.jobs = Scheduler(lane).list();
    database.close();
  } catch (const Error& error) {
    work.why_not = error.message();
  }
  return work;
}

}  // namespace turnstile::cli
