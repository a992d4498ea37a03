// The thread of an EmbeddingBuffer, and what it shares with the buffer's users.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gate/mutex.h"
#include "turnstile/embedding_buffer.h"
#include "turnstile/observation.h"
#include "vectors/batch_queue.h"
#include "vectors/embedding_batch.h"

namespace turnstile::detail {

/// Threads: shared; start(), stop() and the destructor: confined.
class EmbeddingWorker : public std::enable_shared_from_this<EmbeddingWorker> {
 public:
  EmbeddingWorker(std::shared_ptr<const VectorCollectionState> collection,
                  EmbeddingProvider provider, EmbeddingSource source,
                  const EmbeddingBufferOptions& options);
  ~EmbeddingWorker();
  EmbeddingWorker(const EmbeddingWorker&) = delete;
  EmbeddingWorker& operator=(const EmbeddingWorker&) = delete;

  void start() TURNSTILE_EXCLUDES(mutex_);
  EmbeddingStop stop(std::chrono::milliseconds deadline) TURNSTILE_EXCLUDES(mutex_);
  bool add(WriteTx& tx, EmbeddingRequest request) TURNSTILE_EXCLUDES(mutex_);
  Enqueued enqueue(std::int64_t mark, EmbeddingRequest request) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] EmbeddingCounters counters() const { return counters_.get(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Jobs = std::vector<vectors::EmbeddingJob>;

  enum class Phase {
    Idle,  // No thread runs, or it is about to end.
    Running,
    Draining,  // Nothing new is accepted; what is queued is embedded.
    GivenUp,   // The thread ends as soon as it can.
  };

  void run() TURNSTILE_EXCLUDES(mutex_);
  /// Waits for the next batch of the queue, or until it is time to look at the marks: then it is
  /// empty. Nothing when the thread is to end.
  [[nodiscard]] std::optional<Jobs> next_batch() TURNSTILE_EXCLUDES(mutex_);
  void embed(Jobs jobs) TURNSTILE_EXCLUDES(mutex_);
  void look_at_marks() TURNSTILE_EXCLUDES(mutex_);
  /// False when it was started again in the meantime.
  [[nodiscard]] bool end_thread() TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::int64_t> take_let_go() TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool given_up() const TURNSTILE_EXCLUDES(mutex_);

  const std::shared_ptr<const VectorCollectionState> collection_;
  const EmbeddingBufferOptions options_;
  vectors::SharedCounters counters_;
  vectors::EmbeddingBatches batches_;

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  vectors::BatchQueue queue_ TURNSTILE_GUARDED_BY(mutex_);
  Phase phase_ TURNSTILE_GUARDED_BY(mutex_) = Phase::Idle;
  bool thread_ended_ TURNSTILE_GUARDED_BY(mutex_) = true;
  std::size_t in_work_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  bool marks_changed_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::optional<Clock::time_point> marks_due_ TURNSTILE_GUARDED_BY(mutex_);
  /// Marks that this buffer works on no longer, to be let go; some of them, when they are very
  /// many: the lease of the others ends by itself.
  std::vector<std::int64_t> let_go_ TURNSTILE_GUARDED_BY(mutex_);

  std::optional<Observation> observation_;
  std::thread thread_;
};

}  // namespace turnstile::detail
