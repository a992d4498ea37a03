#include "cron/engine/claims.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "cron/job/codecs.h"
#include "cron/job/run_table.h"
#include "turnstile/error.h"

namespace turnstile::cron {

namespace {

// Between names, and around them: no kind has it in it.
constexpr char kSeparator = '\x1f';

constexpr std::string_view kHandledHere = "instr(:kinds, char(31) || kind || char(31)) > 0";

std::string due_jobs(std::string_view columns) {
  return "SELECT " + std::string(columns) +
         " FROM cron_job WHERE enabled = 1 AND next_start IS NOT NULL AND " +
         std::string(kHandledHere) +
         " AND instr(:unusable, char(31) || id || ':' || updated || char(31)) = 0 "
         "AND next_start <= :until "
         "ORDER BY next_start, id";
}

// A run that waits may start when no other run of its job goes on, or when that does not matter.
std::string startable_runs() {
  return "SELECT r.id, r.job FROM cron_run r JOIN cron_job ON cron_job.id = r.job "
         "WHERE r.status = 'queued' AND " +
         std::string(kHandledHere) +
         " AND (overlap = 'allow' OR NOT EXISTS (SELECT 1 FROM cron_run o WHERE o.job = r.job AND "
         "o.status = 'running')) ORDER BY r.due, r.id LIMIT 1";
}

// Ids and leases of the runs that go on, wherever. One of this scheduler's own that it knows
// nothing of was claimed by a commit that gave no answer; it ends with its lease.
std::vector<std::tuple<std::int64_t, TimePoint>> running(ReadTx& tx) {
  return tx
      .query<std::int64_t, TimePoint>("SELECT id, lease FROM cron_run WHERE status = 'running'")
      .all();
}

bool is_own(const Asking& asking, std::int64_t run_id) {
  return std::find(asking.own_runs.begin(), asking.own_runs.end(), run_id) != asking.own_runs.end();
}

void take_earlier(std::optional<TimePoint>& time, std::optional<TimePoint> other) {
  if (other && (!time || *other < *time)) time = other;
}

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string result(1, kSeparator);
  for (const std::string& word : words)
    result += word + kSeparator;
  return result;
}

std::string job_version(const CronJob& job) {
  using std::chrono::microseconds;
  const auto updated = std::chrono::floor<microseconds>(job.updated.time_since_epoch());
  return std::to_string(job.id) + ":" + std::to_string(updated.count());
}

Look look(ReadTx& tx, const Asking& asking) {
  Look found;
  Statement goes_on = tx.prepare(
      "SELECT count(*) FROM cron_run WHERE id = ? AND owner = ? AND "
      "(status = 'running' AND cancel = 0 OR status = 'done')");
  for (const std::int64_t id : asking.own_runs)
    if (goes_on.query<int>(id, asking.owner).one() == 0) found.given_up.push_back(id);
  for (const auto& [id, lease] : running(tx))
    if (!is_own(asking, id)) take_earlier(found.next, std::max(lease, asking.judge_from));
  if (asking.free_places <= 0) return found;

  take_earlier(
      found.next,
      tx.query<TimePoint>(due_jobs("next_start") + " LIMIT 1", named("kinds", asking.kinds),
                          named("unusable", asking.unusable), named("until", TimePoint::max()))
          .first());
  if (tx.query<std::int64_t, std::int64_t>(startable_runs(), named("kinds", asking.kinds)).first())
    take_earlier(found.next, asking.now);
  return found;
}

/// A job that is due, and how it stands. Threads: scoped.
struct Claims::Unsettled {
  const JobRow& row;
  DueTimes due;
  std::int64_t waiting = 0;
  std::int64_t running = 0;

  [[nodiscard]] const CronJobSpec& spec() const noexcept { return row.job.spec; }
};

void Claims::end(const CronRecord& record) {
  if (end_run(tx_, record)) {
    prune_runs(tx_, record.job_id, options_.history_per_job);
    visit_.settled.push_back(record);
    return;
  }
  // The handler may have recorded it in its own transaction.
  const auto found = find_run(tx_, record.id);
  const bool completed = found && found->owner == record.owner && found->fence == record.fence &&
                         found->status == CronStatus::Done;
  if (completed) prune_runs(tx_, record.job_id, options_.history_per_job);
  (completed ? visit_.settled : visit_.lost).push_back(completed ? *found : record);
}

void Claims::renew_leases() {
  Statement renew = tx_.prepare(
      "UPDATE cron_run SET lease = ? WHERE id = ? AND owner = ? AND status = 'running'");
  for (const std::int64_t id : asking_.own_runs)
    renew.execute(asking_.now + options_.lease, id, asking_.owner);
}

void Claims::bury_the_dead() {
  if (asking_.now < asking_.judge_from) return;
  for (const auto& [id, lease] : running(tx_)) {
    if (is_own(asking_, id) || lease > asking_.now) continue;
    CronRecord record = find_run(tx_, id).value();
    record.status = CronStatus::Interrupted;
    record.finished = asking_.now;
    record.text = "its process ended, or stood still for longer than the lease";
    end(record);
  }
}

void Claims::start_waiting() {
  while (free_ > 0) {
    const auto waiting =
        tx_.query<std::int64_t, std::int64_t>(startable_runs(), named("kinds", asking_.kinds))
            .first();
    if (!waiting) return;
    const auto [run_id, job_id] = *waiting;
    start(find_job(tx_, job_id).value(), run_id);
  }
}

void Claims::claim_due() {
  std::vector<JobRow> jobs;
  for (const Row& row :
       tx_.query<>(due_jobs(job_columns()), named("kinds", asking_.kinds),
                   named("unusable", asking_.unusable), named("until", asking_.now)))
    jobs.push_back(read_job(row));
  for (const JobRow& row : jobs) {
    std::optional<Schedule> schedule;
    try {
      schedule = row.schedule();
    } catch (const MisuseError& error) {
      // Another program's schedule, or a zone that only another machine's files have.
      visit_.unusable.push_back(
          {job_version(row.job), error.code(),
           "the job '" + row.job.spec.name + "' is left alone: " + std::string(error.message())});
    }
    if (schedule) claim(row, *schedule);
  }
}

void Claims::claim(const JobRow& row, const Schedule& schedule) {
  const TimePoint next_run = row.job.next_run.value();
  const TimePoint until = std::max(asking_.now - jitter_of(row.job.spec, next_run), next_run);
  Unsettled job{row, due_times(schedule, row.job.spec, next_run, until, options_.grace)};
  std::tie(job.waiting, job.running) =
      tx_.query<std::int64_t, std::int64_t>(
             "SELECT count(*) FILTER (WHERE status = 'queued'), "
             "count(*) FILTER (WHERE status = 'running') "
             "FROM cron_run WHERE job = ? AND status IN ('queued', 'running')",
             row.job.id)
          .one();

  const bool in_the_way = job.waiting + job.running > 0 && job.spec().overlap != Overlap::Allow;
  if (!in_the_way && !job.due.runs.empty() && free_ == 0) return;  // Due until there is room.
  // Before its runs begin, which are told of it as it is from now on.
  set_next_run(tx_, row, job.due.next);
  if (job.due.skipped)
    skip(row, *job.due.skipped, job.due.skipped_count, "missed: nobody started it in time");
  if (in_the_way)
    claim_beside_others(job);
  else
    claim_alone(job);
}

void Claims::claim_beside_others(const Unsettled& job) {
  std::int64_t room = 0;
  if (job.spec().overlap == Overlap::Queue)
    room = (job.spec().missed == MissedRuns::All ? job.spec().missed_limit : 1) - job.waiting;
  std::optional<TimePoint> skipped;
  std::int64_t count = 0;
  for (const TimePoint& due : job.due.runs) {
    const std::int64_t stands_for = &due == &job.due.runs.back() ? job.due.last_stands_for : 1;
    if (room-- > 0) {
      insert(job.row, due, stands_for, CronStatus::Queued);
    } else {
      skipped = due;
      count += stands_for;
    }
  }
  if (skipped) skip(job.row, *skipped, count, "an earlier run of the job was still going on");
}

void Claims::claim_alone(const Unsettled& job) {
  bool may_start = true;
  for (const TimePoint& due : job.due.runs) {
    const std::int64_t stands_for = &due == &job.due.runs.back() ? job.due.last_stands_for : 1;
    const auto id = insert(job.row, due, stands_for, CronStatus::Queued);
    if (!id || !may_start || free_ == 0) continue;
    start(job.row, *id);
    may_start = job.spec().overlap == Overlap::Allow;
  }
}

std::optional<std::int64_t> Claims::insert(const JobRow& row, TimePoint due, std::int64_t due_times,
                                           CronStatus status, std::string_view text) {
  const bool is_over = status == CronStatus::Skipped;
  const auto inserted = tx_.execute(
      "INSERT INTO cron_run(job, due, status, due_times, finished, text) VALUES (?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (job, due) DO NOTHING",
      row.job.id, due, status, due_times, is_over ? std::optional(asking_.now) : std::nullopt,
      text);
  if (inserted.changes == 0) return std::nullopt;
  return inserted.last_insert_rowid;
}

void Claims::start(const JobRow& row, std::int64_t run_id) {
  tx_.execute(
      "UPDATE cron_run SET status = 'running', owner = ?, fence = fence + 1, lease = ?, "
      "started = ? WHERE id = ?",
      asking_.owner, asking_.now + options_.lease, asking_.now, run_id);
  tx_.execute("UPDATE cron_job SET last_run = ? WHERE id = ?", asking_.now, row.job.id);
  visit_.started.push_back({find_job(tx_, row.job.id).value().job, find_run(tx_, run_id).value()});
  --free_;
}

void Claims::skip(const JobRow& row, TimePoint due, std::int64_t count, std::string_view why) {
  tx_.execute("UPDATE cron_job SET skipped = skipped + ? WHERE id = ?", count, row.job.id);
  const auto id = insert(row, due, count, CronStatus::Skipped, why);
  if (!id) return;
  visit_.settled.push_back(find_run(tx_, *id).value());
  prune_runs(tx_, row.job.id, options_.history_per_job);
}

}  // namespace turnstile::cron
