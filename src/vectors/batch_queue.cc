#include "vectors/batch_queue.h"

#include <algorithm>
#include <utility>

namespace turnstile::vectors {

bool BatchQueue::push(EmbeddingJob job, Clock::time_point now) {
  if (waiting_.size() >= options_.queue_limit) return false;
  waiting_.push_back({std::move(job), now});
  return true;
}

std::optional<BatchQueue::Clock::time_point> BatchQueue::due() const {
  if (waiting_.empty()) return std::nullopt;
  if (waiting_.size() >= options_.batch_size) return Clock::time_point::min();
  return waiting_.front().since + options_.flush_after;
}

std::vector<EmbeddingJob> BatchQueue::take() {
  std::vector<EmbeddingJob> batch;
  while (!waiting_.empty() && batch.size() < options_.batch_size) {
    batch.push_back(std::move(waiting_.front().job));
    waiting_.pop_front();
  }
  return batch;
}

}  // namespace turnstile::vectors
