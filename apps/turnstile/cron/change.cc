// Commands that change one job.
#include <string>

#include "context.h"
#include "cron/commands.h"
#include "cron/jobs.h"
#include "json.h"

namespace turnstile::cli {

namespace {

Jobs change(const Context& context, bool (Scheduler::*how)(std::string_view)) {
  const std::string name = context.arguments.positional("NAME");
  // A database without jobs gets no tables by this.
  if (Jobs::for_reading(context).scheduler() == nullptr) throw no_such_job(name, nullptr);
  Jobs jobs = Jobs::for_writing(context);
  if (!(jobs.scheduler()->*how)(name)) throw no_such_job(name, jobs.scheduler());
  return jobs;
}

ExitCode change_and_show(Context& context, bool (Scheduler::*how)(std::string_view)) {
  Jobs jobs = change(context, how);
  if (context.arguments.json()) {
    const std::string name = context.arguments.positional("NAME");
    const auto job = jobs.scheduler()->find(name);
    // Somebody may have removed it since.
    if (!job) throw no_such_job(name, jobs.scheduler());
    context.output.write_json(to_json(*job));
  }
  return ExitCode::Done;
}

}  // namespace

ExitCode run_cron_pause(Context& context) {
  return change_and_show(context, &Scheduler::pause);
}
ExitCode run_cron_resume(Context& context) {
  return change_and_show(context, &Scheduler::resume);
}
ExitCode run_cron_remove(Context& context) {
  static_cast<void>(change(context, &Scheduler::remove));
  if (context.arguments.json())
    context.output.write_json({{"name", context.arguments.positional("NAME")}});
  return ExitCode::Done;
}

}  // namespace turnstile::cli
