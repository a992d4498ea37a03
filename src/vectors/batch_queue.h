// What waits in memory to be embedded, and when a batch of it is due. Knows no clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "turnstile/embedding_buffer.h"

namespace turnstile::vectors {

/// A content with the mark that it is about. Threads: confined.
struct EmbeddingJob {
  std::int64_t mark = 0;
  EmbeddingRequest request;
};

/// Threads: confined.
class BatchQueue {
 public:
  using Clock = std::chrono::steady_clock;

  explicit BatchQueue(const EmbeddingBufferOptions& options) : options_(options) {}

  /// False when there is no room.
  [[nodiscard]] bool push(EmbeddingJob job, Clock::time_point now);

  /// When the next batch is due: at once if it is full, else some time after its first job came.
  /// Nothing while there is none.
  [[nodiscard]] std::optional<Clock::time_point> due() const;

  /// The next batch, due or not.
  [[nodiscard]] std::vector<EmbeddingJob> take();

  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    EmbeddingJob job;
    Clock::time_point since;
  };

  EmbeddingBufferOptions options_;
  std::deque<Waiting> waiting_;
};

}  // namespace turnstile::vectors
