// Makes vectors of contents in the background, in batches, and loses none of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "turnstile/vectors.h"

namespace turnstile {

namespace detail {
class EmbeddingWorker;
}  // namespace detail

/// Makes a vector of each text, in their order. Called on the buffer's thread, outside of every
/// transaction, one call at a time; it may take its time, and may throw.
using EmbeddingProvider =
    std::function<std::vector<std::vector<float>>(std::span<const std::string> texts)>;

/// What a vector is made of, and what is stored with it.
///
/// Threads: confined.
struct EmbeddingContent {
  std::string text;
  VectorValues values{};  ///< As VectorItem::values.
  std::string payload{};
};

/// Gives the contents of ids as they are now, in their order; nothing for one that is gone. Asked
/// for items that are not in the buffer's memory (any more). Called as an EmbeddingProvider is; it
/// may read and write through lanes.
using EmbeddingSource =
    std::function<std::vector<std::optional<EmbeddingContent>>(std::span<const std::string> ids)>;

/// Threads: confined.
struct EmbeddingRequest {
  std::string id;
  EmbeddingContent content;
  std::int64_t version = 0;  ///< Of the content; see VectorItem::version.
};

/// Threads: immutable.
struct EmbeddingBufferOptions {
  std::size_t queue_limit = 256;  ///< Requests in memory, besides those that are being embedded.
  std::size_t batch_size = 32;    ///< Texts in one call of the provider, at most.
  std::chrono::milliseconds flush_after{2000};  ///< When fewer are waiting: for so long, at most.

  /// A failed item is tried again after this time, and after twice as long each further time.
  std::chrono::milliseconds retry_after{1000};
  std::chrono::milliseconds longest_retry{300'000};

  /// How long a mark is left to the buffer that works on it, before others take it. A vector that
  /// is made by two is stored once.
  std::chrono::milliseconds lease{60'000};
};

/// What became of a request. Threads: immutable.
enum class Enqueued {
  Queued,   ///< It will be embedded soon.
  Full,     ///< Memory has no room; the mark is taken up later.
  Stopped,  ///< The buffer does not run; the mark is taken up when one does.
};

/// Counted since the buffer was made. Threads: immutable.
struct EmbeddingCounters {
  std::uint64_t queued = 0;       ///< Requests that got into memory.
  std::uint64_t queue_drops = 0;  ///< Requests that did not, because it was full.
  std::uint64_t claimed = 0;      ///< Items taken up from their marks.
  std::uint64_t provider_calls = 0;
  std::uint64_t provider_failures = 0;  ///< Calls of the provider that threw.
  std::uint64_t count_mismatches = 0;   ///< Calls that gave another number of vectors.
  std::uint64_t invalid_vectors = 0;    ///< Items whose vector or columns do not fit.
  std::uint64_t source_failures = 0;    ///< Calls of the source that threw or gave too few.
  std::uint64_t store_failures = 0;     ///< Transactions of the buffer that failed.
  std::uint64_t stored = 0;             ///< Items.
  std::uint64_t stale = 0;              ///< Discarded, because newer content was there, or none.
};

/// What stop() reached. Threads: immutable.
struct EmbeddingStop {
  std::size_t undone = 0;  ///< Requests given up; their marks stay.
  bool complete = true;    ///< False: a call of the provider or source has not returned yet.
};

/// The queue between an application that saves contents and a collection of their vectors.
///
/// What is to be embedded is marked in the database, in the transaction of the content: so nothing
/// is embedded that was rolled back, and nothing is forgotten, whatever happens to this process,
/// the provider or the queue. A full queue, a failed call and a crash cost time only. Any number of
/// buffers of any processes can serve a collection; the newest content wins.
///
/// Threads: shared; start(), stop() and the destructor: confined.
class EmbeddingBuffer {
 public:
  /// Throws MisuseError (OPTION_INVALID). Nothing runs before start().
  EmbeddingBuffer(const VectorCollection& collection, EmbeddingProvider provider,
                  EmbeddingSource source, EmbeddingBufferOptions options = {},
                  std::source_location where = std::source_location::current());
  /// Stops at once, giving up what is queued, but waits for the provider or source to return.
  ~EmbeddingBuffer();
  EmbeddingBuffer(const EmbeddingBuffer&) = delete;
  EmbeddingBuffer& operator=(const EmbeddingBuffer&) = delete;

  /// Starts the thread, which also takes up the marks that are there. Nothing happens when it runs
  /// already. Throws what Lane::observe throws.
  void start();

  /// Embeds what is queued, in batches, and ends; at `deadline` at the latest it gives up the rest
  /// and returns. May be called again, and start() after it.
  EmbeddingStop stop(std::chrono::milliseconds deadline);

  /// In the transaction that writes a content: marks it, and enqueues it after the commit. False,
  /// and nothing happens, when there is a mark or an item of a higher version. Never waits.
  bool add(WriteTx& tx, EmbeddingRequest request);

  /// Queues a content whose mark was made by VectorCollection::mark_pending(). Never waits.
  Enqueued enqueue(std::int64_t mark, EmbeddingRequest request);

  [[nodiscard]] EmbeddingCounters counters() const;  ///< At this moment.

 private:
  std::shared_ptr<detail::EmbeddingWorker> worker_;
};

}  // namespace turnstile
