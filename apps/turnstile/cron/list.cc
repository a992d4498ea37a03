#include <fmt/core.h>

#include <map>
#include <string>
#include <vector>

#include "context.h"
#include "cron/commands.h"
#include "cron/jobs.h"
#include "json.h"
#include "text.h"

namespace turnstile::cli {

namespace {

template <class T>
Json array_of(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values)
    array.push_back(to_json(value));
  return array;
}

std::string state_of(const CronJob& job) {
  if (!job.next_run) return "over";
  return job.enabled ? local_time(job.next_run, job.spec.zone) : "paused";
}

void print(const std::vector<CronJob>& jobs, Output& output) {
  if (jobs.empty()) {
    output.write("no jobs\n");
    return;
  }
  Table table(output, {"name", "schedule", "zone", "kind", "next run", "last run", "ended"});
  for (const CronJob& job : jobs) {
    table.add({{printable(job.spec.name)},
               {printable(job.spec.schedule)},
               {printable(job.spec.zone)},
               {printable(job.spec.kind)},
               {state_of(job)},
               {local_time(job.last_run, job.spec.zone)},
               {job.last_status ? std::string(to_string(*job.last_status)) : ""}});
  }
  table.finish();
}

void print(const std::vector<CronRecord>& records, const std::map<std::string, std::string>& zones,
           Output& output) {
  constexpr std::size_t kTextWidth = 60;
  if (records.empty()) {
    output.write("no runs\n");
    return;
  }
  Table table(output, {"job", "due", "status", "took", "text"});
  for (const CronRecord& record : records) {
    const auto duration = record.duration();
    std::string text = due_times_of(record);
    if (!text.empty() && !record.text.empty()) text += ' ';
    text += shortened(record.text, kTextWidth);
    table.add({{printable(record.job)},
               {local_time(record.due, zones.at(record.job))},
               {std::string(to_string(record.status))},
               {duration ? human_duration(*duration) : "", true},
               {text}});
  }
  table.finish();
}

}  // namespace

ExitCode run_cron_list(Context& context) {
  Jobs jobs = Jobs::for_reading(context);
  const Scheduler* scheduler = jobs.scheduler();
  const std::vector<CronJob> found = scheduler == nullptr ? std::vector<CronJob>()
                                     : context.arguments.has("--enabled")
                                         ? scheduler->list_enabled()
                                         : scheduler->list();
  if (context.arguments.json())
    context.output.write_json(array_of(found));
  else
    print(found, context.output);
  return ExitCode::Done;
}

ExitCode run_cron_history(Context& context) {
  const Arguments& arguments = context.arguments;
  const auto count =
      static_cast<std::size_t>(arguments.integer("--count", 1, 1'000'000).value_or(20));
  const std::string name = arguments.positional("NAME");
  Jobs jobs = Jobs::for_reading(context);
  Scheduler* scheduler = jobs.scheduler();
  if (!name.empty() && (scheduler == nullptr || !scheduler->find(name)))
    throw no_such_job(name, scheduler);
  std::vector<CronRecord> records;
  if (scheduler != nullptr)
    records = name.empty() ? scheduler->history(count) : scheduler->history(name, count);
  if (arguments.json()) {
    context.output.write_json(array_of(records));
    return ExitCode::Done;
  }
  std::map<std::string, std::string> zones;
  for (const CronRecord& record : records)
    zones.emplace(record.job, "UTC");
  if (scheduler != nullptr)
    for (const CronJob& job : scheduler->list())
      zones[job.spec.name] = job.spec.zone;
  print(records, zones, context.output);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
