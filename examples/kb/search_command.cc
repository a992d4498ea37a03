#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "open.h"
#include "search.h"
#include "text.h"

namespace kb {

namespace {

nlohmann::ordered_json to_json(const Hit& hit) {
  return {{"path", hit.path},
          {"chunk", hit.chunk},
          {"chunk_count", hit.chunk_count},
          {"score", hit.score},
          {"snippet", printable_snippet(hit.snippet, false)}};
}

void print(const std::vector<Hit>& hits) {
  const bool colours = wants_colours(STDOUT_FILENO);
  for (const Hit& hit : hits) {
    fmt::print("{}  (part {} of {})\n    {}\n", printable(hit.path), hit.chunk, hit.chunk_count,
               printable_snippet(hit.snippet, colours));
  }
}

}  // namespace

ExitCode run_search(const Common& common, const SearchCommand& command) {
  const turnstile::Database database = open_for_reading(common);
  const turnstile::Lane lane = database.lane("search");
  const std::string query = to_utf8(command.query);
  const std::vector<Hit> hits =
      lane.read([&](turnstile::ReadTx& tx) { return search(tx, query, command.limit); });
  if (common.json) {
    auto array = nlohmann::ordered_json::array();
    for (const Hit& hit : hits)
      array.push_back(to_json(hit));
    fmt::print("{}\n", array.dump());
  } else {
    print(hits);
  }
  if (hits.empty()) fmt::print(stderr, "kb: nothing found for {}\n", printable(query));
  return hits.empty() ? ExitCode::No : ExitCode::Done;
}

}  // namespace kb
