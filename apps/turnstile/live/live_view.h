// One look at all that goes on at a database, for `top` and `serve`.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "turnstile/cron.h"
#include "turnstile/diagnose.h"
#include "turnstile/task.h"

namespace turnstile::cli {

/// A lane of all processes together. Threads: immutable.
struct LiveLane {
  std::string name;
  double reads_per_second = 0;
  double writes_per_second = 0;
  std::uint64_t failed = 0;  ///< Since opening: rollbacks, timeouts, cancelled and refused calls.
  Histogram wait;            ///< Of writes, since the former look.
  Histogram hold;
  std::chrono::nanoseconds longest_wait{0};  ///< Since opening.
  std::chrono::nanoseconds longest_hold{0};
};

/// What is counted without a lane, of all processes together. Threads: immutable.
struct LiveTotals {
  double commits_per_second = 0;
  double writes_per_second = 0;
  double reads_per_second = 0;
  double writes_a_commit = 0;
  Histogram commit;  ///< Since the former look.
  PoolInfo pool;
  std::uint64_t checkpoints = 0;
  std::uint64_t incomplete_checkpoints = 0;
  bool pinned = false;
  std::int64_t frames = 0;  ///< As the process knows that has checkpointed last.
  std::chrono::nanoseconds longest_checkpoint{0};
  std::optional<std::chrono::system_clock::time_point> last_checkpoint;
};

/// A process that has the database open and does not show what it does. Threads: immutable.
struct LiveStranger {
  std::int64_t pid = 0;
  std::string program;
};

/// Queues and schedules, which stand in the database itself. Threads: immutable.
struct LiveWork {
  std::vector<QueueStats> queues;
  std::vector<CronJob> jobs;
  std::string why_not;  ///< Empty, or why they could not be read.
};

/// Threads: immutable.
struct LiveView {
  std::chrono::system_clock::time_point time;
  std::string path;
  std::int64_t file_bytes = 0;
  std::int64_t log_bytes = 0;
  std::vector<ProcessInfo> processes;
  std::vector<LiveStranger> strangers;
  std::vector<LockInfo> locks;
  std::vector<LiveLane> lanes;  ///< By name.
  LiveTotals totals;
  LiveWork work;
};

/// Looks again and again; rates are those since the former look, at first since a process has
/// opened the database.
///
/// Threads: confined.
class LiveSource {
 public:
  /// Throws StorageError (DB_NOT_FOUND) when there is no such file.
  explicit LiveSource(const std::string& path);

  /// Throws as locks(). Opens the database for queues and schedules, read-only and for a moment,
  /// and only while others have it open: their being there is what is looked at.
  [[nodiscard]] LiveView look();

 private:
  [[nodiscard]] LiveWork look_inside() const;

  std::string path_;
  LockWatch locks_;
  std::chrono::steady_clock::time_point former_;
  std::map<std::int64_t, ProcessInfo> former_processes_;
};

}  // namespace turnstile::cli
