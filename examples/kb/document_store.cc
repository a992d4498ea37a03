#include "document_store.h"

#include <optional>
#include <utility>
#include <vector>

#include "actions.h"
#include "chunker.h"

namespace kb {

using turnstile::field;
using turnstile::WriteTx;

namespace {

std::string_view reason_of(Verdict verdict) {
  return verdict == Verdict::Binary ? "not text" : "damaged gzip";
}

}  // namespace

std::string_view to_string(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::Added:
      return "added";
    case Outcome::Changed:
      return "changed";
    case Outcome::Removed:
      return "removed";
    case Outcome::Unchanged:
      return "unchanged";
    case Outcome::Skipped:
      return "skipped";
  }
  return "";
}

Outcome DocumentStore::store(const turnstile::TaskContext& task, const std::string& path,
                             const Contents& contents, std::string_view actor) const {
  // Before the transaction: everybody's turn is too precious to look for paragraphs in it.
  const std::vector<std::string_view> chunks = split_into_chunks(contents.text);
  const turnstile::AuditEvent event{.actor = std::string(actor),
                                    .subject = path,
                                    .trace = "task " + std::to_string(task.task().id)};
  return knowledge_.documents.lane().write([&](WriteTx& tx) {
    const Outcome outcome = replace(tx, path, contents, chunks, event);
    task.complete_in(tx, turnstile::Value(std::string(to_string(outcome))));
    return outcome;
  });
}

Outcome DocumentStore::replace(WriteTx& tx, const std::string& path, const Contents& contents,
                               const std::vector<std::string_view>& chunks,
                               turnstile::AuditEvent event) const {
  if (contents.verdict == Verdict::Unreadable)
    return Outcome::Skipped;  // Perhaps readable tomorrow: what is stored stays as it is.
  std::optional<Document> stored =
      knowledge_.documents.where(field<&Document::path> == path).first(tx);
  if (contents.verdict != Verdict::Text) {
    remember_skipped(tx, path, contents);
    if (!stored) return Outcome::Skipped;
    remove_chunks(tx, stored->id);
    knowledge_.documents.remove(tx, stored->id);
    record(tx, std::move(event), action::kRemoved);
    return Outcome::Removed;
  }
  Document document{.id = stored ? stored->id : 0,
                    .path = path,
                    .size_bytes = contents.stamp.size_bytes,
                    .modified = contents.stamp.modified,
                    .text_hash = contents.hash,
                    .text_bytes = static_cast<std::int64_t>(contents.text.size()),
                    .truncated = contents.truncated,
                    .chunk_count = std::ssize(chunks)};
  if (stored && stored->text_hash == contents.hash) {
    static_cast<void>(knowledge_.documents.update(tx, document));
    return Outcome::Unchanged;
  }
  knowledge_.skipped.remove(tx, path);
  if (stored) {
    remove_chunks(tx, document.id);
    static_cast<void>(knowledge_.documents.update(tx, document));
  } else {
    knowledge_.documents.insert(tx, document);
  }
  put_chunks(tx, document.id, chunks);
  record(tx, std::move(event), stored ? action::kChanged : action::kAdded);
  return stored ? Outcome::Changed : Outcome::Added;
}

void DocumentStore::remove_chunks(WriteTx& tx, std::int64_t document) const {
  std::vector<std::string> ids;
  for (const std::int64_t id :
       tx.query<std::int64_t>("SELECT id FROM chunk WHERE document_id = ?", document))
    ids.push_back(vector_id(id));
  knowledge_.vectors.remove(tx, ids);
  knowledge_.chunks.remove_where(tx, field<&Chunk::document_id> == document);
}

void DocumentStore::put_chunks(WriteTx& tx, std::int64_t document,
                               const std::vector<std::string_view>& chunks) const {
  std::vector<Chunk> rows;
  rows.reserve(chunks.size());
  for (const std::string_view body : chunks)
    rows.push_back(
        {.document_id = document, .position = std::ssize(rows), .body = std::string(body)});
  knowledge_.chunks.insert_all(tx, rows);
  if (rows.empty()) return;
  // One for each document at a time: a worker that finds the text changed since begins anew.
  const std::string id = std::to_string(document);
  knowledge_.tasks.enqueue(
      tx, turnstile::NewTask{.queue = kEmbeddingQueue, .kind = "embed", .payload = id, .key = id});
}

void DocumentStore::remember_skipped(WriteTx& tx, const std::string& path,
                                     const Contents& contents) const {
  if (contents.verdict == Verdict::Gone) {
    knowledge_.skipped.remove(tx, path);
    return;
  }
  knowledge_.skipped.upsert(tx, Skipped{.path = path,
                                        .size_bytes = contents.stamp.size_bytes,
                                        .modified = contents.stamp.modified,
                                        .reason = std::string(reason_of(contents.verdict))});
}

void DocumentStore::record(WriteTx& tx, turnstile::AuditEvent event, const char* action) const {
  event.action = action;
  knowledge_.audit.record(tx, std::move(event));
}

}  // namespace kb
