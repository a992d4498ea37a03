// Entries with versions, found by their words.
#include "turnstile/knowledge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using Time = std::chrono::system_clock::time_point;

class Knowledge : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> found(std::string_view query,
                                               const KnowledgeSearch& options = {}) const {
    std::vector<std::string> keys;
    for (const KnowledgeHit& hit : store_.search(query, options))
      keys.push_back(hit.entry.key);
    return keys;
  }
  [[nodiscard]] int rows_of(const std::string& table) const {
    return lane_.read(
        [&](ReadTx& tx) { return tx.query<int>("SELECT count(*) FROM " + table).one(); });
  }

  TempDir directory_;
  Database database_ = Database::open(directory_.file("knowledge.db"));
  const Lane lane_ = database_.lane("knowledge");
  Time now_{1000s};
  const KnowledgeStore store_{lane_, {.now = [this] { return now_; }}};
};

// FTS-01: what is new adds a version, what is there already none.
TEST_F(Knowledge, GetsAVersionForEachChange) {
  EXPECT_THAT(store_.save("k", "fact", "one"), Field(&KnowledgeSaved::version, 1));
  const KnowledgeSaved again = store_.save("k", "fact", "one");
  EXPECT_EQ(again.version, 1);
  EXPECT_FALSE(again.added);
  const KnowledgeSaved content = store_.save("k", "fact", "two");
  EXPECT_EQ(content.version, 2);
  EXPECT_TRUE(content.added);
  EXPECT_THAT(store_.save("k", "rule", "two"), Field(&KnowledgeSaved::version, 3));
  EXPECT_EQ(store_.get("k").category, "rule");
}

// FTS-01
TEST_F(Knowledge, CarriesItsCountersOver) {
  (void)store_.save("k", "fact", "one");
  EXPECT_TRUE(store_.count_use("k"));
  EXPECT_TRUE(store_.count_use("k"));
  (void)store_.save("k", "fact", "two");
  EXPECT_TRUE(store_.count_use("k"));
  const KnowledgeEntry entry = store_.get("k");
  EXPECT_EQ(entry.uses, 3);
  EXPECT_EQ(entry.version, 2);
  EXPECT_FALSE(store_.count_use("unknown"));
}

// FTS-01: many at once.
TEST_F(Knowledge, GetsEachVersionOnceFromManyThreads) {
  constexpr int kThreads = 8;
  constexpr int kSaves = 100;
  std::vector<int> failures(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kSaves; ++i) {
          try {
            (void)store_.save("k", "fact", std::to_string(thread) + " wrote " + std::to_string(i));
          } catch (const std::exception& error) {
            ++failures[static_cast<std::size_t>(thread)];
            ADD_FAILURE() << error.what();
          }
        }
      });
    }
  }
  EXPECT_THAT(failures, testing::Each(0));
  std::vector<std::int64_t> versions;
  for (const KnowledgeVersion& version : store_.history("k"))
    versions.push_back(version.version);
  std::vector<std::int64_t> expected;
  for (std::int64_t version = kThreads * kSaves; version >= 1; --version)
    expected.push_back(version);
  EXPECT_EQ(versions, expected);
  EXPECT_EQ(rows_of("knowledge"), 1) << "one latest";
  EXPECT_THAT(store_.text().check(), IsEmpty());
}

// FTS-02
TEST_F(Knowledge, HasItsHistoryNewestFirst) {
  (void)store_.save("k", "fact", "one");
  now_ += 1s;
  (void)store_.save("k", "fact", "two");
  now_ += 1s;
  (void)store_.save("k", "fact", "three");
  const auto history = store_.history("k");
  EXPECT_THAT(history, ElementsAre(Field(&KnowledgeVersion::version, 3),
                                   Field(&KnowledgeVersion::version, 2),
                                   Field(&KnowledgeVersion::version, 1)));
  EXPECT_EQ(history[1].content, "two");
  EXPECT_EQ(history[1].saved_at, Time(1001s));
  const KnowledgeEntry entry = store_.get("k");
  EXPECT_EQ(entry.version, 3);
  EXPECT_EQ(entry.content, "three");
  EXPECT_EQ(entry.created_at, Time(1000s));
  EXPECT_EQ(entry.saved_at, Time(1002s));
}

// FTS-02
TEST_F(Knowledge, OfAnUnknownKeyIsAnErrorWithACode) {
  EXPECT_EQ(thrown<Error>([&] { (void)store_.get("no"); }).code(), "KNOWLEDGE_NOT_FOUND");
  EXPECT_EQ(thrown<Error>([&] { (void)store_.history("no"); }).code(), "KNOWLEDGE_NOT_FOUND");
  EXPECT_EQ(store_.find("no"), std::nullopt);
  EXPECT_FALSE(store_.remove("no"));
}

TEST_F(Knowledge, IsFoundByWhatItSaysNow) {
  (void)store_.save("coffee", "rule", "never after noon");
  (void)store_.save("tea", "rule", "never");
  (void)store_.save("tea", "rule", "always after noon");
  EXPECT_THAT(found("always"), ElementsAre("tea"));
  EXPECT_THAT(found("never"), ElementsAre("coffee"));
  EXPECT_THAT(found("tea noon"), ElementsAre("tea"));
}

// FTS-07
TEST_F(Knowledge, IsFoundByCategoryBeforeTheLimit) {
  for (int i = 0; i < 20; ++i)
    (void)store_.save("n" + std::to_string(i), "note", "word word");
  (void)store_.save("f", "fact", "word among others");
  (void)store_.save("r", "rule", "word among many, many others");
  EXPECT_THAT(found("word", {.limit = 2, .categories = {"fact", "rule"}}), ElementsAre("f", "r"));
}

TEST_F(Knowledge, ShowsASnippetOfTheContent) {
  (void)store_.save("k", "fact", "a word here");
  const auto hits = store_.search("word", {.snippet = TextSnippet{}});
  EXPECT_EQ(hits.at(0).snippet, "a [word] here");
  EXPECT_EQ(hits.at(0).source, TextSource::Fts5);
  EXPECT_GT(hits.at(0).score, 0);
}

// FTS-10
TEST_F(Knowledge, IsNotRemovedWithoutACriterion) {
  (void)store_.save("k", "fact", "one");
  const auto error = thrown<MisuseError>([&] { (void)store_.remove_all({}); });
  EXPECT_EQ(error.code(), "FILTER_REQUIRED");
  EXPECT_EQ(rows_of("knowledge"), 1);
}

// FTS-10, FTS-04: with a criterion; its history and its words go too.
TEST_F(Knowledge, IsRemovedByCategoryAndTime) {
  (void)store_.save("a", "fact", "old");
  (void)store_.save("a", "fact", "older");
  (void)store_.save("b", "note", "old");
  now_ += 10s;
  (void)store_.save("c", "fact", "new");
  EXPECT_EQ(store_.remove_all({.category = "fact", .saved_before = now_}), 1);
  EXPECT_EQ(store_.find("a"), std::nullopt);
  EXPECT_EQ(rows_of("knowledge_version"), 0);
  EXPECT_EQ(rows_of("knowledge_text"), 2);
  EXPECT_EQ(store_.remove_all({.saved_before = now_ + 1s}), 2);
  EXPECT_EQ(rows_of("knowledge_text"), 0);
}

TEST_F(Knowledge, IsRemovedWithItsHistory) {
  (void)store_.save("k", "fact", "one");
  (void)store_.save("k", "fact", "two");
  EXPECT_TRUE(store_.remove("k"));
  EXPECT_EQ(rows_of("knowledge_version"), 0);
  EXPECT_EQ(store_.save("k", "fact", "three").version, 1);
}

TEST_F(Knowledge, IsSavedInTheCallersTransaction) {
  EXPECT_THROW(lane_.write([&](WriteTx& tx) {
    (void)store_.save(tx, "k", "fact", "one");
    EXPECT_EQ(store_.get(tx, "k").version, 1);
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_EQ(store_.find("k"), std::nullopt);
}

}  // namespace
}  // namespace turnstile::test
