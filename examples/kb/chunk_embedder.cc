#include "chunk_embedder.h"

#include <algorithm>
#include <span>
#include <utility>

#include "actions.h"

namespace kb {

using turnstile::field;

std::int64_t ChunkEmbedder::embed(const turnstile::TaskContext& task,
                                  std::string_view actor) const {
  const std::int64_t document = std::stoll(task.text());
  // While a vector is made the document may be replaced. Then the task that this would have been
  // for is this one: there is only one for each document.
  for (;;) {
    task.throw_if_stopped();
    const std::optional<Text> text = read(document);
    if (!text) return 0;
    const std::vector<turnstile::VectorItem> items = make_vectors(task, text->chunks);
    if (store(task, text->document, items, actor)) return std::ssize(items);
  }
}

std::optional<ChunkEmbedder::Text> ChunkEmbedder::read(std::int64_t document) const {
  return knowledge_.documents.lane().read([&](turnstile::ReadTx& tx) -> std::optional<Text> {
    std::optional<Document> found = knowledge_.documents.get(tx, document);
    if (!found) return std::nullopt;
    return Text{std::move(*found),
                knowledge_.chunks.where(field<&Chunk::document_id> == document).all(tx)};
  });
}

std::vector<turnstile::VectorItem> ChunkEmbedder::make_vectors(
    const turnstile::TaskContext& task, const std::vector<Chunk>& chunks) const {
  constexpr std::size_t kBatch = 32;  // As much as models like to get at once.
  std::vector<turnstile::VectorItem> items;
  items.reserve(chunks.size());
  for (std::size_t begin = 0; begin < chunks.size(); begin += kBatch) {
    task.throw_if_stopped();
    const auto batch = std::span(chunks).subspan(begin, std::min(kBatch, chunks.size() - begin));
    std::vector<std::string> texts;
    for (const Chunk& chunk : batch)
      texts.push_back(chunk.body);
    std::vector<std::vector<float>> vectors = embedder_.embed(texts);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      items.push_back({.id = vector_id(batch[i].id),
                       .vector = std::move(vectors[i]),
                       .values = {{"document", turnstile::Value(batch[i].document_id)}}});
    }
  }
  return items;
}

bool ChunkEmbedder::store(const turnstile::TaskContext& task, const Document& document,
                          const std::vector<turnstile::VectorItem>& items,
                          std::string_view actor) const {
  return knowledge_.vectors.lane().write([&](turnstile::WriteTx& tx) {
    const std::optional<Document> present = knowledge_.documents.get(tx, document.id);
    if (!present || present->text_hash != document.text_hash) return false;
    knowledge_.vectors.upsert(tx, items);
    knowledge_.audit.record(tx, {.action = action::kEmbedded,
                                 .actor = std::string(actor),
                                 .subject = document.path,
                                 .trace = "task " + std::to_string(task.task().id)});
    task.complete_in(tx, turnstile::Value(std::ssize(items)));
    return true;
  });
}

}  // namespace kb
