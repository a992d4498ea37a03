// What an indexing process consists of: a look at the directory, workers that read and embed, and
// the schedule of further looks. All of it is shared with every other process that indexes into the
// same file: tasks are done once, and a look that is due is taken by one of them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "chunk_embedder.h"
#include "document_store.h"
#include "embedder.h"
#include "failures.h"
#include "file_watch.h"
#include "knowledge.h"
#include "reader.h"
#include "scanner.h"
#include "turnstile/cron.h"
#include "turnstile/host.h"
#include "turnstile/task_worker.h"

namespace kb {

struct IndexSettings {
  std::filesystem::path directory;
  int workers = 4;
  std::size_t max_text_bytes = 0;
  std::chrono::milliseconds lease{0};
  std::chrono::seconds every{0};  ///< Between two looks, by whichever process.
};

/// What this process has done so far. Threads: shared.
struct Tally {
  std::atomic<std::int64_t> files = 0;   ///< Found, each look anew.
  std::atomic<std::int64_t> queued = 0;  ///< Of these, not known as they are.
  std::atomic<std::int64_t> unnameable = 0;
  std::atomic<std::int64_t> looks = 0;  ///< That the schedule has asked for.
  std::atomic<std::int64_t> added = 0;
  std::atomic<std::int64_t> changed = 0;
  std::atomic<std::int64_t> removed = 0;
  std::atomic<std::int64_t> unchanged = 0;
  std::atomic<std::int64_t> skipped = 0;
  std::atomic<std::int64_t> vectors = 0;
  std::atomic<std::int64_t> claims_lost = 0;
  std::atomic<std::int64_t> text_bytes = 0;  ///< Of added and changed documents.

  [[nodiscard]] std::int64_t handled() const {
    return added + changed + removed + unchanged + skipped;
  }
};

/// Adds its parts to a host, which starts and stops them. Must live until the host is stopped.
///
/// Threads: confined, but for what only looks, which is shared.
class Indexer {
 public:
  /// Throws std::filesystem::filesystem_error when there is no such directory, and what Knowledge
  /// does.
  Indexer(turnstile::Host& host, Embedder& embedder, IndexSettings settings);
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;

  /// The first look of this process is done, and there is nothing left to read or to embed.
  /// Throws what ended the look, if something did.
  [[nodiscard]] bool is_done() const;

  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] const FailureCount& failures() const noexcept { return failures_; }
  [[nodiscard]] std::string scan_problem() const;
  [[nodiscard]] std::int64_t queue_size() const;
  [[nodiscard]] turnstile::WorkerMetrics workers() const { return pool_.metrics(); }
  [[nodiscard]] turnstile::AuditStats audit() const { return knowledge_.audit.stats(); }

 private:
  void add_parts(turnstile::Host& host);
  void schedule_looks();
  void start_first_look();
  void look(const std::stop_token& stop);
  turnstile::TaskResult read(const turnstile::TaskContext& task);
  turnstile::TaskResult embed(const turnstile::TaskContext& task);
  template <class Work>
  turnstile::TaskResult counting_failures(const Work& work);
  void count(Outcome outcome, const Contents& contents);

  const IndexSettings settings_;
  const Scanner scanner_;
  const TextReader reader_;
  const std::string process_;  // How this process is called in the audit.
  Knowledge knowledge_;
  const FileWatch watch_;
  const DocumentStore store_;
  const ChunkEmbedder chunk_embedder_;

  Tally tally_;
  FailureCount failures_;

  mutable std::mutex mutex_;
  bool first_look_done_ = false;  // Guarded by mutex_, as are the next two.
  std::string scan_problem_;
  std::exception_ptr error_;

  turnstile::WorkerPool pool_;
  turnstile::Scheduler scheduler_;
  std::jthread first_look_;  // The last, so that it ends first.
};

}  // namespace kb
