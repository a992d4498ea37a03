#include "audit/commands.h"
#include "audit/common.h"
#include "session.h"

namespace turnstile::cli {

namespace {

constexpr std::int64_t kDefaultLimit = 100;

AuditQuery query_of(const Arguments& arguments) {
  AuditQuery query;
  query.from = moment(arguments, "--from");
  query.until = moment(arguments, "--until");
  query.action = arguments.value("--action").value_or("");
  query.actor = arguments.value("--actor").value_or("");
  query.subject = arguments.value("--subject").value_or("");
  query.trace = arguments.value("--trace").value_or("");
  query.session = arguments.value("--session").value_or("");
  query.before = arguments.integer("--before", 0);
  query.limit = static_cast<std::size_t>(arguments.integer("--limit", 0).value_or(kDefaultLimit));
  return query;
}

}  // namespace

ExitCode run_audit_list(Context& context) {
  const AuditQuery query = query_of(context.arguments);
  const Session session = Session::for_reading(context, 1);
  const std::vector<AuditRecord> records = AuditTrail(session.lane()).list(query);
  if (context.arguments.json()) {
    auto list = nlohmann::ordered_json::array();
    for (const AuditRecord& record : records)
      list.push_back(to_json(record));
    context.output.write_json(list);
    return ExitCode::Done;
  }
  for (const AuditRecord& record : records)
    context.output.write(to_line(record) + "\n");
  return ExitCode::Done;
}

}  // namespace turnstile::cli
