#include "work_queue.h"

#include <utility>

namespace kb {

using turnstile::ReadTx;
using turnstile::WriteTx;

namespace {

constexpr std::string_view kEnqueue = "INSERT INTO work(path) VALUES (?) ON CONFLICT DO NOTHING";

// A function that only reads takes a ReadTx. A WriteTx is one too, so the same check serves before
// and inside the write transaction.
bool is_known(ReadTx& tx, const FoundFile& file) {
  return tx
      .query<int>(
          "SELECT 1 FROM document WHERE path = ?1 AND size_bytes = ?2 AND modified = ?3 UNION ALL "
          "SELECT 1 FROM skipped WHERE path = ?1 AND size_bytes = ?2 AND modified = ?3",
          file.path, file.stamp.size_bytes, file.stamp.modified)
      .first()
      .has_value();
}

std::vector<std::string> stored_paths(ReadTx& tx, const std::string& root) {
  // All that begins with "root/": from there up to the character after the slash.
  const std::string first = root.ends_with('/') ? root : root + '/';
  std::string last = first;
  ++last.back();
  return tx
      .query<std::string>(
          "SELECT path FROM document WHERE path >= ?1 AND path < ?2 UNION ALL "
          "SELECT path FROM skipped WHERE path >= ?1 AND path < ?2",
          first, last)
      .all();
}

}  // namespace

std::int64_t WorkQueue::offer(std::span<const FoundFile> files) const {
  // In a re-scan nearly all are known, and to find that out nobody has to wait for the turn.
  const std::vector<const FoundFile*> unknown = lane_.read([&](ReadTx& tx) {
    std::vector<const FoundFile*> found;
    for (const FoundFile& file : files)
      if (!is_known(tx, file)) found.push_back(&file);
    return found;
  });
  if (unknown.empty()) return 0;
  // Between the two transactions another process may have stored a file: look again. Inside a
  // write transaction the answer stays true until the commit.
  lane_.write([&](WriteTx& tx) {
    for (const FoundFile* file : unknown)
      if (!is_known(tx, *file)) tx.execute(kEnqueue, file->path);
  });
  return static_cast<std::int64_t>(unknown.size());
}

std::int64_t WorkQueue::offer_missing(const std::string& root) const {
  // Looking at the file system takes its time, so it happens between the transactions. Should a
  // file come back in the meantime, the worker that opens it will see that.
  std::vector<std::string> paths = lane_.read([&](ReadTx& tx) { return stored_paths(tx, root); });
  std::erase_if(paths, [](const std::string& path) { return !is_gone(path); });
  if (!paths.empty()) {
    lane_.write([&](WriteTx& tx) {
      for (const std::string& path : paths)
        tx.execute(kEnqueue, path);
    });
  }
  return static_cast<std::int64_t>(paths.size());
}

std::optional<Claim> WorkQueue::claim(std::int64_t owner) const {
  return lane_.write([&](WriteTx& tx) -> std::optional<Claim> {
    const Time present = now();  // Here, so that the lease begins when the wait for the turn ends.
    const auto row = tx.query<std::int64_t, std::string>(
                           "UPDATE work SET owner = ?1, lease_until = ?2 WHERE id = "
                           "(SELECT id FROM work WHERE lease_until <= ?3 ORDER BY id LIMIT 1) "
                           "RETURNING id, path",
                           owner, present + lease_, present)
                         .first();
    if (!row) return std::nullopt;
    const auto& [id, path] = *row;
    return Claim{id, path, owner};
  });
}

bool WorkQueue::finish(WriteTx& tx, const Claim& claim) {
  return tx.execute("DELETE FROM work WHERE id = ? AND owner = ?", claim.id, claim.owner).changes ==
         1;
}

QueueState WorkQueue::state() const {
  return lane_.read([](ReadTx& tx) {
    const auto [any, free] = tx.query<bool, bool>(
                                   "SELECT EXISTS (SELECT 1 FROM work), "
                                   "EXISTS (SELECT 1 FROM work WHERE lease_until <= ?)",
                                   now())
                                 .one();
    if (free) return QueueState::Available;
    return any ? QueueState::Claimed : QueueState::Empty;
  });
}

std::int64_t WorkQueue::size() const {
  return lane_.read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
}

}  // namespace kb
