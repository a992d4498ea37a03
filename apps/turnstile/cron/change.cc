// Commands that change one job.
#include <string>

#include "context.h"
#include "cron/commands.h"
#include "cron/jobs.h"

namespace turnstile::cli {

namespace {

ExitCode change(Context& context, bool (Scheduler::*how)(std::string_view)) {
  const std::string name = context.arguments.positional("NAME");
  // A database without jobs gets no tables by this.
  if (Jobs::for_reading(context).scheduler() == nullptr) throw no_such_job(name, nullptr);
  Jobs jobs = Jobs::for_writing(context);
  if (!(jobs.scheduler()->*how)(name)) throw no_such_job(name, jobs.scheduler());
  return ExitCode::Done;
}

}  // namespace

ExitCode run_cron_pause(Context& context) {
  return change(context, &Scheduler::pause);
}
ExitCode run_cron_resume(Context& context) {
  return change(context, &Scheduler::resume);
}
ExitCode run_cron_remove(Context& context) {
  return change(context, &Scheduler::remove);
}

}  // namespace turnstile::cli
