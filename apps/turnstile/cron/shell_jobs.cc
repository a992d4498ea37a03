#include "cron/shell_jobs.h"

#include <fmt/core.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "text.h"
#include "turnstile/shell.h"

namespace turnstile::cli {

namespace {

// Ctrl-C leaves a second until the end: enough for this, and for the record of it.
constexpr std::chrono::milliseconds kGrace{500};

std::string how_it_ended(const ShellOutcome& outcome) {
  if (outcome.signal != 0) return fmt::format("ended by signal {}", outcome.signal);
  return fmt::format("exit status {}", outcome.exit_status);
}

}  // namespace

CronOutcome run_shell_job(CronRun& run) {
  ShellCommand command;
  const auto words = nlohmann::json::parse(run.payload(), nullptr, false);
  if (!words.is_array() || words.empty())
    return CronOutcome::failed("the payload is no JSON array of words");
  for (const auto& word : words) {
    if (!word.is_string()) return CronOutcome::failed("the payload is no JSON array of words");
    command.words.push_back(word.get<std::string>());
  }
  command.grace = kGrace;
  command.environment = {{"TURNSTILE_JOB", run.job().spec.name},
                         {"TURNSTILE_DUE", iso_time(run.due())}};
  const ShellOutcome outcome = run_shell(command, run.stop());
  if (outcome.succeeded()) return CronOutcome::done(outcome.output);
  return CronOutcome::failed(how_it_ended(outcome) + (outcome.output.empty() ? "" : ": ") +
                             outcome.output);
}

}  // namespace turnstile::cli
