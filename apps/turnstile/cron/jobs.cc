#include "cron/jobs.h"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "json.h"
#include "session.h"
#include "text.h"
#include "turnstile/time_zone.h"

namespace turnstile::cli {

namespace {

using TimePoint = std::chrono::system_clock::time_point;

Json time_or_null(std::optional<TimePoint> time) {
  return time ? Json(iso_time(*time)) : Json();
}

}  // namespace

Jobs Jobs::for_writing(const Context& context) {
  Jobs jobs(open_for_writing(context, {.mode = OpenMode::ReadWrite}));
  jobs.scheduler_ = std::make_unique<Scheduler>(jobs.database_.lane("cron"));
  return jobs;
}

Jobs Jobs::for_reading(const Context& context) {
  Jobs jobs(open_for_reading(context, 1));
  const Lane lane = jobs.database_.lane("cron");
  const bool has_tables = lane.read([](ReadTx& tx) {
    return tx.query<bool>("SELECT count(*) FROM sqlite_schema WHERE name = 'cron_job'").one();
  });
  if (has_tables) jobs.scheduler_ = std::make_unique<Scheduler>(lane);
  return jobs;
}

Failure no_such_job(std::string_view name, Scheduler* scheduler) {
  const std::vector<CronJob> jobs =
      scheduler == nullptr ? std::vector<CronJob>() : scheduler->list();
  std::vector<std::string_view> names;
  for (const CronJob& job : jobs)
    names.push_back(job.spec.name);
  const std::string_view best = nearest(name, names);
  return {ExitCode::NotFound, "JOB_NOT_FOUND", fmt::format("there is no job '{}'", printable(name)),
          best.empty() ? "`turnstile cron list DB` shows the jobs."
                       : fmt::format("Did you mean {}?", printable(best))};
}

Json to_json(const CronJob& job) {
  const CronJobSpec& spec = job.spec;
  return {{"id", job.id},
          {"name", spec.name},
          {"schedule", spec.schedule},
          {"zone", spec.zone},
          {"kind", spec.kind},
          {"payload", spec.payload},
          {"enabled", job.enabled},
          {"timeout_ms", spec.timeout ? Json(spec.timeout->count()) : Json()},
          {"missed", to_string(spec.missed)},
          {"missed_limit", spec.missed_limit},
          {"overlap", to_string(spec.overlap)},
          {"jitter_ms", spec.jitter.count()},
          {"next_run", time_or_null(job.next_run)},
          {"last_run", time_or_null(job.last_run)},
          {"last_status", job.last_status ? Json(to_string(*job.last_status)) : Json()},
          {"skipped", job.skipped},
          {"created", iso_time(job.created)},
          {"updated", iso_time(job.updated)}};
}

Json to_json(const CronRecord& record) {
  const auto duration = record.duration();
  return {{"id", record.id},
          {"job", record.job},
          {"due", iso_time(record.due)},
          {"status", to_string(record.status)},
          {"due_times", record.due_times},
          {"started", time_or_null(record.started)},
          {"finished", time_or_null(record.finished)},
          {"duration_ms", duration ? Json(static_cast<double>(duration->count()) / 1000) : Json()},
          {"owner", record.owner.empty() ? Json() : Json(record.owner)},
          {"fence", record.fence},
          {"text", record.text}};
}

std::string local_time(std::optional<TimePoint> time, const std::string& zone) {
  if (!time) return "";
  const TimePoint second = std::chrono::floor<std::chrono::seconds>(*time);
  try {
    return TimeZone::find(zone).format(second);
  } catch (const MisuseError&) {
    return TimeZone().format(second);
  }
}

std::string due_times_of(const CronRecord& record) {
  return record.due_times > 1 ? fmt::format("({} due times)", record.due_times) : "";
}

}  // namespace turnstile::cli
