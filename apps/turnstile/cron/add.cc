#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "context.h"
#include "cron/commands.h"
#include "cron/jobs.h"
#include "failure.h"
#include "text.h"
#include "turnstile/shell.h"

namespace turnstile::cli {

namespace {

// The parser has let only words pass that are among them.
template <class E, std::size_t Count>
E chosen(const std::string& word, const std::array<E, Count>& values) {
  return *std::find_if(values.begin(), values.end(),
                       [&](E value) { return to_string(value) == word; });
}

CronJobSpec spec_of(const Arguments& arguments) {
  constexpr auto kTenYears = kDay * 3650;
  CronJobSpec spec;
  spec.name = arguments.positional("NAME");
  spec.schedule = arguments.positional("EXPRESSION");
  spec.zone = arguments.value("--zone").value_or("");
  const std::vector<std::string> words = arguments.positionals("COMMAND");
  const auto sql = arguments.value("--sql");
  if (sql.has_value() == !words.empty()) {
    throw usage_failure("cron add needs either a program to run or SQL",
                        "Put the program and its arguments behind --, or use --sql.");
  }
  spec.kind = sql ? "sql" : kShellKind;
  spec.payload = sql ? *sql : command_payload(words);
  if (const auto missed = arguments.value("--missed"))
    spec.missed = chosen(*missed, std::array{MissedRuns::Skip, MissedRuns::Once, MissedRuns::All});
  if (const auto overlap = arguments.value("--overlap"))
    spec.overlap = chosen(*overlap, std::array{Overlap::Skip, Overlap::Allow, Overlap::Queue});
  if (const auto limit = arguments.integer("--missed-limit", 1, 10'000))
    spec.missed_limit = static_cast<int>(*limit);
  spec.timeout = arguments.duration("--job-timeout", kTenYears);
  spec.jitter = arguments.duration("--jitter").value_or(spec.jitter);
  return spec;
}

}  // namespace

ExitCode run_cron_add(Context& context) {
  const CronJobSpec spec = spec_of(context.arguments);
  Jobs jobs = Jobs::for_writing(context);
  const CronJob job = jobs.scheduler()->add(spec);
  if (context.arguments.json()) {
    context.output.write_json(to_json(job));
  } else if (!job.enabled) {
    context.output.write(fmt::format("{}: is {}\n", printable(job.spec.name),
                                     job.next_run ? "paused" : "over; give it a new time"));
  } else {
    context.output.write(fmt::format("{}: next run {}\n", printable(job.spec.name),
                                     local_time(job.next_run, job.spec.zone)));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
