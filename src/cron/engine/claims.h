// What a scheduler does in the file: it looks, and it claims. Each function is one step inside a
// transaction of the caller, so that whoever claims a due time and whoever starts it is the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cron/job/job_table.h"
#include "turnstile/cron.h"
#include "turnstile/transaction.h"

namespace turnstile::cron {

/// Who asks, and for what. Threads: scoped.
struct Asking {
  std::string_view owner;
  std::string_view kinds;     ///< Those with a handler, joined().
  std::string_view unusable;  ///< The job_version()s of jobs to be left alone, joined().
  std::span<const std::int64_t> own_runs{};  ///< Those that go on in this process.
  TimePoint now{};
  int free_places = 0;
  /// Before this, a lease that has run out is no sign of death.
  TimePoint judge_from{};
};

/// Words as the SQL of this layer looks for them: a separator around each.
[[nodiscard]] std::string joined(const std::vector<std::string>& words);
/// What tells a job from itself before it was changed.
[[nodiscard]] std::string job_version(const CronJob& job);

/// What a look at the file finds. Threads: immutable.
struct Look {
  std::vector<std::int64_t> given_up{};  ///< Own runs that were cancelled, or taken for dead.
  std::optional<TimePoint> next{};       ///< When there is something to claim.
};

[[nodiscard]] Look look(ReadTx& tx, const Asking& asking);

/// A run that is to be started now. Threads: immutable.
struct Started {
  CronJob job;
  CronRecord record;
};

/// What a visit to the file has changed. Threads: immutable.
struct Visit {
  std::vector<Started> started{};
  std::vector<CronRecord> settled{};  ///< Ended, interrupted and skipped ones.
  std::vector<CronRecord> lost{};     ///< Their ends could not be recorded.

  /// A job that cannot be understood here.
  struct Unusable {
    std::string version;
    std::string_view code;
    std::string message;
  };
  std::vector<Unusable> unusable{};
};

/// One visit: a write transaction's worth of work, in this order.
///
/// Threads: scoped.
class Claims {
 public:
  Claims(WriteTx& tx, const CronOptions& options, const Asking& asking)
      : tx_(tx), options_(options), asking_(asking), free_(asking.free_places) {}

  /// Records how a run ended, whose `record` says so.
  void end(const CronRecord& record);
  /// Says that the runs of this process are alive.
  void renew_leases();
  /// Ends the runs whose leases have run out.
  void bury_the_dead();
  /// Starts runs that wait, the oldest first, while there are free places.
  void start_waiting();
  /// Settles every due time that has come: to be started, to wait, or to be skipped.
  void claim_due();

  [[nodiscard]] Visit result() && { return std::move(visit_); }

 private:
  struct Unsettled;

  void claim(const JobRow& row, const Schedule& schedule);
  void claim_beside_others(const Unsettled& job);
  void claim_alone(const Unsettled& job);
  /// Empty when the due time was claimed before.
  std::optional<std::int64_t> insert(const JobRow& row, TimePoint due, std::int64_t due_times,
                                     CronStatus status, std::string_view text = {});
  void start(const JobRow& row, std::int64_t run_id);
  void skip(const JobRow& row, TimePoint due, std::int64_t count, std::string_view why);

  WriteTx& tx_;
  const CronOptions& options_;
  const Asking& asking_;
  int free_;
  Visit visit_;
};

}  // namespace turnstile::cron
