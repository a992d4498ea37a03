// Searching without an index.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/documents.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class TextScan : public testing::Test {
 protected:
  static TextIndexOptions scan_only() {
    TextIndexOptions options = document_index();
    options.scan_only = true;
    return options;
  }

  Documents documents_;
  const TextIndex index_ = documents_.index(scan_only());
};

// FTS-08: a search without FTS5, for which nothing is made in the file.
TEST_F(TextScan, MakesNothing) {
  EXPECT_EQ(documents_.ask<int>("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'doc_text%'"),
            0);
  EXPECT_FALSE(index_.needs_rebuild());
  index_.rebuild();
  index_.optimize();
  EXPECT_THAT(index_.check(), IsEmpty());
  EXPECT_EQ(documents_.ask<int>("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'doc_text%'"),
            0);
}

// FTS-08: `%` and `_` are characters like others.
TEST_F(TextScan, TakesWildcardsForCharacters) {
  const auto percent = documents_.add("100% sure");
  const auto underscore = documents_.add("snake_case");
  (void)documents_.add("1000 snakes in a suitcase");
  EXPECT_THAT(found(index_, "100%"), ElementsAre(percent));
  EXPECT_THAT(found(index_, "snake_case"), ElementsAre(underscore));
  EXPECT_THAT(found(index_, "%"), ElementsAre(percent));
  EXPECT_THAT(found(index_, "_"), ElementsAre(underscore));
  EXPECT_THAT(found(index_, "\\"), IsEmpty());
}

// FTS-08
TEST_F(TextScan, FindsRowsThatHaveAllTerms) {
  documents_.run("INSERT INTO doc(id, title, body) VALUES (1, 'Red', 'a house'), (2, 'red', NULL)");
  EXPECT_THAT(found(index_, "HOUSE red"), ElementsAre(1));
  EXPECT_THAT(found(index_, "\"a house\""), ElementsAre(1));
  EXPECT_THAT(found(index_, "\"house a\""), IsEmpty());
  EXPECT_THAT(found(index_, "re*"), UnorderedElementsAre(1, 2));
}

TEST_F(TextScan, HasOperators) {
  const auto cat = documents_.add("a cat");
  const auto dog = documents_.add("a dog");
  (void)documents_.add("a cat and a dog");
  EXPECT_THAT(found(index_, "cat NOT dog OR dog NOT cat", {.operators = true}),
              UnorderedElementsAre(cat, dog));
}

TEST_F(TextScan, FiltersBeforeTheLimit) {
  for (int i = 0; i < 20; ++i)
    (void)documents_.add("word word");
  const auto fact = documents_.add("word", "fact");
  const TextFilter is_fact{.column = "category", .any_of = {"fact"}};
  EXPECT_THAT(found(index_, "word", {.limit = 5, .filters = {is_fact}}), ElementsAre(fact));
  EXPECT_EQ(index_.count("word", {.filters = {is_fact}}), 1);
}

TEST_F(TextScan, WeighsColumns) {
  documents_.run("INSERT INTO doc(id, title, body) VALUES (1, 'x', 'needle'), (2, 'needle', 'x')");
  const auto hits = index_.search("needle");
  ASSERT_THAT(keys_of(hits), ElementsAre(2, 1));
  EXPECT_EQ(hits[0].score, 2.0);
  EXPECT_EQ(hits[1].score, 1.0);
}

TEST_F(TextScan, ShowsTheFoundTermsInASnippet) {
  (void)documents_.add("one two three four five six seven eight nine ten eleven twelve");
  const TextSnippet snippet{.before = "<", .after = ">", .ellipsis = "...", .words = 4};
  EXPECT_EQ(index_.search("SEVEN igh", {.snippet = snippet}).at(0).snippet,
            "...six <seven> e<igh>t nine...");
  EXPECT_EQ(index_.search("one", {.snippet = snippet}).at(0).snippet, "<one> two three four...");
  EXPECT_EQ(index_.search("twelve", {.snippet = snippet}).at(0).snippet, "...eleven <twelve>");
}

TEST_F(TextScan, ShowsAWholeColumn) {
  documents_.run("INSERT INTO doc(title, body) VALUES ('the title', 'a b c b a')");
  EXPECT_EQ(
      index_.search("b", {.snippet = TextSnippet{.column = "body", .words = 0}}).at(0).snippet,
      "a [b] c [b] a");
  EXPECT_EQ(
      index_.search("b", {.snippet = TextSnippet{.column = "title", .words = 0}}).at(0).snippet,
      "the title");
}

TEST_F(TextScan, TakesPagesOfTextForAQuery) {
  const auto key = documents_.add(std::string(100'000, 'x') + " word");
  std::string query;
  for (int i = 0; i < 5000; ++i)
    query += "word ";
  EXPECT_THAT(found(index_, query), ElementsAre(key));
  EXPECT_THAT(found(index_, std::string(100'000, 'x')), ElementsAre(key));
  query.clear();
  for (int i = 0; i < 5000; ++i)
    query += "word NOT y" + std::to_string(i) + " OR ";
  EXPECT_THAT(found(index_, query, {.operators = true}), SizeIs(1));
}

}  // namespace
}  // namespace turnstile::test
