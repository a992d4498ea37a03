// What is done with a batch: embedding it, storing what came of it, noting what failed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/mutex.h"
#include "vectors/batch_queue.h"
#include "vectors/collection_state.h"
#include "vectors/pending.h"

namespace turnstile::vectors {

/// Counters that are read while they are counted. Threads: shared.
class SharedCounters {
 public:
  void add(std::uint64_t EmbeddingCounters::*counter, std::size_t count = 1) {
    gate::MutexLock lock(mutex_);
    counters_.*counter += count;
  }
  [[nodiscard]] EmbeddingCounters get() const {
    gate::MutexLock lock(mutex_);
    return counters_;
  }

 private:
  mutable gate::Mutex mutex_;
  EmbeddingCounters counters_ TURNSTILE_GUARDED_BY(mutex_);
};

/// Threads: confined.
class EmbeddingBatches {
 public:
  EmbeddingBatches(std::shared_ptr<const State> collection, EmbeddingProvider provider,
                   EmbeddingSource source, const EmbeddingBufferOptions& options,
                   SharedCounters& counters);

  /// Embeds and stores; what fails is marked as to be tried again. Does not throw.
  /// `given_up` is asked after the provider has returned; then nothing is stored.
  void run(std::vector<EmbeddingJob> jobs, const std::function<bool()>& given_up);

  /// Takes up marks that are due, as many as a batch has, with their contents. Empty when there is
  /// none, or their contents could not be had; nothing when marks cannot be taken up at all. Does
  /// not throw.
  [[nodiscard]] std::optional<std::vector<EmbeddingJob>> claim();

  /// When the next mark is due. Does not throw; when it cannot be read, some time later.
  [[nodiscard]] std::optional<Time> next_due();

  /// Lets others take these marks at once. Does not throw.
  void release(const std::vector<std::int64_t>& marks);

 private:
  using Vectors = std::vector<std::vector<float>>;

  [[nodiscard]] Vectors embed(const std::vector<EmbeddingJob>& jobs);
  [[nodiscard]] std::vector<EmbeddingJob> with_contents(std::vector<Mark> marks);
  void store(const std::vector<std::int64_t>& marks, const std::vector<VectorItem>& items);
  void retry_later(const std::vector<std::int64_t>& marks, std::string_view error);
  /// A write of this lane; false, and counted, when it failed.
  bool write(const std::function<void(WriteTx&)>& closure);

  std::shared_ptr<const State> collection_;
  EmbeddingProvider provider_;
  EmbeddingSource source_;
  EmbeddingBufferOptions options_;
  SharedCounters& counters_;
};

}  // namespace turnstile::vectors
