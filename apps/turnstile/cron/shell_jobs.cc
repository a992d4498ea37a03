#include "cron/shell_jobs.h"

#include <chrono>
#include <string>

#include "text.h"
#include "turnstile/shell.h"

namespace turnstile::cli {

CronOutcome run_shell_job(CronRun& run) {
  // Ctrl-C leaves a second until the end: enough for this, and for the record of it.
  constexpr std::chrono::milliseconds kProgramGrace{500};
  const ShellOutcome outcome = run_shell({.words = command_words(run.payload()),
                                          .environment = {{"TURNSTILE_JOB", run.job().spec.name},
                                                          {"TURNSTILE_DUE", iso_time(run.due())}},
                                          .grace = kProgramGrace},
                                         run.stop());
  const std::string output = outcome.output.substr(0, outcome.output.find_last_not_of("\r\n") + 1);
  if (outcome.succeeded()) return CronOutcome::done(output);
  return CronOutcome::failed(outcome.describe() + (output.empty() ? "" : ": ") + output);
}

}  // namespace turnstile::cli
