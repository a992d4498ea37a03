#include <fmt/core.h>

#include <utility>

#include "audit/commands.h"
#include "audit/common.h"
#include "session.h"

namespace turnstile::cli {

ExitCode run_audit_append(Context& context) {
  const Arguments& arguments = context.arguments;
  AuditOptions log_options;
  log_options.key = audit_key(context);
  Options options;
  options.mode = OpenMode::ReadWrite;
  const Session session = Session::for_writing(context, std::move(options));
  const AuditLog log(session.lane(), std::move(log_options));
  const std::int64_t id = log.record_sync({.action = arguments.positional("ACTION"),
                                           .actor = arguments.value("--actor").value_or(""),
                                           .subject = arguments.value("--subject").value_or(""),
                                           .detail = arguments.value("--detail").value_or(""),
                                           .trace = arguments.value("--trace").value_or(""),
                                           .session = arguments.value("--session").value_or("")});
  if (arguments.json())
    context.output.write_json({{"id", id}});
  else
    context.output.write(fmt::format("{}\n", id));
  return ExitCode::Done;
}

}  // namespace turnstile::cli
