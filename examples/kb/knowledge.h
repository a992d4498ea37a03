// The parts of a knowledge base: records, words, vectors, audit and tasks, all of them in one file.
#pragma once

#include <chrono>

#include "embedder.h"
#include "records.h"
#include "turnstile/audit.h"
#include "turnstile/database.h"
#include "turnstile/records.h"
#include "turnstile/tasks.h"
#include "turnstile/text.h"
#include "turnstile/vectors.h"

namespace kb {

/// The queues of the background work.
inline constexpr const char* kDocumentQueue = "documents";    ///< Files to be read, by their paths.
inline constexpr const char* kEmbeddingQueue = "embeddings";  ///< Documents to be embedded, by id.

/// What the tables of a knowledge base are to be.
enum class Tables {
  Ensure,   ///< Made where they are missing.
  Require,  ///< There, or else the file is none: throws.
};

/// Each part goes through a lane of its own. So a Timeout says which of them waited and for which
/// one, and none of them can take a connection or change a setting.
///
/// Threads: shared.
struct Knowledge {
  /// Throws what the constructors of its parts do; Error (VECTOR_COLLECTION_DIFFERS) when the file
  /// has vectors of another model than the embedder's.
  Knowledge(const turnstile::Database& database, const Embedder& embedder, Tables tables,
            std::chrono::milliseconds lease = std::chrono::seconds(10));

  turnstile::Records<Document> documents;
  turnstile::Records<Chunk> chunks;
  turnstile::Records<Skipped> skipped;
  turnstile::TextIndex words;           ///< Of Chunk::body, by Chunk::id.
  turnstile::VectorCollection vectors;  ///< Of Chunk::body; ids are those of chunks as text.
  turnstile::AuditLog audit;
  turnstile::TaskQueue tasks;
};

/// How the vector of a chunk is called.
[[nodiscard]] std::string vector_id(std::int64_t chunk);

}  // namespace kb
