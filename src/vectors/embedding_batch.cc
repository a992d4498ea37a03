#include "vectors/embedding_batch.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/exception_text.h"
#include "sqlite/utf8.h"
#include "turnstile/error.h"
#include "vectors/items.h"

namespace turnstile::vectors {

namespace {

std::vector<std::int64_t> marks_of(const std::vector<EmbeddingJob>& jobs) {
  std::vector<std::int64_t> marks;
  for (const EmbeddingJob& job : jobs)
    marks.push_back(job.mark);
  return marks;
}

/// As the table of marks takes it: not too long, and UTF-8.
std::string presentable(std::string_view text) {
  constexpr std::size_t kLongest = 1000;
  text = text.substr(0, kLongest);
  return std::string(text.substr(0, sqlite::find_invalid_utf8(text)));
}

}  // namespace

EmbeddingBatches::EmbeddingBatches(std::shared_ptr<const State> collection,
                                   EmbeddingProvider provider, EmbeddingSource source,
                                   const EmbeddingBufferOptions& options, SharedCounters& counters)
    : collection_(std::move(collection)),
      provider_(std::move(provider)),
      source_(std::move(source)),
      options_(options),
      counters_(counters) {}

bool EmbeddingBatches::write(const std::function<void(WriteTx&)>& closure) {
  try {
    collection_->lane().write([&](WriteTx& tx) { closure(tx); });
    return true;
  } catch (...) {
    counters_.add(&EmbeddingCounters::store_failures);
    return false;
  }
}

EmbeddingBatches::Vectors EmbeddingBatches::embed(const std::vector<EmbeddingJob>& jobs) {
  std::vector<std::string> texts;
  for (const EmbeddingJob& job : jobs)
    texts.push_back(job.request.content.text);
  counters_.add(&EmbeddingCounters::provider_calls);
  Vectors vectors;
  std::string error;
  try {
    vectors = provider_(texts);
    if (vectors.size() == texts.size()) return vectors;
    counters_.add(&EmbeddingCounters::count_mismatches);
    error = std::to_string(vectors.size()) + " vectors came for " + std::to_string(texts.size()) +
            " texts";
  } catch (...) {
    counters_.add(&EmbeddingCounters::provider_failures);
    error = presentable(sqlite::text_of(std::current_exception()));
  }
  retry_later(marks_of(jobs), error);
  return {};
}

void EmbeddingBatches::run(std::vector<EmbeddingJob> jobs, const std::function<bool()>& given_up) {
  Vectors vectors = embed(jobs);
  gate::sync_point("EmbeddingBatches::run:embedded");
  if (vectors.empty()) return;
  if (given_up()) return release(marks_of(jobs));
  std::vector<std::int64_t> marks;
  std::vector<VectorItem> items;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    auto& [id, content, version] = jobs[i].request;
    VectorItem item{std::move(id), std::move(vectors[i]), std::move(content.values),
                    std::move(content.payload), version};
    try {
      check_items(*collection_, {&item, 1}, i);
    } catch (const MisuseError& error) {
      counters_.add(&EmbeddingCounters::invalid_vectors);
      retry_later({jobs[i].mark}, presentable(error.what()));
      continue;
    }
    marks.push_back(jobs[i].mark);
    items.push_back(std::move(item));
  }
  if (!items.empty()) store(marks, items);
}

void EmbeddingBatches::store(const std::vector<std::int64_t>& marks,
                             const std::vector<VectorItem>& items) {
  std::int64_t stored = 0;
  const bool committed = write([&](WriteTx& tx) {
    std::vector<VectorItem> current;
    for (std::size_t i = 0; i < items.size(); ++i)
      if (take_mark_away(tx, marks[i])) current.push_back(items[i]);
    const VectorUpsert done = upsert_items(*collection_, tx, current);
    stored = done.inserted + done.replaced;
  });
  if (!committed) return retry_later(marks, "the vectors could not be stored");
  counters_.add(&EmbeddingCounters::stored, static_cast<std::size_t>(stored));
  counters_.add(&EmbeddingCounters::stale, items.size() - static_cast<std::size_t>(stored));
}

// When this fails too, the marks are due again when their lease ends.
void EmbeddingBatches::retry_later(const std::vector<std::int64_t>& marks, std::string_view error) {
  write([&](WriteTx& tx) {
    for (const std::int64_t mark : marks)
      note_failure(tx, mark, collection_->now(),
                   {.first = options_.retry_after, .longest = options_.longest_retry}, error);
  });
}

void EmbeddingBatches::release(const std::vector<std::int64_t>& marks) {
  write([&](WriteTx& tx) {
    for (const std::int64_t mark : marks)
      make_due(tx, mark, collection_->now());
  });
}

std::optional<Time> EmbeddingBatches::next_due() {
  try {
    return collection_->lane().read(
        [&](ReadTx& tx) { return vectors::next_due(*collection_, tx); });
  } catch (...) {
    counters_.add(&EmbeddingCounters::store_failures);
    return collection_->now() + options_.retry_after;
  }
}

std::optional<std::vector<EmbeddingJob>> EmbeddingBatches::claim() {
  std::vector<Mark> marks;
  const bool claimed = write([&](WriteTx& tx) {
    const Time now = collection_->now();
    marks = claim_marks(*collection_, tx, now, now + options_.lease,
                        static_cast<std::int64_t>(options_.batch_size));
  });
  if (!claimed) return std::nullopt;
  if (marks.empty()) return std::vector<EmbeddingJob>();
  counters_.add(&EmbeddingCounters::claimed, marks.size());
  return with_contents(std::move(marks));
}

std::vector<EmbeddingJob> EmbeddingBatches::with_contents(std::vector<Mark> marks) {
  std::vector<std::string> ids;
  std::vector<std::int64_t> numbers;
  for (const Mark& mark : marks) {
    ids.push_back(mark.id);
    numbers.push_back(mark.number);
  }
  std::vector<std::optional<EmbeddingContent>> contents;
  std::string error;
  try {
    contents = source_(ids);
    if (contents.size() != ids.size())
      error = std::to_string(contents.size()) + " contents came for " + std::to_string(ids.size()) +
              " ids";
  } catch (...) {
    error = presentable(sqlite::text_of(std::current_exception()));
  }
  if (!error.empty()) {
    counters_.add(&EmbeddingCounters::source_failures);
    retry_later(numbers, error);
    return {};
  }
  std::vector<EmbeddingJob> jobs;
  std::vector<std::int64_t> gone;
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (contents[i])
      jobs.push_back({numbers[i], {ids[i], *std::move(contents[i]), marks[i].version}});
    else
      gone.push_back(numbers[i]);
  if (!gone.empty()) {
    counters_.add(&EmbeddingCounters::stale, gone.size());
    write([&](WriteTx& tx) {
      for (const std::int64_t mark : gone)
        take_mark_away(tx, mark);
    });
  }
  return jobs;
}

}  // namespace turnstile::vectors
