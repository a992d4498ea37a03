// Jobs that are kept in the file and run when they are due, by one of the processes that share it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/cron_expression.h"
#include "turnstile/lane.h"
#include "turnstile/options.h"
#include "turnstile/time_zone.h"

namespace turnstile {

struct CronOptions;

namespace detail {
class CronEngine;
class CronExecution;
}  // namespace detail

/// What becomes of due times that were missed: nobody started them before the next one came, or
/// within CronOptions::grace. A single time (`@at`) is always run, however late.
enum class MissedRuns {
  Skip,  ///< They are not run.
  Once,  ///< They are run once, all together, as the latest of them.
  All,   ///< Each is run, the oldest first; of more than `missed_limit` only the latest ones.
};

/// What becomes of a due time at which an earlier run of the same job still waits or runs.
enum class Overlap {
  Skip,   ///< It is not run, but counted.
  Allow,  ///< It runs beside the other.
  Queue,  ///< It waits; one may wait, with MissedRuns::All as many as `missed_limit`.
};

enum class CronStatus {  ///< How a run stands or ended.
  Queued,                ///< Waits for an earlier run of the same job, or for a free place.
  Running,               ///< Is being run.
  Done,                  ///< The handler said so.
  Failed,                ///< The handler said so, or threw.
  TimedOut,              ///< It did not end in time, and was asked to stop.
  Interrupted,           ///< Its process ended, or its scheduler was stopped. It is not run again.
  Skipped,               ///< It was not run: see MissedRuns and Overlap.
  Cancelled,             ///< The job was paused meanwhile.
};

[[nodiscard]] std::string_view to_string(MissedRuns missed) noexcept;  ///< In lower case.
[[nodiscard]] std::string_view to_string(Overlap overlap) noexcept;
[[nodiscard]] std::string_view to_string(CronStatus status) noexcept;

/// What a program says of a job.
///
/// Threads: immutable.
struct CronJobSpec {
  std::string name{};      ///< 1 to 255 bytes; of two jobs with one name the second is the first.
  std::string schedule{};  ///< See CronExpression.
  std::string kind{};      ///< Which handler runs it, 1 to 255 bytes; `sql` is built in.
  std::string payload{};   ///< For the handler.
  std::string zone{};      ///< Empty: CronOptions::zone.
  std::optional<std::chrono::milliseconds> timeout{};  ///< Empty: CronOptions::timeout.
  MissedRuns missed = MissedRuns::Skip;
  int missed_limit = 100;  ///< With MissedRuns::All; 1 to 10000.
  Overlap overlap = Overlap::Skip;
  /// Each run starts later than it is due by a part of this, which differs from run to run but
  /// not between processes. Up to a day.
  std::chrono::milliseconds jitter{0};

  bool operator==(const CronJobSpec&) const = default;
};

/// A job as the file has it.
///
/// Threads: immutable.
struct CronJob {
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  std::int64_t id = 0;
  CronJobSpec spec;
  bool enabled = true;                      ///< False: paused, or a single time that has been run.
  std::optional<TimePoint> next_run{};      ///< The next due time; empty: none any more.
  std::optional<TimePoint> last_run{};      ///< When the latest run began.
  std::optional<CronStatus> last_status{};  ///< Of the run that ended last.
  std::int64_t skipped = 0;                 ///< Due times that were not run, in all.
  TimePoint created{};
  TimePoint updated{};  ///< When the spec, or enabled, was changed last.
};

/// One row of the history.
///
/// Threads: immutable.
struct CronRecord {
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  std::int64_t id = 0;
  std::int64_t job_id = 0;
  std::string job{};  ///< The name.
  TimePoint due{};
  CronStatus status = CronStatus::Queued;
  /// The due times that it stands for: more than 1 where several were skipped, or run as one.
  /// Counted up to 1000.
  std::int64_t due_times = 1;
  std::optional<TimePoint> started{};
  std::optional<TimePoint> finished{};
  std::string owner{};     ///< The scheduler that ran it, as `PID@HOST/NUMBER`.
  std::int64_t fence = 0;  ///< Grows with each claim of the run.
  std::string text{};      ///< The result, or what went wrong.

  /// From start to end; empty where one of them is.
  [[nodiscard]] std::optional<std::chrono::microseconds> duration() const noexcept;
};

/// What a handler says in the end.
///
/// Threads: immutable.
struct CronOutcome {
  bool ok = true;
  std::string text{};  ///< The result, or what went wrong; see CronOptions::text_limit.

  [[nodiscard]] static CronOutcome done(std::string text = {});  ///< It succeeded.
  [[nodiscard]] static CronOutcome failed(std::string text);     ///< It did not.
};

/// The run that a handler is called for. Lives as long as the call.
///
/// Threads: shared, so that a handler may use threads of its own.
class CronRun {
 public:
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  CronRun(const CronRun&) = delete;
  CronRun& operator=(const CronRun&) = delete;

  /// The job, as it was when the run was claimed.
  [[nodiscard]] const CronJob& job() const noexcept { return job_; }
  [[nodiscard]] const std::string& payload() const noexcept { return job_.spec.payload; }
  [[nodiscard]] const CronRecord& record() const noexcept { return record_; }
  [[nodiscard]] TimePoint due() const noexcept { return record_.due; }

  /// Is requested when the time is up, when the job is paused or removed, when the scheduler is
  /// stopped, and when others have taken this run for dead. What has ended the run decides its
  /// status then, whatever the handler returns. A handler that goes on is waited for.
  [[nodiscard]] std::stop_token stop() const noexcept { return stop_; }

  /// Records the run as done in the handler's own transaction, so that what it does there and the
  /// record of it are in the file together or not at all, whatever happens to the process. What
  /// the handler returns later is not recorded. Throws Cancelled (CRON_RUN_LOST) when the run has
  /// been cancelled or taken for dead.
  void complete(WriteTx& tx, std::string_view result = {}) const;

 private:
  friend class detail::CronExecution;

  CronRun(const CronOptions& options, CronJob job, CronRecord record,
          std::stop_token stop) noexcept;

  const CronOptions& options_;
  const CronJob job_;
  const CronRecord record_;
  const std::stop_token stop_;
};

/// Runs jobs of one kind. Called on a thread of its own, outside every transaction, for several
/// runs at once. What it throws makes the run Failed, with the exception's text.
using CronHandler = std::function<CronOutcome(CronRun& run)>;

/// Settings of a scheduler.
///
/// Threads: immutable.
struct CronOptions {
  std::string zone = "UTC";  ///< Of jobs that name none.

  /// Runs at once in this scheduler, 1 to 1000. What is due beyond them waits for a free place, in
  /// this process or another one.
  int max_running = 5;

  /// How long a run may take before it is asked to stop, unless its job says otherwise.
  std::chrono::milliseconds timeout = std::chrono::minutes(30);

  /// How late a due time may be started and still count as on time.
  std::chrono::milliseconds grace = std::chrono::minutes(1);

  /// How long a run whose process is dead counts as running. A living scheduler renews it three
  /// times as often. At least 1 second.
  std::chrono::milliseconds lease = std::chrono::seconds(30);

  /// Ended runs that are kept of each job, 1 or more; the oldest go first.
  int history_per_job = 1000;

  /// Bytes of a result or an error that are kept; more is cut off, between characters.
  std::size_t text_limit = 64U << 10U;

  /// The clock. Called from any thread. Who has one that does not go by itself calls
  /// Scheduler::wake() when it has moved.
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;

  /// Told of every run that this scheduler starts, ends or skips, after it is in the file, on the
  /// scheduler's own thread, which waits meanwhile. What it throws is told to the log sink and
  /// changes nothing.
  std::function<void(const CronRecord&)> on_run{};

  /// Told of jobs that cannot be run here (CRON_EXPRESSION_INVALID, CRON_ZONE_UNKNOWN,
  /// CRON_KIND_UNHANDLED), of runs that were lost (CRON_RUN_LOST) and of failures of the file.
  LogSink log_sink{};
};

/// Keeps jobs in the file, and runs those that are due. Any number of schedulers may work on one
/// file, in one process or in many: each due time is claimed by one of them, in a transaction, and
/// by no other ever again. A due time is therefore run once at most; one that is interrupted is not
/// repeated, but found in the history. Jobs of a kind that has no handler here are left to others.
///
/// All calls throw what a lane's do; of a name that is not there they say so in their result.
///
/// Threads: shared.
class Scheduler {
 public:
  using TimePoint = std::chrono::system_clock::time_point;  ///< Real time.

  /// Makes the tables if they are missing, and starts nothing. Throws MisuseError (OPTION_INVALID,
  /// CRON_ZONE_UNKNOWN), MigrationError.
  explicit Scheduler(Lane lane, CronOptions options = {},
                     std::source_location where = std::source_location::current());

  /// As stop() without patience, and then waits for handlers that still run.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Names who runs the jobs of a kind, before start() or later. `sql` is there from the beginning:
  /// it runs the payload, statements without parameters, in one write transaction together with the
  /// record that it is done. Throws MisuseError (CRON_HANDLER_EXISTS, CRON_JOB_INVALID).
  void handle(const std::string& kind, const CronHandler& handler,
              std::source_location where = std::source_location::current());

  /// Adds a job, or changes the one of that name: its id, its history and whether it is paused
  /// stay, and its next run too unless the schedule or the zone is another. `@every` counts from
  /// when the job got this schedule. A single time that has been run is run again only when its
  /// schedule is changed. Throws MisuseError: CRON_JOB_INVALID and what CronExpression::parse() and
  /// TimeZone::find() throw.
  CronJob add(const CronJobSpec& spec,
              std::source_location where = std::source_location::current());
  /// The same in the caller's transaction.
  CronJob add(WriteTx& tx, const CronJobSpec& spec,
              std::source_location where = std::source_location::current());

  [[nodiscard]] std::optional<CronJob> find(std::string_view name) const;  ///< Empty: no such job.
  [[nodiscard]] std::optional<CronJob> find(std::int64_t id) const;
  /// By name.
  [[nodiscard]] std::vector<CronJob> list() const;
  [[nodiscard]] std::vector<CronJob> list_enabled() const;  ///< Those that are not paused, by name.

  /// Runs the job no more until resume(); a run that is going on is asked to stop, wherever it is.
  /// False when there is no such job.
  bool pause(std::string_view name);
  /// Goes on with the first due time from now; those of the pause were not missed. Has no effect on
  /// a job that is not paused. False when there is no such job.
  bool resume(std::string_view name);
  /// Removes the job and its history; a run that is going on is asked to stop, wherever it is.
  /// False when there is no such job.
  bool remove(std::string_view name);

  /// The newest runs, the newest first, of one job or of all.
  [[nodiscard]] std::vector<CronRecord> history(std::size_t limit = 100) const;
  [[nodiscard]] std::vector<CronRecord> history(std::string_view name,
                                                std::size_t limit = 100) const;

  /// The next due times of a job: none while it is paused, or when there is no such job.
  [[nodiscard]] std::vector<TimePoint> next_runs(std::string_view name, std::size_t count) const;

  /// Begins to run what is due. No effect when it runs already. Jobs whose schedule is not
  /// understood here are told to the log sink and left alone. Throws MisuseError
  /// (CRON_ZONE_UNKNOWN) when the zone of an enabled job is not on this machine.
  void start(std::source_location where = std::source_location::current());

  /// Claims nothing more, asks what runs to stop, and waits for it up to `deadline`. The names of
  /// the jobs that still run then: their runs stay theirs until they end, and the destructor waits
  /// for them. May be called again, and when nothing was started.
  std::vector<std::string> stop(std::chrono::milliseconds deadline);

  /// Looks again at once: CronOptions::now has moved.
  void wake();

  /// Waits until nothing is due that this scheduler could run and nothing that it runs is left;
  /// false when that took longer than `limit`, or when it is not started.
  [[nodiscard]] bool wait_until_idle(std::chrono::milliseconds limit) const;

 private:
  std::unique_ptr<detail::CronEngine> engine_;
};

}  // namespace turnstile
