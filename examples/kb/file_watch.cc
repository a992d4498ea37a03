#include "file_watch.h"

#include <sodium.h>

#include <vector>

#include "actions.h"
#include "reader.h"

namespace kb {

using turnstile::ReadTx;
using turnstile::WriteTx;

namespace {

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

// Its hash, in hexadecimal digits.
std::string key_of(std::string_view path) {
  const turnstile::Blob hash = hash_of(path);
  std::string digits(2 * hash.size() + 1, '\0');
  ::sodium_bin2hex(digits.data(), digits.size(),
                   reinterpret_cast<const unsigned char*>(hash.data()), hash.size());
  digits.pop_back();  // The NUL that it ends with.
  return digits;
}

Look FileWatch::look(const std::string& actor, const std::function<void(const Look&)>& note,
                     const std::stop_token& stop) const {
  turnstile::AuditLog& audit = knowledge_.audit;
  // These two belong to no other change, and nobody waits for them.
  audit.record({.action = action::kScanStarted, .actor = actor, .subject = scanner_.root()});
  Look total;
  const auto offer_batch = [&](const std::vector<FoundFile>& files) {
    const Look part{.files = std::ssize(files), .queued = offer(files)};
    total.files += part.files;
    total.queued += part.queued;
    note(part);
  };
  const ScanResult result = scanner_.walk(offer_batch, stop);
  Look rest{.unnameable = result.unnameable, .problem = result.problem};
  if (!stop.stop_requested()) rest.queued = offer_missing();
  note(rest);
  total.queued += rest.queued;
  total.unnameable = rest.unnameable;
  total.problem = rest.problem;
  audit.record({.action = action::kScanEnded, .actor = actor, .subject = scanner_.root()});
  return total;
}

std::int64_t FileWatch::offer(std::span<const FoundFile> files) const {
  const turnstile::Lane& lane = knowledge_.tasks.lane();
  // In a re-scan nearly all are known, and to find that out nobody has to wait for the turn.
  const std::vector<const FoundFile*> unknown = lane.read([&](ReadTx& tx) {
    std::vector<const FoundFile*> found;
    for (const FoundFile& file : files)
      if (!is_known(tx, file)) found.push_back(&file);
    return found;
  });
  if (unknown.empty()) return 0;
  // Between the two transactions another process may have stored a file: look again. Inside a
  // write transaction the answer stays true until the commit.
  lane.write([&](WriteTx& tx) {
    for (const FoundFile* file : unknown)
      if (!is_known(tx, *file)) enqueue(tx, file->path);
  });
  return std::ssize(unknown);
}

std::int64_t FileWatch::offer_missing() const {
  const turnstile::Lane& lane = knowledge_.tasks.lane();
  // Looking at the file system takes its time, so it happens between the transactions. Should a
  // file come back in the meantime, the worker that opens it will see that.
  std::vector<std::string> paths =
      lane.read([&](ReadTx& tx) { return stored_paths(tx, scanner_.root()); });
  std::erase_if(paths, [](const std::string& path) { return !is_gone(path); });
  if (!paths.empty()) {
    lane.write([&](WriteTx& tx) {
      for (const std::string& path : paths)
        enqueue(tx, path);
    });
  }
  return std::ssize(paths);
}

// The key sees to it that a path waits only once, however often and by whomever it is found.
void FileWatch::enqueue(WriteTx& tx, const std::string& path) const {
  knowledge_.tasks.enqueue(
      tx, turnstile::NewTask{
              .queue = kDocumentQueue, .kind = "read", .payload = path, .key = key_of(path)});
}

}  // namespace kb
