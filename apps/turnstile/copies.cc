// backup, restore, verify. Ctrl-C ends them through a stop token, so that each takes away what it
// has begun.
#include <fmt/core.h>

#include <stop_token>
#include <utility>

#include "command.h"
#include "context.h"
#include "json.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"
#include "turnstile/backup.h"

namespace turnstile::cli {

namespace {

Json tables_json(const std::vector<TableRows>& tables) {
  Json json = Json::object();
  for (const TableRows& table : tables)
    json[table.table] = table.rows;
  return json;
}

std::int64_t rows_of(const std::vector<TableRows>& tables) {
  std::int64_t rows = 0;
  for (const TableRows& table : tables)
    rows += table.rows;
  return rows;
}

IntegrityCheck check_of(const Arguments& arguments) {
  return arguments.has("--quick") ? IntegrityCheck::Quick : IntegrityCheck::Full;
}

std::string contents(std::int64_t bytes, const std::vector<TableRows>& tables) {
  return fmt::format("{}, {} tables, {} rows", human_bytes(bytes), tables.size(), rows_of(tables));
}

void print_list(Output& output, std::string_view name, const std::vector<std::string>& lines) {
  for (const std::string& line : lines)
    output.write(fmt::format("{}: {}\n", name, printable(line)));
}

}  // namespace

ExitCode run_backup(Context& context) {
  const Arguments& arguments = context.arguments;
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  BackupReport report;
  {
    ProgressBar progress(arguments.json());
    const Database database = open_for_reading(context, 1);
    report =
        database.backup(arguments.positional("DEST"), {.compact = arguments.has("--compact"),
                                                       .overwrite = arguments.has("--overwrite"),
                                                       .check = check_of(arguments),
                                                       .manifest = !arguments.has("--no-manifest"),
                                                       .progress = progress.sink(),
                                                       .stop = stop.get_token()});
  }
  if (arguments.json()) {
    context.output.write_json({{"path", report.path},
                               {"bytes", report.bytes},
                               {"pages", report.pages},
                               {"duration_ms", report.duration.count()},
                               {"sha256", text_or_null(report.sha256)},
                               {"tables", tables_json(report.tables)},
                               {"warnings", report.warnings}});
    return ExitCode::Done;
  }
  context.output.write(
      fmt::format("{}: {}\n", printable(report.path), contents(report.bytes, report.tables)));
  print_list(context.output, "warning", report.warnings);
  return ExitCode::Done;
}

ExitCode run_restore(Context& context) {
  const Arguments& arguments = context.arguments;
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  RestoreReport report;
  {
    ProgressBar progress(arguments.json());
    report = restore(arguments.positional("SRC"), arguments.positional("DB"),
                     {.keep_old = !arguments.has("--delete-old"),
                      .check = check_of(arguments),
                      .timeout = arguments.timeout(),
                      .progress = progress.sink(),
                      .stop = stop.get_token()});
  }
  if (arguments.json()) {
    context.output.write_json({{"path", report.path},
                               {"old_path", text_or_null(report.old_path)},
                               {"bytes", report.bytes},
                               {"duration_ms", report.duration.count()},
                               {"tables", tables_json(report.tables)}});
    return ExitCode::Done;
  }
  context.output.write(fmt::format("{} is restored: {}\n", printable(report.path),
                                   contents(report.bytes, report.tables)));
  if (!report.old_path.empty())
    context.output.write(fmt::format("the former database is {}\n", printable(report.old_path)));
  return ExitCode::Done;
}

ExitCode run_verify(Context& context) {
  const Arguments& arguments = context.arguments;
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  VerifyReport report;
  {
    ProgressBar progress(arguments.json());
    report = verify_file(
        arguments.positional("FILE"),
        {.check = check_of(arguments), .progress = progress.sink(), .stop = stop.get_token()});
  }
  if (arguments.json()) {
    context.output.write_json({{"path", report.path},
                               {"ok", report.ok()},
                               {"problems", report.problems},
                               {"warnings", report.warnings},
                               {"bytes", report.bytes},
                               {"page_size_bytes", report.page_size_bytes},
                               {"schema_version", report.schema_version},
                               {"tables", tables_json(report.tables)},
                               {"has_manifest", report.has_manifest},
                               {"sha256", text_or_null(report.sha256)}});
  } else {
    if (report.ok()) {
      context.output.write(fmt::format("{} is whole: {}{}\n", printable(report.path),
                                       contents(report.bytes, report.tables),
                                       report.has_manifest ? ", as its manifest says" : ""));
    }
    print_list(context.output, "problem", report.problems);
    print_list(context.output, "warning", report.warnings);
  }
  if (!report.ok()) return ExitCode::Findings;
  return report.warnings.empty() ? ExitCode::Done : ExitCode::No;
}

}  // namespace turnstile::cli
