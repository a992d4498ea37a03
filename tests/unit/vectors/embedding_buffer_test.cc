// The buffer between contents and their vectors: what it embeds, when, and what becomes of
// failures.
#include "turnstile/embedding_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

using Texts = std::vector<std::string>;
using Vectors = std::vector<std::vector<float>>;

// A stand-in for a model: the vector of a text is its length. Threads: shared.
class Model {
 public:
  [[nodiscard]] EmbeddingProvider provider() {
    return [this](std::span<const std::string> texts) { return embed(texts); };
  }

  // The next calls throw, or give a vector too few, or wait.
  void fail(int calls) {
    const std::lock_guard lock(mutex_);
    failures_ = calls;
  }
  void give_too_few(int calls) {
    const std::lock_guard lock(mutex_);
    too_few_ = calls;
  }
  void stall() {
    const std::lock_guard lock(mutex_);
    stalled_ = true;
  }
  void go_on() {
    const std::lock_guard lock(mutex_);
    stalled_ = false;
    changed_.notify_all();
  }

  std::vector<Texts> wait_for_calls(std::size_t calls) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience(), [&] { return calls_.size() >= calls; }))
      throw std::runtime_error("the provider is not called");
    return calls_;
  }
  [[nodiscard]] std::vector<Texts> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  Vectors embed(std::span<const std::string> texts) {
    std::unique_lock lock(mutex_);
    calls_.emplace_back(texts.begin(), texts.end());
    changed_.notify_all();
    changed_.wait(lock, [this] { return !stalled_; });
    if (failures_ > 0 && failures_-- > 0) throw std::runtime_error("no answer");
    Vectors vectors;
    for (const std::string& text : texts)
      vectors.push_back({static_cast<float>(text.size())});
    if (too_few_ > 0 && too_few_-- > 0) vectors.pop_back();
    return vectors;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Texts> calls_;
  int failures_ = 0;
  int too_few_ = 0;
  bool stalled_ = false;
};

class Embedding : public testing::Test {
 protected:
  static EmbeddingBufferOptions quick() {
    return {.flush_after = 0ms, .retry_after = 1ms, .longest_retry = 4ms};
  }

  Embedding() {
    db_.lane().write(
        [](WriteTx& tx) { tx.execute("CREATE TABLE note(id TEXT PRIMARY KEY, text TEXT)"); });
    stored_ = db_.lane().observe({"vector_1_item", "vector_pending"}, [this](const Change&) {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
  }

  [[nodiscard]] EmbeddingSource source() {
    return [this](std::span<const std::string> ids) {
      std::vector<std::optional<EmbeddingContent>> contents;
      db_.lane().read([&](ReadTx& tx) {
        for (const std::string& id : ids) {
          auto text = tx.query<std::string>("SELECT text FROM note WHERE id = ?", id).first();
          contents.push_back(text ? std::optional(EmbeddingContent{.text = *text}) : std::nullopt);
        }
      });
      return contents;
    };
  }
  [[nodiscard]] std::unique_ptr<EmbeddingBuffer> make(EmbeddingBufferOptions options) {
    return std::make_unique<EmbeddingBuffer>(notes_, model_.provider(), source(), options);
  }
  [[nodiscard]] std::unique_ptr<EmbeddingBuffer> start(EmbeddingBufferOptions options) {
    auto buffer = make(options);
    buffer->start();
    return buffer;
  }

  void save(EmbeddingBuffer& buffer, const std::string& id, const std::string& text,
            std::int64_t version = 0) {
    db_.lane().write([&](WriteTx& tx) {
      tx.execute("REPLACE INTO note VALUES (?, ?)", id, text);
      buffer.add(tx, {.id = id, .content = {.text = text}, .version = version});
    });
  }
  void save_many(EmbeddingBuffer& buffer, int count) {
    for (int i = 0; i < count; ++i)
      save(buffer, std::to_string(i), std::string(static_cast<std::size_t>(i) + 1, 'x'));
  }

  // Until no mark is left.
  void wait_until_all_are_done() {
    std::unique_lock lock(mutex_);
    const auto done = [&] { return notes_.stats().pending == 0; };
    const auto until = std::chrono::steady_clock::now() + patience();
    while (!done())
      if (changed_.wait_until(lock, until) == std::cv_status::timeout)
        throw std::runtime_error("marks are left");
  }
  [[nodiscard]] float stored(const std::string& id) const {
    const auto item = notes_.get(id);
    return item ? item->vector.at(0) : 0;
  }

  const VectorDatabase db_;
  const VectorCollection notes_ = db_.create({.dimension = 1}, "notes");
  Model model_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Observation stored_;
};

// EMB-01: what was saved is embedded, after its commit.
TEST_F(Embedding, OfWhatWasSavedIsStored) {
  const auto buffer = start(quick());
  save(*buffer, "a", "three");
  wait_until_all_are_done();
  EXPECT_EQ(stored("a"), 5);
  EXPECT_EQ(buffer->counters().stored, 1U);
  EXPECT_EQ(buffer->counters().queued, 1U);
}

// EMB-01: a save that is rolled back is not an event.
TEST_F(Embedding, OfWhatWasRolledBackDoesNotHappen) {
  const auto buffer = start(quick());
  EXPECT_THROW(db_.lane().write([&](WriteTx& tx) {
    buffer->add(tx, {.id = "a", .content = {.text = "x"}});
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_THAT(model_.calls(), IsEmpty());
  EXPECT_EQ(notes_.stats().pending, 0);
  EXPECT_EQ(buffer->counters().queued, 0U);
}

TEST_F(Embedding, KeepsColumnsPayloadAndVersion) {
  const VectorCollection rich =
      db_.create({.dimension = 1, .columns = {{"lang", VectorColumnType::Text}}}, "rich");
  EmbeddingBuffer buffer(rich, model_.provider(), source(), quick());
  buffer.start();
  db_.lane().write([&](WriteTx& tx) {
    buffer.add(tx, {.id = "a",
                    .content = {.text = "x", .values = {{"lang", "de"}}, .payload = "[]"},
                    .version = 3});
  });
  EXPECT_TRUE(buffer.stop(patience()).complete);
  EXPECT_EQ(
      rich.get("a"),
      (VectorItem{
          .id = "a", .vector = {1}, .values = {{"lang", "de"}}, .payload = "[]", .version = 3}));
}

// EMB-02: batches of at most 32, a full one at once.
TEST_F(Embedding, TakesAFullBatchAtOnce) {
  const auto buffer = start({.flush_after = 1h});
  save_many(*buffer, 64);
  const auto calls = model_.wait_for_calls(2);
  EXPECT_THAT(calls, ElementsAre(SizeIs(32), SizeIs(32)));
}

// EMB-03, EMB-04: what memory has no room for is counted, and embedded later from its mark.
TEST_F(Embedding, OfWhatAFullQueueDropsHappensLater) {
  model_.stall();
  const auto buffer = start({.flush_after = 1h, .retry_after = 1ms, .longest_retry = 4ms});
  save_many(*buffer, 32);
  model_.wait_for_calls(1);
  for (int i = 32; i < 300; ++i)
    save(*buffer, std::to_string(i), "x");
  EXPECT_EQ(buffer->counters().queued, 256U + 32U);
  EXPECT_EQ(buffer->counters().queue_drops, 12U);
  model_.go_on();
  wait_until_all_are_done();
  EXPECT_TRUE(buffer->stop(patience()).complete);  // It counts after it has committed.
  EXPECT_EQ(notes_.stats().items, 300);
  EXPECT_EQ(buffer->counters().claimed, 12U);
  EXPECT_EQ(buffer->counters().stored, 300U);
}

// EMB-04: three failed calls cost time only; each kind of failure has its own counter.
TEST_F(Embedding, OfFailedBatchesIsTriedAgain) {
  const auto buffer = start(quick());
  model_.fail(3);
  save_many(*buffer, 300);
  wait_until_all_are_done();
  EXPECT_EQ(notes_.stats().items, 300);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(stored(std::to_string(i)), static_cast<float>(i + 1));
  const EmbeddingCounters counters = buffer->counters();
  EXPECT_EQ(counters.provider_failures, 3U);
  EXPECT_EQ(counters.count_mismatches, 0U);
  EXPECT_EQ(counters.store_failures, 0U);
  EXPECT_EQ(counters.stored, 300U);
}

// EMB-04: a wrong number of vectors stores none of them.
TEST_F(Embedding, OfABatchWithTooFewVectorsIsTriedAgain) {
  model_.give_too_few(2);
  const auto buffer = start(quick());
  save(*buffer, "a", "three");
  wait_until_all_are_done();
  EXPECT_EQ(stored("a"), 5);
  EXPECT_EQ(buffer->counters().count_mismatches, 2U);
  EXPECT_EQ(buffer->counters().provider_failures, 0U);
}

// EMB-04: a vector that does not fit does not keep the others of its batch out.
TEST_F(Embedding, OfOneThatCannotBeStoredLeavesTheOthersAlone) {
  const auto buffer = start({.flush_after = 1h, .retry_after = 1h, .longest_retry = 1h});
  db_.lane().write([&](WriteTx& tx) {
    for (const std::string id : {"empty", "full"})
      buffer->add(tx, {.id = id, .content = {.text = id == "full" ? "x" : ""}});
  });
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_EQ(stored("full"), 1);
  EXPECT_EQ(notes_.get("empty"), std::nullopt) << "a zero vector";
  EXPECT_EQ(buffer->counters().invalid_vectors, 1U);
  EXPECT_EQ(notes_.stats().pending, 1);
  EXPECT_EQ(db_.lane().read([](ReadTx& tx) {
    return tx.query<std::string>("SELECT id FROM vector_pending WHERE error LIKE '%zero vector%'")
        .one();
  }),
            "empty");
}

// EMB-04: a failed transaction of the buffer.
TEST_F(Embedding, OfWhatCouldNotBeStoredIsTriedAgain) {
  const auto buffer = start(quick());
  db_.lane().write([&](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE once(n);"
        "CREATE TRIGGER refuse BEFORE INSERT ON vector_1_item WHEN (SELECT count(*) FROM once) = 0 "
        "BEGIN SELECT raise(ABORT, 'not now'); END");
  });
  AtPoint embedded("EmbeddingBatches::run:embedded");
  save(*buffer, "a", "three");
  embedded.wait_until_reached(2);
  db_.lane().write([](WriteTx& tx) { tx.execute("INSERT INTO once VALUES (1)"); });
  wait_until_all_are_done();
  EXPECT_EQ(stored("a"), 5);
  EXPECT_GE(buffer->counters().store_failures, 1U);
  EXPECT_EQ(buffer->counters().provider_failures, 0U);
}

TEST_F(Embedding, OfContentsThatCannotBeReadIsTriedAgain) {
  int failures = 2;
  EmbeddingBuffer buffer(
      notes_, model_.provider(),
      [&](std::span<const std::string> ids) {
        if (failures-- > 1) throw std::runtime_error("not now");
        if (failures == 0) return std::vector<std::optional<EmbeddingContent>>();
        return source()(ids);
      },
      quick());
  db_.lane().write([&](WriteTx& tx) {
    tx.execute("INSERT INTO note VALUES ('a', 'three')");
    (void)notes_.mark_pending(tx, "a");
  });
  buffer.start();
  wait_until_all_are_done();
  EXPECT_EQ(stored("a"), 5);
  EXPECT_EQ(buffer.counters().source_failures, 2U);
}

// EMB-04: marks of whom else are taken up at the start and while it runs.
TEST_F(Embedding, OfMarkedContentsHappensWithoutTheQueue) {
  const auto mark = [&](const std::string& id) {
    db_.lane().write([&](WriteTx& tx) {
      tx.execute("INSERT INTO note VALUES (?, 'three')", id);
      (void)notes_.mark_pending(tx, id);
    });
  };
  mark("before");
  const auto buffer = start({.flush_after = 1h});
  wait_until_all_are_done();
  mark("after");
  wait_until_all_are_done();
  EXPECT_EQ(stored("before") + stored("after"), 10);
  EXPECT_EQ(buffer->counters().claimed, 2U);
}

TEST_F(Embedding, OfContentsThatAreGoneIsGivenUp) {
  db_.lane().write([&](WriteTx& tx) { (void)notes_.mark_pending(tx, "never there"); });
  const auto buffer = start(quick());
  wait_until_all_are_done();
  EXPECT_THAT(model_.calls(), IsEmpty());
  EXPECT_EQ(buffer->counters().stale, 1U);
}

// EMB-05: batches of at most 32, and whatever stop() is called how often.
TEST_F(Embedding, OfTheQueueIsDoneBeforeStopReturns) {
  const auto buffer = start({.batch_size = 32, .flush_after = 1h});
  model_.stall();
  save_many(*buffer, 232);
  model_.wait_for_calls(1);
  model_.go_on();
  const EmbeddingStop stop = buffer->stop(patience());
  EXPECT_TRUE(stop.complete);
  EXPECT_EQ(stop.undone, 0U);
  EXPECT_EQ(notes_.stats().items, 232);
  EXPECT_THAT(model_.calls(), Each(SizeIs(Le(32U))));
  EXPECT_TRUE(buffer->stop(0ms).complete);
  EXPECT_TRUE(buffer->stop(patience()).complete);
}

// EMB-05: a provider that hangs does not hold up stop(), which says what was not done.
TEST_F(Embedding, ThatHangsIsGivenUpAtTheDeadline) {
  model_.stall();
  const auto buffer = start({.flush_after = 0ms, .lease = 1h});
  save(*buffer, "a", "x");
  model_.wait_for_calls(1);
  save_many(*buffer, 50);
  const EmbeddingStop stop = buffer->stop(1ms);
  EXPECT_FALSE(stop.complete);
  EXPECT_EQ(stop.undone, 51U);
  model_.go_on();
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_EQ(notes_.stats().items, 0) << "nothing is stored after the deadline";
  EXPECT_EQ(notes_.stats().pending, 51);
  // The marks are let go, and not kept until their lease ends.
  const auto other = start(quick());
  wait_until_all_are_done();
  EXPECT_EQ(notes_.stats().items, 51);
}

// EMB-05: nothing gets into a buffer that does not run.
TEST_F(Embedding, OfWhatIsEnqueuedAfterStopIsRefused) {
  const auto buffer = start(quick());
  buffer->stop(patience());
  EXPECT_EQ(buffer->enqueue(1, {.id = "a"}), Enqueued::Stopped);
  save(*buffer, "b", "x");
  EXPECT_EQ(notes_.stats().pending, 1);
  EXPECT_THAT(model_.calls(), IsEmpty());
  buffer->start();
  wait_until_all_are_done();
  EXPECT_EQ(stored("b"), 1);
}

TEST_F(Embedding, BeginsAgainAfterAStopThatWasNotComplete) {
  model_.stall();
  const auto buffer = start(quick());
  save(*buffer, "a", "x");
  model_.wait_for_calls(1);
  EXPECT_FALSE(buffer->stop(0ms).complete);
  buffer->start();
  buffer->start();
  model_.go_on();
  wait_until_all_are_done();
  EXPECT_EQ(stored("a"), 1);
}

// EMB-06: while the provider works, nothing is held.
TEST_F(Embedding, HoldsNoTransactionWhileTheProviderWorks) {
  model_.stall();
  const auto buffer = start(quick());
  save(*buffer, "a", "x");
  model_.wait_for_calls(1);
  for (int i = 0; i < 100; ++i)
    db_.lane().write([&](WriteTx& tx) { tx.execute("INSERT INTO note VALUES (?, 'x')", i); });
  EXPECT_EQ(notes_.stats().items, 0);
  model_.go_on();
}

// EMB-07: the answer for an older text comes after the newer one was saved.
TEST_F(Embedding, OfAnOlderTextIsDiscarded) {
  const auto buffer = start(quick());
  model_.stall();
  save(*buffer, "a", "old", 1);
  model_.wait_for_calls(1);
  save(*buffer, "a", "newer", 2);
  model_.go_on();
  wait_until_all_are_done();
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_EQ(stored("a"), 5);
  EXPECT_EQ(notes_.get("a")->version, 2);
  EXPECT_EQ(buffer->counters().stale, 1U);
}

// EMB-07: so is that of a removed item.
TEST_F(Embedding, OfARemovedItemIsDiscarded) {
  const auto buffer = start(quick());
  model_.stall();
  save(*buffer, "a", "x");
  model_.wait_for_calls(1);
  notes_.remove(Texts{"a"});
  model_.go_on();
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_EQ(notes_.get("a"), std::nullopt);
  EXPECT_EQ(buffer->counters().stale, 1U);
}

TEST_F(Embedding, OfALowerVersionIsNotEvenQueued) {
  const auto buffer = start(quick());
  save(*buffer, "a", "x", 2);
  const bool added = db_.lane().write([&](WriteTx& tx) {
    return buffer->add(tx, {.id = "a", .content = {.text = "y"}, .version = 1});
  });
  EXPECT_FALSE(added);
}

TEST_F(Embedding, ByTwoBuffersStoresEachVectorOnce) {
  const auto first = start(quick());
  const auto second = start(quick());
  for (int i = 0; i < 200; ++i)
    save(i % 2 == 0 ? *first : *second, std::to_string(i), "x");
  wait_until_all_are_done();
  EXPECT_TRUE(first->stop(patience()).complete);
  EXPECT_TRUE(second->stop(patience()).complete);
  EXPECT_EQ(notes_.stats().items, 200);
  EXPECT_EQ(first->counters().stored + second->counters().stored, 200U);
  EXPECT_THAT(notes_.check(), IsEmpty());
}

TEST_F(Embedding, EndsQuietlyWhenTheCollectionIsDropped) {
  const auto buffer = start({.flush_after = 0ms, .retry_after = 1h, .longest_retry = 1h});
  model_.stall();
  save(*buffer, "a", "x");
  model_.wait_for_calls(1);
  db_.store().drop("notes");
  model_.go_on();
  EXPECT_TRUE(buffer->stop(patience()).complete);
  EXPECT_EQ(buffer->counters().stored, 0U);
}

TEST_F(Embedding, RefusesOptionsThatCannotBe) {
  const auto code = [&](EmbeddingBufferOptions options) {
    return std::string(thrown<MisuseError>([&] { (void)make(options); }).code());
  };
  EXPECT_EQ(code({.queue_limit = 0}), "OPTION_INVALID");
  EXPECT_EQ(code({.batch_size = 0}), "OPTION_INVALID");
  EXPECT_EQ(code({.flush_after = -1ms}), "OPTION_INVALID");
  EXPECT_EQ(code({.retry_after = 2ms, .longest_retry = 1ms}), "OPTION_INVALID");
  EXPECT_EQ(code({.lease = 0ms}), "OPTION_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] { EmbeddingBuffer(notes_, nullptr, source()); }).code(),
            "OPTION_INVALID");
}

}  // namespace
}  // namespace turnstile::test
