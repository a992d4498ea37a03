#include "turnstile/embedding_buffer.h"

#include <string>
#include <utility>

#include "sqlite/error_code.h"
#include "vectors/embedding_worker.h"
#include "vectors/fail.h"

namespace turnstile {

namespace {

void require(bool fits, const std::string& what, std::source_location where) {
  if (!fits) vectors::refuse(code("OPTION_INVALID"), what, {}, where);
}

void validate(const EmbeddingBufferOptions& options, std::source_location where) {
  using std::chrono::milliseconds;
  constexpr std::size_t kMost = 100'000;
  const auto between = [](auto value, auto least, auto most) {
    return value >= least && value <= most;
  };
  const milliseconds day = std::chrono::hours(24);
  require(between(options.queue_limit, 1U, kMost),
          "queue_limit of an embedding buffer must be from 1 to 100000", where);
  require(between(options.batch_size, 1U, kMost),
          "batch_size of an embedding buffer must be from 1 to 100000", where);
  require(between(options.flush_after, milliseconds(0), day),
          "flush_after of an embedding buffer must be from 0 to a day", where);
  require(between(options.retry_after, milliseconds(1), day) &&
              between(options.longest_retry, options.retry_after, day),
          "retry_after of an embedding buffer must be from 1 ms to longest_retry, and that at most "
          "a day",
          where);
  require(between(options.lease, milliseconds(1), day),
          "lease of an embedding buffer must be from 1 ms to a day", where);
}

}  // namespace

EmbeddingBuffer::EmbeddingBuffer(const VectorCollection& collection, EmbeddingProvider provider,
                                 EmbeddingSource source, EmbeddingBufferOptions options,
                                 std::source_location where) {
  validate(options, where);
  require(provider != nullptr && source != nullptr,
          "an embedding buffer needs a provider and a source", where);
  worker_ = std::make_shared<detail::EmbeddingWorker>(collection.state_, std::move(provider),
                                                      std::move(source), options);
}

EmbeddingBuffer::~EmbeddingBuffer() = default;

void EmbeddingBuffer::start() {
  worker_->start();
}

EmbeddingStop EmbeddingBuffer::stop(std::chrono::milliseconds deadline) {
  return worker_->stop(deadline);
}

bool EmbeddingBuffer::add(WriteTx& tx, EmbeddingRequest request) {
  return worker_->add(tx, std::move(request));
}

Enqueued EmbeddingBuffer::enqueue(std::int64_t mark, EmbeddingRequest request) {
  return worker_->enqueue(mark, std::move(request));
}

EmbeddingCounters EmbeddingBuffer::counters() const {
  return worker_->counters();
}

}  // namespace turnstile
