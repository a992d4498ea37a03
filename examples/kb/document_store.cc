#include "document_store.h"

#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "audit.h"
#include "chunker.h"

namespace kb {

using turnstile::WriteTx;

namespace {

struct StoredDocument {
  std::int64_t id = 0;
  turnstile::Blob hash;
};

std::optional<StoredDocument> find_document(turnstile::ReadTx& tx, const std::string& path) {
  const auto row = tx.query<std::int64_t, turnstile::Blob>(
                         "SELECT id, text_hash FROM document WHERE path = ?", path)
                       .first();
  if (!row) return std::nullopt;
  return StoredDocument{std::get<0>(*row), std::get<1>(*row)};
}

void remember_stamp(WriteTx& tx, std::int64_t document, const FileStamp& stamp) {
  tx.execute("UPDATE document SET size_bytes = ?, modified = ? WHERE id = ?", stamp.size_bytes,
             stamp.modified, document);
}

std::int64_t put_document(WriteTx& tx, const std::string& path, const Contents& contents,
                          std::size_t chunk_count) {
  return tx
      .query<std::int64_t>(
          "INSERT INTO document(path, size_bytes, modified, text_hash, text_bytes, truncated, "
          "chunk_count, indexed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (path) DO UPDATE SET size_bytes = excluded.size_bytes, "
          "modified = excluded.modified, text_hash = excluded.text_hash, "
          "text_bytes = excluded.text_bytes, truncated = excluded.truncated, "
          "chunk_count = excluded.chunk_count, indexed_at = excluded.indexed_at RETURNING id",
          path, contents.stamp.size_bytes, contents.stamp.modified, contents.hash,
          contents.text.size(), contents.truncated, chunk_count, now())
      .one();
}

void put_chunks(WriteTx& tx, std::int64_t document, const std::vector<std::string_view>& chunks) {
  tx.execute("DELETE FROM chunk WHERE document_id = ?", document);
  turnstile::Statement insert =
      tx.prepare("INSERT INTO chunk(document_id, position, body) VALUES (?, ?, ?)");
  for (std::size_t position = 0; position < chunks.size(); ++position)
    insert.execute(document, position, chunks[position]);
}

void remove_document(WriteTx& tx, std::int64_t document) {
  // Chunks first and by name: it is their trigger that keeps the full-text index right.
  tx.execute("DELETE FROM chunk WHERE document_id = ?", document);
  tx.execute("DELETE FROM document WHERE id = ?", document);
}

std::string_view reason_of(Verdict verdict) {
  return verdict == Verdict::Binary ? "not text" : "damaged gzip";
}

void remember_skipped(WriteTx& tx, const std::string& path, const Contents& contents) {
  if (contents.verdict == Verdict::Gone) {
    tx.execute("DELETE FROM skipped WHERE path = ?", path);
    return;
  }
  tx.execute(
      "INSERT OR REPLACE INTO skipped(path, size_bytes, modified, reason) "
      "VALUES (?, ?, ?, ?)",
      path, contents.stamp.size_bytes, contents.stamp.modified, reason_of(contents.verdict));
}

}  // namespace

Outcome DocumentStore::store(const Claim& claim, const Contents& contents,
                             std::string_view actor) const {
  // Before the transaction: everybody's turn is too precious to look for paragraphs in it.
  const std::vector<std::string_view> chunks = split_into_chunks(contents.text);

  return lane_.write([&](WriteTx& tx) {
    if (!WorkQueue::finish(tx, claim)) return Outcome::ClaimLost;
    if (contents.verdict == Verdict::Unreadable)
      return Outcome::Skipped;  // Perhaps readable tomorrow: what is stored stays as it is.
    const std::optional<StoredDocument> stored = find_document(tx, claim.path);
    if (contents.verdict != Verdict::Text) {
      remember_skipped(tx, claim.path, contents);
      if (!stored) return Outcome::Skipped;
      remove_document(tx, stored->id);
      AuditLog::record(tx, actor, Action::Removed, claim.path);
      return Outcome::Removed;
    }
    if (stored && stored->hash == contents.hash) {
      remember_stamp(tx, stored->id, contents.stamp);
      return Outcome::Unchanged;
    }
    tx.execute("DELETE FROM skipped WHERE path = ?", claim.path);
    const std::int64_t document = put_document(tx, claim.path, contents, chunks.size());
    put_chunks(tx, document, chunks);
    AuditLog::record(tx, actor, stored ? Action::Changed : Action::Added, claim.path);
    return stored ? Outcome::Changed : Outcome::Added;
  });
}

}  // namespace kb
