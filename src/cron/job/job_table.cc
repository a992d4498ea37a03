#include "cron/job/job_table.h"

#include <chrono>
#include <string>

#include "cron/job/codecs.h"

namespace turnstile::cron {

namespace {

std::optional<TimePoint> start_of(const CronJobSpec& spec, std::optional<TimePoint> due) {
  return due ? std::optional(*due + jitter_of(spec, *due)) : std::nullopt;
}

std::optional<JobRow> find_by(ReadTx& tx, std::string_view condition, const auto& value) {
  const std::string sql =
      "SELECT " + std::string(job_columns()) + " FROM cron_job WHERE " + std::string(condition);
  for (const Row& row : tx.query<>(sql, value))
    return read_job(row);
  return std::nullopt;
}

void insert(WriteTx& tx, const CronJobSpec& spec, TimePoint now) {
  const auto next = Schedule::of(spec, now).first(now);
  tx.execute(
      "INSERT INTO cron_job(name, schedule, kind, payload, zone, timeout, missed, missed_limit, "
      "overlap, jitter, counted_from, next_run, next_start, created, updated) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      spec.name, spec.schedule, spec.kind, spec.payload, spec.zone, spec.timeout, spec.missed,
      spec.missed_limit, spec.overlap, spec.jitter, now, next, start_of(spec, next), now, now);
}

void update(WriteTx& tx, const JobRow& row, const CronJobSpec& spec, TimePoint now) {
  const CronJobSpec& former = row.job.spec;
  tx.execute(
      "UPDATE cron_job SET schedule = ?, kind = ?, payload = ?, zone = ?, timeout = ?, missed = ?, "
      "missed_limit = ?, overlap = ?, jitter = ?, updated = ? WHERE id = ?",
      spec.schedule, spec.kind, spec.payload, spec.zone, spec.timeout, spec.missed,
      spec.missed_limit, spec.overlap, spec.jitter, now, row.job.id);

  JobRow changed = row;
  changed.job.spec = spec;
  if (spec.schedule == former.schedule && spec.zone == former.zone) {
    if (spec.jitter != former.jitter && row.job.next_run)
      set_next_run(tx, changed, row.job.next_run);
    return;
  }
  if (spec.schedule != former.schedule) changed.counted_from = now;
  // Over is what has no next run; that is not the same as paused.
  tx.execute(
      "UPDATE cron_job SET counted_from = ?, enabled = enabled OR next_run IS NULL WHERE id = ?",
      changed.counted_from, row.job.id);
  set_next_run(tx, changed, changed.schedule().first(now));
}

}  // namespace

std::string_view job_columns() noexcept {
  return "id, name, schedule, kind, payload, zone, timeout, missed, missed_limit, overlap, jitter, "
         "enabled, counted_from, next_run, last_run, last_status, skipped, created, updated";
}

JobRow read_job(const Row& row) {
  using std::chrono::milliseconds;
  using MaybeTime = std::optional<TimePoint>;
  JobRow result;
  CronJob& job = result.job;
  int column = 0;
  job.id = row.get<std::int64_t>(column++);
  job.spec.name = row.get<std::string>(column++);
  job.spec.schedule = row.get<std::string>(column++);
  job.spec.kind = row.get<std::string>(column++);
  job.spec.payload = row.get<std::string>(column++);
  job.spec.zone = row.get<std::string>(column++);
  job.spec.timeout = row.get<std::optional<milliseconds>>(column++);
  job.spec.missed = row.get<MissedRuns>(column++);
  job.spec.missed_limit = row.get<int>(column++);
  job.spec.overlap = row.get<Overlap>(column++);
  job.spec.jitter = row.get<milliseconds>(column++);
  job.enabled = row.get<bool>(column++);
  result.counted_from = row.get<TimePoint>(column++);
  job.next_run = row.get<MaybeTime>(column++);
  job.last_run = row.get<MaybeTime>(column++);
  job.last_status = row.get<std::optional<CronStatus>>(column++);
  job.skipped = row.get<std::int64_t>(column++);
  job.created = row.get<TimePoint>(column++);
  job.updated = row.get<TimePoint>(column++);
  return result;
}

std::optional<JobRow> find_job(ReadTx& tx, std::string_view name) {
  return find_by(tx, "name = ?", name);
}
std::optional<JobRow> find_job(ReadTx& tx, std::int64_t id) {
  return find_by(tx, "id = ?", id);
}

std::vector<JobRow> list_jobs(ReadTx& tx) {
  std::vector<JobRow> jobs;
  for (const Row& row :
       tx.query<>("SELECT " + std::string(job_columns()) + " FROM cron_job ORDER BY name"))
    jobs.push_back(read_job(row));
  return jobs;
}

CronJob put_job(WriteTx& tx, const CronJobSpec& spec, TimePoint now) {
  const auto existing = find_job(tx, spec.name);
  if (existing && existing->job.spec == spec) return existing->job;
  if (existing)
    update(tx, *existing, spec, now);
  else
    insert(tx, spec, now);
  return find_job(tx, spec.name).value().job;
}

bool pause_job(WriteTx& tx, std::string_view name, TimePoint now) {
  const auto row = find_job(tx, name);
  if (!row) return false;
  // Also when it was paused already: whoever runs it hears of it by this table.
  tx.execute("UPDATE cron_job SET enabled = 0, updated = ? WHERE id = ?", now, row->job.id);
  tx.execute("UPDATE cron_run SET cancel = 1 WHERE status = 'running' AND job = ?", row->job.id);
  tx.execute(
      "UPDATE cron_run SET status = 'cancelled', finished = ? WHERE status = 'queued' AND job = ?",
      now, row->job.id);
  return true;
}

bool resume_job(WriteTx& tx, std::string_view name, TimePoint now) {
  const auto row = find_job(tx, name);
  if (!row) return false;
  if (row->job.enabled || !row->job.next_run) return true;
  const Schedule schedule = row->schedule();
  tx.execute("UPDATE cron_job SET enabled = 1, updated = ? WHERE id = ?", now, row->job.id);
  set_next_run(tx, *row, schedule.first(now));
  return true;
}

bool remove_job(WriteTx& tx, std::string_view name) {
  const auto row = find_job(tx, name);
  if (!row) return false;
  // Not left to the foreign key, which a program may have switched off.
  tx.execute("DELETE FROM cron_run WHERE job = ?", row->job.id);
  tx.execute("DELETE FROM cron_job WHERE id = ?", row->job.id);
  return true;
}

void set_next_run(WriteTx& tx, const JobRow& row, std::optional<TimePoint> next) {
  tx.execute(
      "UPDATE cron_job SET next_run = ?1, next_start = ?2, enabled = enabled AND ?1 IS NOT NULL "
      "WHERE id = ?3",
      next, start_of(row.job.spec, next), row.job.id);
}

}  // namespace turnstile::cron
