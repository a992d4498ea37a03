#include <fmt/core.h>

#include <string>
#include <utility>

#include "command.h"
#include "json.h"
#include "metrics_json.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

Json to_json(const DatabaseInfo& info, const Metrics& metrics) {
  Json phases = Json::array();
  for (const BootstrapPhase& phase : info.phases) {
    phases.push_back({{"name", phase.name},
                      {"duration_ms", in_milliseconds(phase.duration)},
                      {"detail", phase.detail}});
  }
  Json settings = Json::array();
  for (const Setting& setting : info.settings) {
    settings.push_back(
        {{"name", setting.name}, {"asked", setting.asked}, {"in_force", setting.in_force}});
  }
  return {{"path", info.path},
          {"schema_version", info.schema_version},
          {"page_size_bytes", info.page_size_bytes},
          {"file_bytes", info.file_bytes},
          {"wal_bytes", info.wal_bytes},
          {"free_pages", info.free_pages < 0 ? Json() : Json(info.free_pages)},
          {"settings", std::move(settings)},
          {"phases", std::move(phases)},
          {"pool",
           {{"connections", info.pool.connections},
            {"readers_idle", info.pool.readers_idle},
            {"readers_leased", info.pool.readers_leased},
            {"readers_waiting", info.pool.readers_waiting},
            {"writers_waiting", info.pool.writers_waiting}}},
          {"metrics", metrics_to_json(metrics)},
          {"engine",
           {{"version", info.engine.version},
            {"source_id", info.engine.source_id},
            {"compile_options", info.engine.compile_options}}}};
}

void print(const DatabaseInfo& info, Output& output) {
  output.write(fmt::format("path            {}\n", printable(info.path)));
  output.write(fmt::format("schema version  {}\n", info.schema_version));
  output.write(fmt::format("file            {}\n", human_bytes(info.file_bytes)));
  output.write(fmt::format("write-ahead log {}\n", human_bytes(info.wal_bytes)));
  output.write(fmt::format("page size       {}\n", human_bytes(info.page_size_bytes)));
  output.write(fmt::format("free pages      {}\n",
                           info.free_pages < 0 ? "unavailable" : std::to_string(info.free_pages)));
  output.write(fmt::format("pool            {} connections\n", info.pool.connections));
  output.write(fmt::format("engine          SQLite {}\n\n", info.engine.version));

  Table settings(output, {"setting", "asked", "in force"});
  for (const Setting& setting : info.settings)
    settings.add({{setting.name}, {setting.asked}, {setting.in_force}});
  settings.finish();
  output.write("\n");

  Table phases(output, {"phase", "ms", "detail"});
  for (const BootstrapPhase& phase : info.phases) {
    phases.add({{phase.name},
                {fmt::format("{:.3f}", in_milliseconds(phase.duration)), true},
                {printable(phase.detail)}});
  }
  phases.finish();
}

}  // namespace

ExitCode run_info(Context& context) {
  Session session = Session::for_reading(context);
  if (context.arguments.has("--metrics")) {
    context.output.write(to_open_metrics(session.metrics()));
    return ExitCode::Done;
  }
  const DatabaseInfo info = session.info();
  if (context.arguments.json())
    context.output.write_json(to_json(info, session.metrics()));
  else
    print(info, context.output);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
