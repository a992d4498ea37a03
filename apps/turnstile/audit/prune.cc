#include <fmt/core.h>

#include <stop_token>
#include <utility>

#include "audit/commands.h"
#include "audit/common.h"
#include "failure.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

constexpr std::chrono::hours kLongestAge = std::chrono::days(36'500);

AuditRetention retention_of(const Arguments& arguments) {
  AuditRetention retention{.max_events = arguments.integer("--max-events", 0)};
  if (const auto age = arguments.duration("--max-age", kLongestAge))
    retention.max_age = std::chrono::duration_cast<std::chrono::seconds>(*age);
  if (!retention.max_age && !retention.max_events) {
    throw usage_failure("audit prune needs --max-age or --max-events",
                        "Say what is to be kept; `turnstile help audit prune` explains it.");
  }
  return retention;
}

}  // namespace

ExitCode run_audit_prune(Context& context) {
  const Arguments& arguments = context.arguments;
  const AuditRetention retention = retention_of(arguments);
  AuditOptions log_options;
  log_options.key = audit_key(context);
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  Options options;
  options.mode = OpenMode::ReadWrite;
  AuditPruneReport report;
  {
    ProgressBar progress(arguments.json());
    const Database database = open_for_writing(context, std::move(options));
    // Before an AuditLog would make the tables in a file that has no log.
    static_cast<void>(AuditTrail(database.lane("cli")).segments());
    const AuditLog log(database.lane("prune", {.priority = Priority::Bulk}),
                       std::move(log_options));
    report = log.prune(retention, {.even_if_broken = arguments.has("--even-if-broken"),
                                   .progress = progress.sink(),
                                   .stop = stop.get_token()});
  }
  if (arguments.json()) {
    context.output.write_json(
        {{"removed", report.removed},
         {"transactions", report.transactions},
         {"segment", report.segment ? to_json(*report.segment) : nlohmann::ordered_json()}});
    return ExitCode::Done;
  }
  context.output.write(counted(report.removed, "event") + " removed\n");
  if (report.segment) {
    context.output.write(fmt::format("segment {} seals events {} to {}\n", report.segment->id,
                                     report.segment->first_id, report.segment->last_id));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
