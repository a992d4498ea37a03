// Everything that kb asks of its database. Each function is one transaction, on the lane of the
// concern it belongs to; nothing in here touches a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "file_scan.h"
#include "turnstile/database.h"

namespace kb {

/// A file's text, ready to be stored.
struct Document {
  FileState file;
  std::vector<std::byte> content_hash;
  std::vector<std::string_view> chunks;
  bool is_cut_off = false;  ///< The file has more text than that.
};

struct SearchHit {
  std::string path;
  std::int64_t position = 0;
  std::string snippet;
};

/// What one process did. The lock failures should be 0.
struct RunReport {
  std::string kind;
  std::int64_t searches = 0;
  std::int64_t hits = 0;
  std::int64_t lock_failures = 0;
};

/// Threads: shared.
class Store {
 public:
  /// Opens or makes the database. `actor` signs audit events and claims; it must be unique among
  /// the processes.
  Store(const std::string& path, std::string actor);

  // The lane "scan".

  /// Queues what differs between the files below `root` and the database: new, changed and removed
  /// ones. Returns how many. Two processes may do it at once; what is queued is not queued twice.
  std::int64_t plan(const std::string& root, const std::vector<FileState>& files);

  // The lane "documents".

  /// Up to `most` paths that nobody works on; they are this worker's until it has stored them, or
  /// until a lease has passed.
  [[nodiscard]] std::vector<std::string> claim(const std::string& worker, int most);
  [[nodiscard]] std::int64_t pending();

  /// Each of these ends a claim, and does nothing when the claim was lost to somebody else.
  void save(const std::string& worker, const Document& document);
  void pass_over(const std::string& worker, const FileState& file, const std::string& reason);
  void remove(const std::string& worker, const std::string& path);

  // The lane "search".

  /// The best matches; any text is a query: its words, all of which must be there.
  [[nodiscard]] std::vector<SearchHit> search(const std::string& text, int most);
  /// A word of the indexed texts, for trying searches out; empty when there is none yet.
  [[nodiscard]] std::string sample_word(std::int64_t seed);

  // The lane "report".

  void record(const RunReport& report);
  /// Paths of documents and of files that were passed over, for comparing with the directory.
  [[nodiscard]] std::vector<std::string> known_paths();
  /// Of these, the ones that were passed over.
  [[nodiscard]] std::vector<std::string> passed_over_paths();

  [[nodiscard]] turnstile::Database& database() noexcept { return database_; }
  [[nodiscard]] const turnstile::Lane& report_lane() const noexcept { return report_; }

 private:
  void add_audit(turnstile::WriteTx& tx, std::string_view action, const std::string& path) const;
  static bool end_claim(turnstile::WriteTx& tx, const std::string& worker, const std::string& path);
  static void remove_document(turnstile::WriteTx& tx, std::int64_t id);
  void store_document(turnstile::WriteTx& tx, const Document& document) const;

  const std::string actor_;
  turnstile::Database database_;
  const turnstile::Lane scan_;
  const turnstile::Lane documents_;
  const turnstile::Lane search_;
  const turnstile::Lane report_;
};

}  // namespace kb
