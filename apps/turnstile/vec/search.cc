// vec search, vec get, vec delete: items.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "failure.h"
#include "input.h"
#include "json.h"
#include "number.h"
#include "session.h"
#include "text.h"
#include "vec/commands.h"
#include "vec/common.h"
#include "vectors/definition.h"

namespace turnstile::cli {

namespace {

std::optional<double> real_number(const Arguments& arguments, std::string_view flag) {
  const auto text = arguments.value(flag);
  if (!text) return std::nullopt;
  const auto number = parse_number<double>(*text);
  if (!number || !std::isfinite(*number))
    throw usage_failure(fmt::format("'{}' is no number for {}", printable(*text), flag),
                        "Give a number such as 0.3.");
  return number;
}

VectorSearch search_from(const Arguments& arguments) {
  VectorSearch search;
  constexpr int kMost = 10000;
  constexpr int kMostRerank = 1000;
  if (const auto limit = arguments.integer("--limit", 1, kMost))
    search.limit = static_cast<int>(*limit);
  if (const auto rerank = arguments.integer("--rerank", 1, kMostRerank))
    search.rerank = static_cast<int>(*rerank);
  search.max_distance = real_number(arguments, "--max-distance");
  if (const auto where = arguments.value("--where")) search.where = VectorFilter::parse(*where);
  return search;
}

std::vector<float> query_from(const Arguments& arguments) {
  std::string text = arguments.value("--vector").value_or("");
  if (text == "-") text = read_standard_input();
  return vector_from(parse_json(text, "--vector"), "--vector");
}

void print_table(const std::vector<VectorMatch>& matches, const VectorDefinition& definition,
                 Output& output) {
  std::vector<std::string> columns{"id", "distance"};
  for (const VectorColumn& column : vectors::all_columns(definition))
    columns.push_back(column.name);
  const bool any_payload =
      std::ranges::any_of(matches, [](const VectorMatch& match) { return !match.payload.empty(); });
  if (any_payload) columns.emplace_back("payload");
  Table table(output, columns);
  for (const VectorMatch& match : matches) {
    std::vector<Cell> cells{{printable(match.id)}, {fmt::format("{:.6g}", match.distance), true}};
    for (const VectorColumn& column : vectors::all_columns(definition)) {
      const Json value = to_json(match.values.at(column.name));
      const bool text = value.is_string();
      cells.push_back({printable(text ? value.get<std::string>() : value.dump()), !text});
    }
    if (any_payload) cells.push_back({printable(match.payload)});
    table.add(std::move(cells));
  }
  table.finish();
}

}  // namespace

ExitCode run_vec_search(Context& context) {
  const Arguments& arguments = context.arguments;
  const VectorSearch search = search_from(arguments);
  const std::vector<float> query = query_from(arguments);
  const Session session = Session::for_reading(context, 1);
  const VectorCollection collection =
      VectorStore(session.lane()).open(arguments.positional("NAME"));
  const std::vector<VectorMatch> matches = collection.search(query, search);
  if (arguments.json()) {
    Json all = Json::array();
    for (const VectorMatch& match : matches) {
      Json json = {{"id", match.id}, {"distance", match.distance}};
      for (const auto& [column, value] : match.values)
        json[column] = to_json(value);
      if (!match.payload.empty()) json["payload"] = payload_to_json(match.payload);
      all.push_back(std::move(json));
    }
    context.output.write_json(all);
  } else if (!matches.empty()) {
    print_table(matches, collection.definition(), context.output);
  }
  return matches.empty() ? ExitCode::No : ExitCode::Done;
}

ExitCode run_vec_get(Context& context) {
  const Arguments& arguments = context.arguments;
  const Session session = Session::for_reading(context, 1);
  const VectorCollection collection =
      VectorStore(session.lane()).open(arguments.positional("NAME"));
  const std::string id = arguments.positional("ID");
  const auto item = collection.get(id);
  if (!item) {
    throw Failure(
        ExitCode::NotFound, "ITEM_NOT_FOUND",
        fmt::format("the collection '{}' has no item '{}'", collection.name(), printable(id)),
        "Check the id; `turnstile vec search` shows some.");
  }
  context.output.write(dump(to_json(*item)) + "\n");
  return ExitCode::Done;
}

ExitCode run_vec_delete(Context& context) {
  const Arguments& arguments = context.arguments;
  const Session session = Session::for_writing(context, options_for_vectors());
  const VectorCollection collection =
      VectorStore(session.lane()).open(arguments.positional("NAME"));
  const std::vector<std::string> ids = arguments.positionals("ID");
  const std::int64_t removed = collection.remove(ids);
  if (arguments.json())
    context.output.write_json({{"deleted", removed}});
  else
    context.output.write(fmt::format("deleted: {}\n", removed));
  return removed == static_cast<std::int64_t>(ids.size()) ? ExitCode::Done : ExitCode::No;
}

}  // namespace turnstile::cli
