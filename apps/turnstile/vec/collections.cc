// vec create, vec info, vec rebuild: collections as a whole.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "failure.h"
#include "json.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"
#include "vec/commands.h"
#include "vec/common.h"
#include "vectors/definition.h"

namespace turnstile::cli {

namespace {

Json column_json(const VectorColumn& column) {
  return {{"name", column.name}, {"type", to_string(column.type)}};
}

Json definition_json(const VectorCollection& collection) {
  const VectorDefinition& definition = collection.definition();
  Json json = {
      {"name", collection.name()},
      {"dimension", definition.dimension},
      {"model", definition.model},
      {"metric", to_string(*definition.metric)},
      {"type", to_string(definition.element)},
      {"storage", to_string(definition.storage)},
      {"codes", to_string(definition.codes)},
      {"partition", definition.partition ? column_json(*definition.partition) : Json(nullptr)},
      {"columns", Json::array()}};
  for (const VectorColumn& column : definition.columns)
    json["columns"].push_back(column_json(column));
  return json;
}

Json info_json(const VectorCollection& collection) {
  const VectorStats stats = collection.stats();
  Json json = definition_json(collection);
  json["items"] = stats.items;
  json["pending"] = stats.pending;
  json["blocks"] = stats.blocks;
  json["free_slots"] = stats.free_slots;
  json["tables"] = stats.tables;
  return json;
}

void print_info(const VectorCollection& collection, Output& output) {
  const VectorDefinition& definition = collection.definition();
  const VectorStats stats = collection.stats();
  const auto columns = [](std::span<const VectorColumn> all) {
    return all.empty() ? std::string("none") : vectors::write_columns(all);
  };
  output.write(fmt::format(
      "{}\n  dimension  {} of {}, {}\n  model      {}\n  storage    {}\n  columns    {}\n"
      "  partition  {}\n  items      {}, {} pending\n  blocks     {} with {} free places\n",
      collection.name(), definition.dimension, to_string(definition.element),
      to_string(*definition.metric),
      definition.model.empty() ? "not named" : printable(definition.model),
      to_string(definition.storage), columns(definition.columns),
      definition.partition ? columns({&*definition.partition, 1}) : "none", stats.items,
      stats.pending, stats.blocks, stats.free_slots));
}

bool is_redefinition(const Arguments& arguments) {
  constexpr auto kFlags =
      std::to_array<std::string_view>({"--dim", "--model", "--metric", "--type", "--storage",
                                       "--codes", "--column", "--partition"});
  return std::ranges::any_of(kFlags, [&](std::string_view flag) { return arguments.has(flag); });
}

ExitCode redefine(Context& context, const VectorStore& store, const std::string& name) {
  const VectorCollection former = store.open(name);
  const VectorDefinition wanted = definition_from(context.arguments, former.definition());
  if (!context.arguments.has("--yes")) {
    throw usage_failure(
        fmt::format("that drops the {} vectors of '{}', which have to be made again",
                    former.stats().items, printable(name)),
        "Add --yes if that is what you want.");
  }
  const VectorCollection anew = store.redefine(name, wanted);
  const VectorStats stats = anew.stats();
  if (context.arguments.json())
    context.output.write_json(info_json(anew));
  else
    context.output.write(
        fmt::format("{} is empty, and {} items are to be embedded again\n", name, stats.pending));
  return ExitCode::Done;
}

}  // namespace

ExitCode run_vec_create(Context& context) {
  const Arguments& arguments = context.arguments;
  const VectorDefinition definition = definition_from(arguments, {});
  const Session session = Session::for_writing(context, options_for_vectors());
  const VectorCollection collection =
      VectorStore(session.lane()).create(arguments.positional("NAME"), definition);
  if (arguments.json())
    context.output.write_json(definition_json(collection));
  else
    print_info(collection, context.output);
  return ExitCode::Done;
}

ExitCode run_vec_info(Context& context) {
  const Arguments& arguments = context.arguments;
  const Session session = Session::for_reading(context, 1);
  const VectorStore store(session.lane());
  const std::string name = arguments.positional("NAME");
  std::vector<std::string> faults;
  Json all = Json::array();
  for (const std::string& each : name.empty() ? store.names() : std::vector{name}) {
    const VectorCollection collection = store.open(each);
    if (arguments.json())
      all.push_back(info_json(collection));
    else
      print_info(collection, context.output);
    if (!arguments.has("--check")) continue;
    const std::vector<std::string> found = collection.check();
    if (arguments.json()) all.back()["faults"] = found;
    for (const std::string& fault : found) {
      if (!arguments.json())
        context.output.write(fmt::format("  wrong      {}\n", printable(fault)));
      faults.push_back(fault);
    }
  }
  if (arguments.json()) context.output.write_json(name.empty() ? all : all.front());
  return faults.empty() ? ExitCode::Done : ExitCode::Findings;
}

ExitCode run_vec_rebuild(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string name = arguments.positional("NAME");
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  const Database database = open_for_writing(context, options_for_vectors());
  const VectorStore store(database.lane("cli"),
                          {.bulk = database.lane("cli-bulk", {.priority = Priority::Bulk})});
  if (is_redefinition(arguments)) return redefine(context, store, name);
  ProgressBar progress(arguments.json());
  const VectorRebuild result =
      store.open(name).rebuild({.progress = progress.sink(), .stop = stop.get_token()});
  if (arguments.json()) {
    context.output.write_json({{"moved", result.moved},
                               {"blocks_before", result.blocks_before},
                               {"blocks", result.blocks_after},
                               {"complete", result.complete}});
  } else {
    context.output.write(fmt::format("{} items moved; {} blocks, {} before\n", result.moved,
                                     result.blocks_after, result.blocks_before));
  }
  return result.complete ? ExitCode::Done : ExitCode::Interrupted;
}

}  // namespace turnstile::cli
