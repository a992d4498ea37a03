#include <algorithm>
#include <stop_token>

#include "audit/commands.h"
#include "audit/common.h"
#include "failure.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

constexpr std::int64_t kDefaultLines = 10;

// Behind which event it is to begin.
std::int64_t beginning(const Arguments& arguments, const AuditTrail& trail) {
  const auto after = arguments.integer("--after", 0);
  const auto lines = arguments.integer("--lines", 0);
  if (after && lines)
    throw usage_failure("--after and --lines both say where to begin", "Leave one of them out.");
  if (after) return *after;
  const std::vector<AuditRecord> newest = trail.list({.limit = 1});
  if (newest.empty()) return 0;
  return std::max<std::int64_t>(newest.front().id - lines.value_or(kDefaultLines), 0);
}

}  // namespace

ExitCode run_audit_tail(Context& context) {
  const bool json = context.arguments.json();
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  const Database database = open_for_reading(context, 1);
  const AuditTrail trail(database.lane("cli"));
  AuditTail tail = trail.tail(beginning(context.arguments, trail));
  while (const auto record = tail.next(stop.get_token())) {
    context.output.write((json ? dump(to_json(*record)) : to_line(*record)) + "\n");
    context.output.flush();
  }
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
