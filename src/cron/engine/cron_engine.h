// The working half of a Scheduler: one thread that looks at the file when something may be due, and
// a thread for each run.
//
// The scheduler's thread is the only one that claims, records and asks runs to stop. It waits for
// the next due time, for the end of a run, and for a commit that touches cron_job, by whomever.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "cron/engine/claims.h"
#include "cron/engine/cron_execution.h"
#include "gate/mutex.h"
#include "turnstile/cron.h"
#include "turnstile/observation.h"

namespace turnstile::detail {

/// Threads: shared.
class CronEngine {
 public:
  using TimePoint = cron::TimePoint;

  CronEngine(Lane lane, CronOptions options);
  ~CronEngine();
  CronEngine(const CronEngine&) = delete;
  CronEngine& operator=(const CronEngine&) = delete;

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }
  [[nodiscard]] const CronOptions& options() const noexcept { return options_; }
  [[nodiscard]] TimePoint now() const;

  // See Scheduler for all of these.

  void handle(const std::string& kind, const CronHandler& handler, std::source_location where)
      TURNSTILE_EXCLUDES(mutex_);
  void start(std::source_location where) TURNSTILE_EXCLUDES(mutex_);
  std::vector<std::string> stop(std::chrono::milliseconds deadline) TURNSTILE_EXCLUDES(mutex_);
  void wake() TURNSTILE_EXCLUDES(mutex_);
  bool wait_until_idle(std::chrono::milliseconds limit) TURNSTILE_EXCLUDES(mutex_);

 private:
  using Steady = std::chrono::steady_clock;
  struct Round;

  enum class State {
    Stopped,   // There is no thread, or it is about to end.
    Started,   // It claims what is due.
    Stopping,  // It claims nothing more, and ends when the last run has ended.
  };

  void run() TURNSTILE_EXCLUDES(mutex_);
  /// What has changed since the last time; empty when the thread's work is over.
  [[nodiscard]] std::optional<Round> next_round() TURNSTILE_EXCLUDES(mutex_);
  /// One look at the file, and what follows from it. When to look again.
  [[nodiscard]] Steady::time_point work(const Round& round) TURNSTILE_EXCLUDES(mutex_);
  void wait_until(Steady::time_point time) TURNSTILE_EXCLUDES(mutex_);

  void notice_jumps(TimePoint now);
  static void ask_to_stop(const Round& round);
  static void cancel(const Round& round, const std::vector<std::int64_t>& run_ids);
  [[nodiscard]] cron::Visit visit(const Round& round, const cron::Asking& asking) const;
  [[nodiscard]] Steady::time_point next_look(std::optional<TimePoint> due, TimePoint now) const;
  void give_up_after(const std::exception& failure, const Round& round) TURNSTILE_EXCLUDES(mutex_);
  void forget(const std::vector<CronExecution*>& executions) TURNSTILE_EXCLUDES(mutex_);
  void begin(cron::Started started) TURNSTILE_EXCLUDES(mutex_);
  void execute(CronExecution& execution) noexcept TURNSTILE_EXCLUDES(mutex_);
  void end(CronExecution& execution, CronOutcome outcome) noexcept TURNSTILE_EXCLUDES(mutex_);

  void tell(const cron::Visit& visit) TURNSTILE_EXCLUDES(mutex_);
  void tell(const CronRecord& record) const;
  void log(LogEvent::Severity severity, std::string_view code, std::string message) const;
  /// Warns of enabled jobs that cannot be run here; throws for an unknown zone.
  void check_jobs(std::source_location where) TURNSTILE_EXCLUDES(mutex_);

  const Lane lane_;
  const CronOptions options_;
  const std::string owner_;

  gate::Mutex mutex_;
  gate::CondVar woken_;
  gate::CondVar changed_;  // State, or how far idle_ has come.
  State state_ TURNSTILE_GUARDED_BY(mutex_) = State::Stopped;
  Steady::time_point patience_ TURNSTILE_GUARDED_BY(mutex_);  // Of stop().
  bool stop_asked_ TURNSTILE_GUARDED_BY(mutex_) = false;      // Also when start() came right after.
  std::uint64_t wakes_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t seen_wakes_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t idle_ TURNSTILE_GUARDED_BY(mutex_) = 0;  // Nothing was left to do at this wake.
  std::map<std::string, CronHandler, std::less<>> handlers_ TURNSTILE_GUARDED_BY(mutex_);
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
  // Jobs that cannot be understood here, until they are changed.
  std::vector<std::string> unusable_ TURNSTILE_GUARDED_BY(mutex_);
  // Changed by the scheduler's thread only, under the mutex.
  std::list<std::unique_ptr<CronExecution>> executions_;

  // The scheduler's thread only.
  std::optional<std::pair<Steady::time_point, TimePoint>> last_look_;
  TimePoint judge_from_{};
  TimePoint renew_at_{};
  std::string last_failure_;
};

}  // namespace turnstile::detail
