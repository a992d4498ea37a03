#include "store.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "query_text.h"
#include "schema.h"

namespace kb {

using std::chrono::system_clock;
using turnstile::ReadTx;
using turnstile::WriteTx;

namespace {

// Longer than any document takes, and short enough that the work of a process that died is soon
// taken over.
constexpr std::chrono::seconds kLease{10};

// Files compared in one write transaction: short for those who wait, and few commits.
constexpr std::size_t kPlanBatch = 200;

turnstile::Options options() {
  turnstile::Options options;
  options.migrations = schema();
  return options;
}

bool is_known(WriteTx& tx, const FileState& file) {
  return tx
      .query<bool>(R"sql(
        SELECT EXISTS(SELECT 1 FROM document
                      WHERE path = :path AND size_bytes = :size AND modified_ns = :modified)
            OR EXISTS(SELECT 1 FROM passed_over
                      WHERE path = :path AND size_bytes = :size AND modified_ns = :modified))sql",
                   turnstile::named("path", file.path), turnstile::named("size", file.size_bytes),
                   turnstile::named("modified", file.modified_ns))
      .one();
}

}  // namespace

Store::Store(const std::string& path, std::string actor)
    : actor_(std::move(actor)),
      database_(turnstile::Database::open(path, options())),
      scan_(database_.lane("scan")),
      documents_(database_.lane("documents")),
      search_(database_.lane("search")),
      report_(database_.lane("report")) {}

std::int64_t Store::plan(const std::string& root, const std::vector<FileState>& files) {
  std::int64_t queued = 0;
  const auto enqueue = [](WriteTx& tx, const std::string& path) {
    return tx.execute("INSERT INTO work(path) VALUES (?) ON CONFLICT DO NOTHING", path).changes;
  };
  for (std::size_t start = 0; start < files.size(); start += kPlanBatch) {
    const std::size_t end = std::min(start + kPlanBatch, files.size());
    queued += scan_.write([&](WriteTx& tx) {
      std::int64_t changes = 0;
      for (std::size_t i = start; i < end; ++i)
        if (!is_known(tx, files[i])) changes += enqueue(tx, files[i].path);
      return changes;
    });
  }

  std::unordered_set<std::string_view> present;
  for (const FileState& file : files)
    present.insert(file.path);
  const std::string below = root.ends_with('/') ? root : root + '/';
  std::vector<std::string> gone;
  for (std::string& path : known_paths())
    if (path.starts_with(below) && !present.contains(path)) gone.push_back(std::move(path));
  queued += scan_.write([&](WriteTx& tx) {
    std::int64_t changes = 0;
    for (const std::string& path : gone)
      changes += enqueue(tx, path);
    return changes;
  });
  return queued;
}

std::vector<std::string> Store::claim(const std::string& worker, int most) {
  const auto now = system_clock::now();
  return documents_.write([&](WriteTx& tx) {
    return tx
        .query<std::string>(R"sql(
          UPDATE work SET worker = :worker, claimed_until = :until
          WHERE path IN (SELECT path FROM work WHERE claimed_until < :now LIMIT :most)
          RETURNING path)sql",
                            turnstile::named("worker", worker),
                            turnstile::named("until", now + kLease), turnstile::named("now", now),
                            turnstile::named("most", most))
        .all();
  });
}

std::int64_t Store::pending() {
  return documents_.read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
}

// False when the claim was lost: the lease passed, and another worker has it now or has done it.
bool Store::end_claim(WriteTx& tx, const std::string& worker, const std::string& path) {
  return tx.execute("DELETE FROM work WHERE path = ? AND worker = ?", path, worker).changes == 1;
}

void Store::add_audit(WriteTx& tx, std::string_view action, const std::string& path) const {
  tx.execute("INSERT INTO audit(at, actor, action, path) VALUES (?, ?, ?, ?)", system_clock::now(),
             actor_, action, path);
}

// The foreign key takes the chunks along, and their trigger takes them out of the index.
void Store::remove_document(WriteTx& tx, std::int64_t id) {
  tx.execute("DELETE FROM document WHERE id = ?", id);
}

void Store::save(const std::string& worker, const Document& document) {
  documents_.write([&](WriteTx& tx) {
    if (!end_claim(tx, worker, document.file.path)) return;
    const FileState& file = document.file;
    const auto old = tx.query<std::int64_t, turnstile::Blob>(
                           "SELECT id, content_hash FROM document WHERE path = ?", file.path)
                         .first();
    if (old && std::get<1>(*old) == document.content_hash) {
      tx.execute("UPDATE document SET size_bytes = ?, modified_ns = ? WHERE id = ?",
                 file.size_bytes, file.modified_ns, std::get<0>(*old));
      return;
    }
    if (old) remove_document(tx, std::get<0>(*old));
    tx.execute("DELETE FROM passed_over WHERE path = ?", file.path);
    store_document(tx, document);
    add_audit(tx, old ? "changed" : "added", file.path);
  });
}

void Store::store_document(WriteTx& tx, const Document& document) const {
  const std::int64_t id =
      tx.execute(
            "INSERT INTO document(path, size_bytes, modified_ns, content_hash, chunk_count, "
            "cut_off) VALUES (?, ?, ?, ?, ?, ?)",
            document.file.path, document.file.size_bytes, document.file.modified_ns,
            document.content_hash, document.chunks.size(), document.is_cut_off)
          .last_insert_rowid;
  turnstile::Statement insert =
      tx.prepare("INSERT INTO chunk(document_id, position, body) VALUES (?, ?, ?)");
  for (std::size_t i = 0; i < document.chunks.size(); ++i)
    insert.execute(id, i, document.chunks[i]);
}

void Store::pass_over(const std::string& worker, const FileState& file, const std::string& reason) {
  documents_.write([&](WriteTx& tx) {
    if (!end_claim(tx, worker, file.path)) return;
    const auto old =
        tx.query<std::int64_t>("SELECT id FROM document WHERE path = ?", file.path).first();
    if (old) {
      remove_document(tx, *old);
      add_audit(tx, "removed", file.path);
    }
    tx.execute("INSERT OR REPLACE INTO passed_over VALUES (?, ?, ?, ?)", file.path, file.size_bytes,
               file.modified_ns, reason);
  });
}

void Store::remove(const std::string& worker, const std::string& path) {
  documents_.write([&](WriteTx& tx) {
    if (!end_claim(tx, worker, path)) return;
    tx.execute("DELETE FROM passed_over WHERE path = ?", path);
    const auto old = tx.query<std::int64_t>("SELECT id FROM document WHERE path = ?", path).first();
    if (!old) return;
    remove_document(tx, *old);
    add_audit(tx, "removed", path);
  });
}

std::vector<SearchHit> Store::search(const std::string& text, int most) {
  const std::string query = to_full_text_query(text);
  if (query.empty()) return {};
  return search_.read([&](ReadTx& tx) {
    std::vector<SearchHit> hits;
    auto rows = tx.query<std::string, std::int64_t, std::string>(R"sql(
      SELECT document.path, chunk.position, snippet(chunk_text, 0, '[', ']', ' ... ', 12)
      FROM chunk_text
      JOIN chunk ON chunk.id = chunk_text.rowid
      JOIN document ON document.id = chunk.document_id
      WHERE chunk_text MATCH ?
      ORDER BY bm25(chunk_text) LIMIT ?)sql",
                                                                 query, most);
    for (auto [path, position, snippet] : rows)
      hits.push_back({path, position, snippet});
    return hits;
  });
}

std::string Store::sample_word(std::int64_t seed) {
  const auto body = search_.read([&](ReadTx& tx) {
    return tx
        .query<std::string>(R"sql(
          SELECT substr(body, 1, 200) FROM chunk
          WHERE id >= 1 + :seed % (SELECT coalesce(max(id), 1) FROM chunk) LIMIT 1)sql",
                            turnstile::named("seed", seed))
        .first();
  });
  return body ? pick_word(*body) : std::string();
}

void Store::record(const RunReport& report) {
  const turnstile::Counters counters = database_.info().counters;
  report_.write([&](WriteTx& tx) {
    tx.execute(R"sql(
      INSERT INTO run(at, kind, actor, commits, searches, hits, lock_failures,
                      longest_write_wait_us, longest_read_wait_us)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?))sql",
               system_clock::now(), report.kind, actor_, counters.writes + 1, report.searches,
               report.hits, report.lock_failures, counters.longest_write_wait.count(),
               counters.longest_read_wait.count());
  });
}

std::vector<std::string> Store::known_paths() {
  return report_.read([](ReadTx& tx) {
    return tx.query<std::string>("SELECT path FROM document UNION ALL SELECT path FROM passed_over")
        .all();
  });
}

std::vector<std::string> Store::passed_over_paths() {
  return report_.read(
      [](ReadTx& tx) { return tx.query<std::string>("SELECT path FROM passed_over").all(); });
}

}  // namespace kb
