#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"
#include "failure.h"
#include "json.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

std::optional<int> adopted_version(const Arguments& arguments) {
  const auto version = arguments.integer("--adopt", 0, std::numeric_limits<int>::max());
  return version ? std::optional(static_cast<int>(*version)) : std::nullopt;
}

// ---- --status ----

ExitCode verdict_on(const std::vector<MigrationStatus>& steps) {
  const auto any = [&steps](MigrationState state) {
    return std::ranges::find(steps, state, &MigrationStatus::state) != steps.end();
  };
  if (any(MigrationState::Edited) || any(MigrationState::Unknown)) return ExitCode::Findings;
  return any(MigrationState::Pending) ? ExitCode::No : ExitCode::Done;
}

Json to_json(const MigrationStatus& step) {
  return {{"version", step.version},
          {"name", step.name},
          {"state", to_string(step.state)},
          {"applied_at", text_or_null(step.applied_at)},
          {"adopted", step.adopted},
          {"checksum", text_or_null(step.checksum)},
          {"recorded_checksum", text_or_null(step.recorded_checksum)}};
}

ExitCode print_status(Context& context, const Migrations& steps) {
  const Database db = open_for_reading(context, 1);
  const std::vector<MigrationStatus> list = db.migration_status("", steps);
  if (context.arguments.json()) {
    Json array = Json::array();
    for (const MigrationStatus& step : list)
      array.push_back(to_json(step));
    const DatabaseInfo info = db.info();
    context.output.write_json({{"path", info.path},
                               {"schema_version", info.schema_version},
                               {"steps", std::move(array)}});
    return verdict_on(list);
  }
  Table table(context.output, {"version", "name", "state", "applied at"});
  for (const MigrationStatus& step : list) {
    const std::string when = step.adopted ? "adopted " + step.applied_at : step.applied_at;
    table.add({{fmt::format("{}", step.version), true},
               {printable(step.name)},
               {std::string(to_string(step.state))},
               {when}});
  }
  table.finish();
  return verdict_on(list);
}

// ---- running them ----

void print(const MigrationReport& report, const std::string& path, bool dry_run, Output& output) {
  if (!report.steps.empty()) {
    Table table(output, {"version", "name", "ms"});
    for (const MigrationReport::Step& step : report.steps)
      table.add({{fmt::format("{}", step.version), true},
                 {printable(step.name)},
                 {fmt::format("{:.3f}", in_milliseconds(step.duration)), true}});
    table.finish();
  }
  if (!report.backup.empty())
    output.write(fmt::format("as it was: {}\n", printable(report.backup.string())));
  if (report.steps.empty())
    output.write(
        fmt::format("{} has schema version {}, nothing to do\n", printable(path), report.now));
  else
    output.write(fmt::format("{} {} schema version {} -> {}\n", printable(path),
                             dry_run ? "would get" : "has", report.found, report.now));
}

}  // namespace

ExitCode run_migrate(Context& context) {
  const Arguments& arguments = context.arguments;
  const bool dry_run = arguments.has("--dry-run");
  if (dry_run && arguments.has("--status")) {
    throw usage_failure("--dry-run and --status are two questions",
                        "Give one of them: --status does not run anything, --dry-run does.");
  }
  const MigrateOptions how{.dry_run = dry_run,
                           .backup = !arguments.has("--no-backup"),
                           .adopt_schema = adopted_version(arguments)};
  const Migrations steps = load_migrations(arguments.positional("DIR"));
  if (arguments.has("--status")) return print_status(context, steps);

  Options options;
  options.mode = OpenMode::ReadWrite;
  options.connections = 1;
  // Nothing stops it in the middle but the end of the process, which undoes it.
  const Database db = open_for_writing(context, std::move(options));
  const MigrationReport report = db.migrate("", steps, how);
  const std::string path = db.info().path;
  if (!arguments.json()) {
    print(report, path, dry_run, context.output);
    return ExitCode::Done;
  }
  Json list = Json::array();
  for (const MigrationReport::Step& step : report.steps)
    list.push_back({{"version", step.version},
                    {"name", step.name},
                    {"duration_ms", in_milliseconds(step.duration)}});
  context.output.write_json({{"path", path},
                             {"dry_run", dry_run},
                             {"found", report.found},
                             {"now", report.now},
                             {"steps", std::move(list)},
                             {"backup", text_or_null(report.backup.string())}});
  return ExitCode::Done;
}

}  // namespace turnstile::cli
