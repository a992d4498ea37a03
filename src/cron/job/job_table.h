// The jobs in the file, as people and programs change them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cron/job/due.h"
#include "turnstile/cron.h"
#include "turnstile/transaction.h"

namespace turnstile::cron {

/// A row of cron_job. Threads: immutable.
struct JobRow {
  CronJob job;
  TimePoint counted_from{};  ///< What `@every` counts from.

  [[nodiscard]] Schedule schedule() const { return Schedule::of(job.spec, counted_from); }
};

/// For `SELECT ... FROM cron_job`; read_job() reads such a row.
[[nodiscard]] std::string_view job_columns() noexcept;
[[nodiscard]] JobRow read_job(const Row& row);

[[nodiscard]] std::optional<JobRow> find_job(ReadTx& tx, std::string_view name);
[[nodiscard]] std::optional<JobRow> find_job(ReadTx& tx, std::int64_t id);
[[nodiscard]] std::vector<JobRow> list_jobs(ReadTx& tx);

/// See Scheduler::add(); `spec` has a zone, and its schedule and zone are known to be good.
CronJob put_job(WriteTx& tx, const CronJobSpec& spec, TimePoint now);

/// See the functions of Scheduler.
bool pause_job(WriteTx& tx, std::string_view name, TimePoint now);
bool resume_job(WriteTx& tx, std::string_view name, TimePoint now);
bool remove_job(WriteTx& tx, std::string_view name);

/// Sets what is to be run next; nothing: no more, and the job is over.
void set_next_run(WriteTx& tx, const JobRow& row, std::optional<TimePoint> next);

}  // namespace turnstile::cron
