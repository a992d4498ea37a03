#include <fmt/core.h>

#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "progress_bar.h"
#include "text.h"
#include "turnstile/options.h"
#include "turnstile/recovery.h"

namespace turnstile::cli {

namespace {

Json to_json(const std::vector<DamagedPage>& pages) {
  Json array = Json::array();
  for (const DamagedPage& page : pages)
    array.push_back({{"page", page.number}, {"reason", page.reason}});
  return array;
}

Json to_json(const RecoveryReport& report) {
  Json tables = Json::array();
  for (const RecoveredTable& table : report.tables) {
    tables.push_back({{"name", table.name},
                      {"rows", table.rows},
                      {"rows_put_back", table.rows_put_back},
                      {"rows_rejected", table.rows_rejected},
                      {"damaged_pages", to_json(table.damaged_pages)}});
  }
  Json objects = Json::array();
  for (const LostObject& object : report.lost_objects)
    objects.push_back({{"type", object.type}, {"name", object.name}, {"reason", object.reason}});
  Json user;
  if (report.in_use_by)
    user = {{"pid", report.in_use_by->pid}, {"program", report.in_use_by->program}};
  return {{"source", report.source.string()},
          {"destination", report.destination.string()},
          {"complete", report.complete()},
          {"rows", report.rows()},
          {"rows_rejected", report.rows_rejected()},
          {"rows_lost_and_found", report.rows_lost_and_found},
          {"lost_and_found", report.lost_and_found.empty() ? Json() : Json(report.lost_and_found)},
          {"tables", std::move(tables)},
          {"lost_objects", std::move(objects)},
          {"losses", report.losses},
          {"notes", report.notes},
          {"page_size_bytes", report.page_size_bytes},
          {"pages", report.pages},
          {"pages_in_log", report.pages_in_log},
          {"pages_rolled_back", report.pages_rolled_back},
          {"in_use_by", std::move(user)}};
}

void print_tables(const RecoveryReport& report, Output& output) {
  Table table(output, {"table", "rows", "put back", "rejected", "damaged pages"});
  const auto number = [](std::uint64_t value) { return Cell{fmt::format("{}", value), true}; };
  for (const RecoveredTable& each : report.tables) {
    table.add({{printable(each.name)},
               number(each.rows),
               number(each.rows_put_back),
               number(each.rows_rejected),
               number(each.damaged_pages.size())});
  }
  table.finish();
}

void print_losses(const RecoveryReport& report, Output& output) {
  const auto line = [&](std::string_view kind, const std::string& text) {
    output.write(fmt::format("{}: {}\n", kind, printable(text)));
  };
  for (const RecoveredTable& table : report.tables)
    for (const DamagedPage& page : table.damaged_pages)
      line("damaged", fmt::format("page {} of {}: {}", page.number, table.name, page.reason));
  for (const LostObject& object : report.lost_objects)
    line("lost", fmt::format("{} {}: {}", object.type, object.name, object.reason));
  for (const std::string& loss : report.losses)
    line("lost", loss);
  if (report.rows_lost_and_found != 0) {
    line("found", fmt::format("{} rows without a place, in the table {}",
                              report.rows_lost_and_found, report.lost_and_found));
  }
  for (const std::string& note : report.notes)
    line("note", note);
}

void print(const RecoveryReport& report, Output& output) {
  print_tables(report, output);
  print_losses(report, output);
  output.write(
      fmt::format("{} has {} rows of {}; {}\n", printable(report.destination.string()),
                  report.rows(), printable(report.source.string()),
                  report.complete() ? "everything was read" : "not everything could be read"));
}

void warn_of_user(const RecoveryReport& report, bool json) {
  if (!report.in_use_by) return;
  report_warning("SOURCE_IN_USE",
                 fmt::format("{}, and so had the source open; what it wrote meanwhile may be "
                             "missing",
                             report.in_use_by->describe()),
                 json);
}

}  // namespace

ExitCode run_recover(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string source = arguments.positional("SRC");
  std::stop_source stop;
  RecoveryOptions options;
  if (const auto page_size = arguments.page_size())
    options.page_size_bytes = static_cast<std::uint32_t>(*page_size);
  options.stop = stop.get_token();
  const RecoveryReport report = [&] {
    ProgressBar progress(arguments.json());
    options.progress = progress.sink();
    const Interrupts::StopAction on_signal(context.interrupts, [&stop] { stop.request_stop(); });
    return recover(source.starts_with("file:") ? Options::from_uri(source).path : source,
                   arguments.positional("DEST"), options);
  }();
  warn_of_user(report, arguments.json());
  if (arguments.json())
    context.output.write_json(to_json(report));
  else
    print(report, context.output);
  return report.complete() ? ExitCode::Done : ExitCode::No;
}

}  // namespace turnstile::cli
