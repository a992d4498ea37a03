#include "vectors/nearest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "vectors/elements.h"
#include "vectors/fail.h"
#include "vectors/items.h"

namespace turnstile::vectors {

namespace {

constexpr int kMostResults = 10000;
constexpr int kMostRerank = 1000;

void require_fit(const State& collection, std::span<const float> query,
                 const VectorSearch& search) {
  if (std::string why = why_unfit(collection.definition(), query); !why.empty()) {
    refuse(code("VECTOR_INVALID"),
           "the vector that is searched for in the collection " + in_quotes(collection.name()) +
               " " + why,
           "Search with a vector like those of the collection, made by the same model.");
  }
  const auto require = [](bool fits, std::string_view what, const std::string& value,
                          std::string_view range) {
    if (fits) return;
    refuse(code("OPTION_INVALID"), "the search's " + std::string(what) + " is " + value +
                                       ", and must be " + std::string(range));
  };
  require(search.limit >= 1 && search.limit <= kMostResults, "limit", std::to_string(search.limit),
          "from 1 to 10000");
  require(search.rerank >= 1 && search.rerank <= kMostRerank, "rerank",
          std::to_string(search.rerank), "from 1 to 1000");
  if (search.max_distance)
    require(!std::isnan(*search.max_distance), "max_distance", "not a number", "one");
}

/// The order of hits that are equally far is that of their ids.
std::vector<VectorMatch> in_order(const State& collection, ReadTx& tx, const std::vector<Hit>& hits,
                                  std::size_t limit) {
  std::vector<VectorMatch> matches;
  matches.reserve(hits.size());
  Statement select = tx.prepare(collection.tables().select_item);
  for (const Hit& hit : hits) {
    VectorItem item = read_item(collection, select, hit.slot);
    matches.push_back(
        {std::move(item.id), hit.distance, std::move(item.values), std::move(item.payload)});
  }
  std::ranges::sort(matches, {}, [](const VectorMatch& match) {
    return std::tuple<double, std::string_view>(match.distance, match.id);
  });
  matches.resize(std::min(matches.size(), limit));
  return matches;
}

}  // namespace

std::vector<VectorMatch> find_nearest(const State& collection, ReadTx& tx,
                                      std::span<const float> query, const VectorSearch& search) {
  require_fit(collection, query, search);
  collection.require_there(tx);
  gate::sync_point("find_nearest:searches");
  const Filter filter(collection.tables(), collection.definition(), search.where);
  if (filter.matches_nothing()) return {};
  const ExactDistance distance(collection.definition(), query);
  Refiner refiner(tx, collection.tables(), distance, static_cast<std::size_t>(search.limit),
                  search.max_distance.value_or(std::numeric_limits<double>::infinity()));
  collection.index().find(tx, query, filter, search, refiner);
  return in_order(collection, tx, refiner.take(), refiner.limit());
}

}  // namespace turnstile::vectors
