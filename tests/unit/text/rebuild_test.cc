// Building an index of rows that are there already, while others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/documents.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class TextRebuild : public testing::Test {
 protected:
  static constexpr std::int64_t kRows = 3500;

  TextRebuild() {
    documents_.lane().write([](WriteTx& tx) {
      Statement insert = tx.prepare("INSERT INTO doc(id, path, body) VALUES (?, ?, 'old words')");
      for (std::int64_t i = 1; i <= kRows; ++i)
        insert.execute(10 * i, "/" + std::to_string(i));
    });
  }

  Documents documents_;
  const TextIndex index_ = documents_.index();
};

TEST_F(TextRebuild, IndexesAllRowsAndTellsHowFarItIs) {
  std::vector<Progress> told;
  index_.rebuild({.progress = [&](const Progress& progress) { told.push_back(progress); }});
  EXPECT_EQ(index_.count("old", {}, 10'000), kRows);
  EXPECT_THAT(index_.check(), IsEmpty());
  ASSERT_GE(told.size(), 4U) << "a transaction has 1000 rows at most";
  EXPECT_EQ(told.back().done, kRows);
  EXPECT_EQ(told.back().total, kRows);
  EXPECT_EQ(told.back().phase, "index");
}

// Each kind of change, before and behind the place that has been reached.
TEST_F(TextRebuild, FollowsChangesMeanwhile) {
  int slices = 0;
  index_.rebuild({.progress = [&](const Progress&) {
    const std::string low = std::to_string(++slices);
    const std::string high = std::to_string(kRows - slices);
    documents_.run("INSERT INTO doc(id, body) VALUES (10 * " + low + " + 5, 'new'), (10 * " + high +
                   " + 5, 'new');" + "UPDATE doc SET body = 'changed' WHERE id IN (10 * " + low +
                   ", 10 * " + high + ");" + "DELETE FROM doc WHERE id IN (10 * " + low +
                   " + 1000, 10 * " + high + " - 1000);" +
                   "REPLACE INTO doc(id, path, body) VALUES (-" + low + ", '/" +
                   std::to_string(kRows - 500 - slices) + "', 'replaced');");
  }});
  EXPECT_GE(slices, 4);
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_FALSE(index_.needs_rebuild());
  EXPECT_EQ(index_.count("new"), 2 * slices);
  EXPECT_EQ(index_.count("replaced"), slices);
}

// Searches are right at any time of it.
TEST_F(TextRebuild, LetsSearchesFindAllRowsMeanwhile) {
  const auto key = documents_.add("needle");
  index_.rebuild({.progress = [&](const Progress&) {
    EXPECT_THAT(found(index_, "needle"), ElementsAre(key));
  }});
  EXPECT_EQ(index_.search("needle").at(0).source, TextSource::Fts5);
}

TEST_F(TextRebuild, GoesOnWhereItWasStopped) {
  std::stop_source stop;
  const auto request = [&](const Progress& progress) {
    if (progress.done >= 1000) stop.request_stop();
  };
  EXPECT_THROW(index_.rebuild({.stop = stop.get_token(), .progress = request}), Cancelled);
  EXPECT_TRUE(documents_.index().needs_rebuild());
  std::vector<std::int64_t> done;
  index_.rebuild({.progress = [&](const Progress& progress) { done.push_back(progress.done); }});
  EXPECT_GT(done.front(), 1000);
  EXPECT_EQ(done.back(), kRows);
  EXPECT_THAT(index_.check(), IsEmpty());
}

TEST_F(TextRebuild, GoesOnAfterTheProgressSinkThrew) {
  EXPECT_THROW(index_.rebuild({.progress = [](const Progress&) { throw std::logic_error("x"); }}),
               std::logic_error);
  index_.rebuild();
  EXPECT_THAT(index_.check(), IsEmpty());
}

TEST_F(TextRebuild, MayBeCalledByManyAtOnce) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([this] { documents_.index().rebuild(); });
  }
  EXPECT_FALSE(index_.needs_rebuild());
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_EQ(index_.count("old", {}, 10'000), kRows);
}

TEST_F(TextRebuild, EndsWhenAnotherProgramRebuildsItOtherwise) {
  TextIndexOptions options = document_index();
  options.tokenizer = TextTokenizer::Porter;
  const TextIndex other = documents_.index(options);
  const auto error = thrown<MisuseError>(
      [&] { index_.rebuild({.progress = [&](const Progress&) { other.rebuild(); }}); });
  EXPECT_EQ(error.code(), "TEXT_INDEX_CHANGED");
  EXPECT_THAT(other.check(), IsEmpty());
}

// It was dropped and begun anew, so that the rows that had been indexed are not any more.
TEST_F(TextRebuild, NoticesThatItWasBegunAnewMeanwhile) {
  TextIndexOptions options = document_index();
  options.tokenizer = TextTokenizer::Porter;
  const TextIndex other = documents_.index(options);
  const auto stop_at_once = [](const Progress&) { throw std::logic_error("stop"); };
  bool once = false;
  index_.rebuild({.progress = [&](const Progress&) {
    if (std::exchange(once, true)) return;
    EXPECT_THROW(other.rebuild({.progress = stop_at_once}), std::logic_error);
    EXPECT_THROW(documents_.index().rebuild({.progress = stop_at_once}), std::logic_error);
  }});
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_FALSE(index_.needs_rebuild());
}

TEST_F(TextRebuild, TakesItsTurnsInTheLaneThatIsNamed) {
  const Lane bulk = (*documents_).lane("bulk", {.priority = Priority::Bulk});
  index_.rebuild({.lane = bulk});
  const Metrics metrics = (*documents_).metrics();
  const auto lane = std::ranges::find(metrics.lanes, "bulk", &LaneMetrics::name);
  ASSERT_NE(lane, metrics.lanes.end());
  EXPECT_GE(lane->writes, 5U);
}

TEST_F(TextRebuild, TakesTheLeastAndTheGreatestKey) {
  documents_.run(
      "DELETE FROM doc; INSERT INTO doc(id, body) VALUES "
      "(-9223372036854775807 - 1, 'end'), (9223372036854775807, 'end')");
  index_.rebuild();
  EXPECT_THAT(found(index_, "end"), ElementsAre(std::numeric_limits<std::int64_t>::min(),
                                                std::numeric_limits<std::int64_t>::max()));
}

// A program wrote into the table while the triggers were away, and then brought them back.
TEST_F(TextRebuild, RepairsWhatCheckFinds) {
  index_.rebuild();
  const std::string trigger =
      documents_.ask<std::string>("SELECT sql FROM sqlite_schema WHERE name = 'doc_text_insert'");
  documents_.run("DROP TRIGGER doc_text_insert; INSERT INTO doc(body) VALUES ('missed');" +
                 trigger);
  documents_.run(
      "INSERT INTO doc_text(rowid, body) VALUES (5, 'of nobody');"
      "UPDATE doc_text SET body = 'other' WHERE rowid = 10");
  EXPECT_FALSE(index_.needs_rebuild());
  EXPECT_THAT(index_.check(), SizeIs(3));
  index_.rebuild();
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_THAT(found(index_, "missed"), SizeIs(1));
}

TEST_F(TextRebuild, RepairsADamagedIndex) {
  index_.rebuild();
  // A connection of this library would refuse to write to the tables of FTS5's own.
  run_raw(documents_.file(), "DELETE FROM doc_text_idx; DELETE FROM doc_text_data WHERE id > 10");
  EXPECT_THAT(index_.check(), testing::Not(IsEmpty()));
  index_.rebuild();
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_EQ(index_.count("old", {}, 10'000), kRows);
}

TEST_F(TextRebuild, OfALongIndexIsOptimizedInPieces) {
  index_.rebuild();
  for (int i = 0; i < 50; ++i)
    (void)documents_.add("one more " + std::to_string(i));
  const auto segments = [&] {
    return documents_.ask<int>("SELECT count(DISTINCT segid) FROM doc_text_idx");
  };
  EXPECT_GT(segments(), 1);
  index_.optimize();
  EXPECT_EQ(segments(), 1);
  EXPECT_THAT(index_.check(), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
