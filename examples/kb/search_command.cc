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
          {"by_words", hit.by_words},
          {"by_meaning", hit.by_meaning},
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
  const std::unique_ptr<Embedder> embedder = make_embedder(common);
  const turnstile::Database database = open_existing(common);
  const Knowledge knowledge(database, *embedder, Tables::Require);
  const std::string text = to_utf8(command.query);
  // Before the transaction: a model takes its time.
  const std::vector<std::vector<float>> vector = embedder->embed(std::span(&text, 1));
  const Query query{.text = text, .vector = vector.front(), .limit = command.limit};
  const std::vector<Hit> hits = database.lane("search").read(
      [&](turnstile::ReadTx& tx) { return search(knowledge, tx, query); });
  if (common.json) {
    auto array = nlohmann::ordered_json::array();
    for (const Hit& hit : hits)
      array.push_back(to_json(hit));
    fmt::print("{}\n", array.dump());
  } else {
    print(hits);
  }
  if (hits.empty()) fmt::print(stderr, "kb: nothing found for {}\n", printable(text));
  return hits.empty() ? ExitCode::No : ExitCode::Done;
}

}  // namespace kb
