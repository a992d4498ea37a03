// One pass over a directory: a scanning thread fills the work queue, workers empty it, together
// with the workers of every other process that indexes into the same file.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "audit.h"
#include "document_store.h"
#include "failures.h"
#include "reader.h"
#include "scanner.h"
#include "turnstile/database.h"
#include "work_queue.h"

namespace kb {

struct IndexSettings {
  std::filesystem::path directory;
  int workers = 4;
  std::size_t max_text_bytes = 0;
  std::chrono::milliseconds lease{0};
};

/// What this process has done so far. Threads: shared.
struct Tally {
  std::atomic<std::int64_t> files = 0;   ///< Found by the scan.
  std::atomic<std::int64_t> queued = 0;  ///< Of these, not known as they are.
  std::atomic<std::int64_t> unnameable = 0;
  std::atomic<std::int64_t> added = 0;
  std::atomic<std::int64_t> changed = 0;
  std::atomic<std::int64_t> removed = 0;
  std::atomic<std::int64_t> unchanged = 0;
  std::atomic<std::int64_t> skipped = 0;
  std::atomic<std::int64_t> claims_lost = 0;
  std::atomic<std::int64_t> text_bytes = 0;  ///< Of added and changed documents.

  [[nodiscard]] std::int64_t handled() const {
    return added + changed + removed + unchanged + skipped;
  }
};

/// Threads: confined, but for tally(), failures() and queue_size(), which are shared.
class Indexer {
 public:
  /// Throws std::filesystem::filesystem_error when there is no such directory.
  Indexer(const turnstile::Database& database, IndexSettings settings);
  /// Stops and waits.
  ~Indexer();
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;

  /// Begins a pass. The one before must have been finished.
  void start();
  /// Ends the pass early: every worker completes the document it has in hand.
  void stop() { stop_.request_stop(); }
  /// True when every thread of the pass is done.
  [[nodiscard]] bool is_done() const noexcept { return running_ == 0; }
  /// Waits for the threads, and throws what ended the pass, if something did.
  void finish();

  [[nodiscard]] const Tally& tally() const noexcept { return tally_; }
  [[nodiscard]] const FailureCount& failures() const noexcept { return failures_; }
  [[nodiscard]] const std::string& scan_problem() const noexcept { return scan_problem_; }
  [[nodiscard]] std::int64_t queue_size() const { return queue_.size(); }

 private:
  template <class Body>
  void run_thread(Body body);
  void scan();
  void work(int number);
  void handle(const Claim& claim, const std::string& actor);
  bool wait_for_work();
  void count(Outcome outcome, const Contents& contents);

  const IndexSettings settings_;
  const Scanner scanner_;
  const TextReader reader_;
  const WorkQueue queue_;
  const DocumentStore store_;
  const AuditLog audit_;
  const std::string process_;  // How this process is called in the audit.

  Tally tally_;
  FailureCount failures_;
  std::stop_source stop_;
  std::atomic<bool> scan_done_ = false;
  std::atomic<int> running_ = 0;
  std::string scan_problem_;  // Written by the scanning thread, read after finish().

  std::mutex mutex_;
  std::condition_variable work_came_;
  std::exception_ptr error_;  // The first one; guarded by mutex_.

  std::vector<std::jthread> threads_;
};

}  // namespace kb
