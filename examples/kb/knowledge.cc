#include "knowledge.h"

namespace kb {

namespace {

using turnstile::Database;

turnstile::RecordsOptions records_options(Tables tables) {
  return {.tables = tables == Tables::Ensure ? turnstile::RecordTables::Ensure
                                             : turnstile::RecordTables::Require};
}

turnstile::VectorCollection open_vectors(const Database& database, const Embedder& embedder) {
  // Rebuilding them is nobody's hurry.
  const turnstile::VectorStore store(
      database.lane("vectors"),
      {.bulk = database.lane("vectors, bulk", {.priority = turnstile::Priority::Bulk})});
  return store.open_or_create("chunk",
                              {.dimension = embedder.dimension(),
                               .model = embedder.model(),
                               .columns = {{"document", turnstile::VectorColumnType::Integer}}});
}

}  // namespace

// In this order: a chunk refers to its document, the index of words to the table of chunks.
Knowledge::Knowledge(const Database& database, const Embedder& embedder, Tables tables,
                     std::chrono::milliseconds lease)
    : documents(database.lane("documents"), records_options(tables)),
      chunks(database.lane("documents"), records_options(tables)),
      skipped(database.lane("documents"), records_options(tables)),
      words(database.lane("words"),
            {.name = "chunk_words", .table = "chunk", .columns = {{.name = "body"}}}),
      vectors(open_vectors(database, embedder)),
      audit(database.lane("audit"), {.actor = "kb"}),
      // All that were done are kept: `kb stats` proves by them that none was done twice.
      tasks(database.lane("tasks"), {.lease = lease, .keep_finished = 1'000'000'000}) {}

std::string vector_id(std::int64_t chunk) {
  return std::to_string(chunk);
}

}  // namespace kb
