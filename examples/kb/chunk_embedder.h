// Makes the vectors of a document's chunks, outside of any transaction, and stores them in one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "embedder.h"
#include "knowledge.h"
#include "turnstile/task_worker.h"

namespace kb {

/// Threads: shared.
class ChunkEmbedder {
 public:
  ChunkEmbedder(const Knowledge& knowledge, Embedder& embedder)
      : knowledge_(knowledge), embedder_(embedder) {}

  /// The task names the document. How many vectors were stored; none when the document is gone.
  [[nodiscard]] std::int64_t embed(const turnstile::TaskContext& task,
                                   std::string_view actor) const;

 private:
  struct Text {
    Document document;
    std::vector<Chunk> chunks;
  };
  [[nodiscard]] std::optional<Text> read(std::int64_t document) const;
  [[nodiscard]] std::vector<turnstile::VectorItem> make_vectors(
      const turnstile::TaskContext& task, const std::vector<Chunk>& chunks) const;
  [[nodiscard]] bool store(const turnstile::TaskContext& task, const Document& document,
                           const std::vector<turnstile::VectorItem>& items,
                           std::string_view actor) const;

  const Knowledge& knowledge_;
  Embedder& embedder_;
};

}  // namespace kb
