#include "search.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "text.h"

namespace kb {

namespace {

using turnstile::ReadTx;

// Farther away, texts have nothing to do with each other: a search for what is not there is to find
// nothing, although there is always something that is nearest.
constexpr double kFarthest = 0.7;

// So many chunks are looked at for one document that is shown.
constexpr std::int64_t kChunksPerHit = 4;
constexpr std::int64_t kMostChunks = 1000;

struct Found {
  std::int64_t chunk = 0;
  double score = 0;
  bool by_words = false;
  bool by_meaning = false;
  std::string snippet;
};

using FoundById = std::map<std::int64_t, Found>;

// The constant is the one that the method's authors found to matter little.
double share_of_place(std::size_t place) {
  return 1.0 / (60.0 + static_cast<double>(place));
}

void add_words(const Knowledge& knowledge, ReadTx& tx, const Query& query, std::int64_t chunks,
               FoundById& found) {
  const turnstile::TextSnippet snippet{.before = std::string(1, kMatchBegin),
                                       .after = std::string(1, kMatchEnd),
                                       .ellipsis = " ... ",
                                       .words = 20};
  std::size_t place = 0;
  for (turnstile::TextHit& hit : knowledge.words.search(
           tx, query.text, {.limit = static_cast<std::size_t>(chunks), .snippet = snippet})) {
    Found& entry = found[hit.key];
    entry.score += share_of_place(++place);
    entry.by_words = true;
    entry.snippet = std::move(hit.snippet);
  }
}

void add_meaning(const Knowledge& knowledge, ReadTx& tx, const Query& query, std::int64_t chunks,
                 FoundById& found) {
  if (query.vector.empty()) return;
  std::size_t place = 0;
  for (const turnstile::VectorMatch& match : knowledge.vectors.search(
           tx, query.vector, {.limit = static_cast<int>(chunks), .max_distance = kFarthest})) {
    Found& entry = found[std::stoll(match.id)];
    entry.score += share_of_place(++place);
    entry.by_meaning = true;
  }
}

std::string beginning_of(std::string_view body) {
  constexpr std::size_t kShown = 120;
  std::string text(cut_at_character(body, kShown));
  return text.size() < body.size() ? text + " ..." : text;
}

}  // namespace

std::vector<Hit> search(const Knowledge& knowledge, ReadTx& tx, const Query& query) {
  std::vector<Hit> hits;
  if (query.limit <= 0) return hits;
  const std::int64_t chunks = std::min(query.limit * kChunksPerHit, kMostChunks);
  FoundById found;
  add_words(knowledge, tx, query, chunks, found);
  add_meaning(knowledge, tx, query, chunks, found);

  std::vector<Found> ranked;
  for (auto& [id, entry] : found) {
    entry.chunk = id;
    ranked.push_back(std::move(entry));
  }
  std::ranges::stable_sort(ranked, std::greater{}, &Found::score);

  std::set<std::int64_t> seen;
  for (Found& entry : ranked) {
    const std::optional<Chunk> chunk = knowledge.chunks.get(tx, entry.chunk);
    if (!chunk || !seen.insert(chunk->document_id).second) continue;
    const std::optional<Document> document = knowledge.documents.get(tx, chunk->document_id);
    if (!document) continue;
    hits.push_back(
        {.path = document->path,
         .chunk = chunk->position + 1,
         .chunk_count = document->chunk_count,
         .score = entry.score,
         .by_words = entry.by_words,
         .by_meaning = entry.by_meaning,
         .snippet = entry.snippet.empty() ? beginning_of(chunk->body) : std::move(entry.snippet)});
    if (std::ssize(hits) == query.limit) break;
  }
  return hits;
}

}  // namespace kb
