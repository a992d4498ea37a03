#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "open.h"
#include "statistics.h"

namespace kb {

namespace {

nlohmann::ordered_json to_json(const Statistics& statistics) {
  auto checks = nlohmann::ordered_json::array();
  for (const Check& check : statistics.checks)
    checks.push_back({{"name", check.name}, {"passed", check.passed}, {"detail", check.detail}});
  return {{"documents", statistics.documents},   {"chunks", statistics.chunks},
          {"text_bytes", statistics.text_bytes}, {"truncated", statistics.truncated},
          {"skipped", statistics.skipped},       {"vectors", statistics.vectors},
          {"queued", statistics.queued},         {"tasks_done", statistics.tasks_done},
          {"looks", statistics.looks},           {"audit_events", statistics.audit_events},
          {"added", statistics.added},           {"changed", statistics.changed},
          {"removed", statistics.removed},       {"consistent", statistics.is_consistent()},
          {"checks", std::move(checks)}};
}

void print(const Statistics& statistics) {
  fmt::print("documents      {}, {} of text\n", with_commas(statistics.documents),
             human_bytes(statistics.text_bytes));
  if (statistics.truncated > 0) {
    fmt::print("               {} of them too long, and stored in part\n",
               with_commas(statistics.truncated));
  }
  fmt::print("chunks         {}\n", with_commas(statistics.chunks));
  fmt::print("vectors        {}\n", with_commas(statistics.vectors));
  fmt::print("not text       {}\n", with_commas(statistics.skipped));
  fmt::print("tasks          {} done, {} queued\n", with_commas(statistics.tasks_done),
             with_commas(statistics.queued));
  fmt::print("looks          {} of the schedule\n", with_commas(statistics.looks));
  fmt::print("audit events   {}: {} added, {} changed, {} removed\n",
             with_commas(statistics.audit_events), with_commas(statistics.added),
             with_commas(statistics.changed), with_commas(statistics.removed));
  for (const Check& check : statistics.checks)
    fmt::print("{}  {}: {}\n", check.passed ? "ok    " : "FAILED", check.name, check.detail);
}

}  // namespace

ExitCode run_stats(const Common& common) {
  const std::unique_ptr<Embedder> embedder = make_embedder(common);
  const turnstile::Database database = open_existing(common);
  const Knowledge knowledge(database, *embedder, Tables::Require);
  const Statistics statistics = statistics_of(knowledge, database.lane("statistics"));
  if (common.json)
    fmt::print("{}\n", to_json(statistics).dump());
  else
    print(statistics);
  return statistics.is_consistent() ? ExitCode::Done : ExitCode::Findings;
}

}  // namespace kb
