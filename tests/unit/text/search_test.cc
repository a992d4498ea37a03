// What a search finds, in which order, and how it says so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/documents.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::Gt;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class TextSearchTest : public testing::Test {
 protected:
  Documents documents_;
  const TextIndex index_ = documents_.index();
};

TEST_F(TextSearchTest, FindsRowsThatHaveAllWords) {
  const auto both = documents_.add("the quick brown fox");
  (void)documents_.add("the quick hare");
  EXPECT_THAT(found(index_, "fox quick"), ElementsAre(both));
}

// FTS-03: unicode61 (case and diacritics make no difference), phrases, prefixes.
TEST_F(TextSearchTest, KnowsNeitherCaseNorDiacritics) {
  const auto key = documents_.add("Crème brûlée für alle");
  EXPECT_THAT(found(index_, "creme FUR"), ElementsAre(key));
}

// FTS-03
TEST_F(TextSearchTest, FindsPhrases) {
  const auto in_order = documents_.add("a red house");
  (void)documents_.add("a house that is red");
  EXPECT_THAT(found(index_, "\"red house\""), ElementsAre(in_order));
}

// FTS-03
TEST_F(TextSearchTest, FindsPrefixes) {
  const auto key = documents_.add("transactional");
  EXPECT_THAT(found(index_, "transact"), IsEmpty());
  EXPECT_THAT(found(index_, "transact*"), ElementsAre(key));
}

// FTS-03
TEST_F(TextSearchTest, GivesTenHitsUnlessToldOtherwise) {
  for (int i = 0; i < 12; ++i)
    (void)documents_.add("alike");
  EXPECT_THAT(found(index_, "alike"), SizeIs(10));
  EXPECT_THAT(found(index_, "alike", {.limit = 11}), SizeIs(11));
}

// FTS-03: BM25, to which a rare word says more than a frequent one.
TEST_F(TextSearchTest, RanksByBm25) {
  for (int i = 0; i < 20; ++i)
    (void)documents_.add("frequent word");
  const auto rare = documents_.add("rare word");
  const auto both = documents_.add("frequent rare");
  const TextSearch either{.limit = 3, .operators = true};
  EXPECT_THAT(found(index_, "rare OR frequent", either), ElementsAre(both, rare, 1));
}

TEST_F(TextSearchTest, WeighsColumns) {
  documents_.run(
      "INSERT INTO doc(id, title, body) VALUES (1, 'x', 'needle'), (2, 'needle', 'x'), "
      "(3, 'x', 'x'), (4, 'x', 'x'), (5, 'x', 'x')");
  EXPECT_THAT(found(index_, "needle"), ElementsAre(2, 1)) << "the title counts twice";
}

// FTS-09: the more matches the higher the score, and its source is named; in both modes.
TEST_F(TextSearchTest, ScoresMoreMatchesHigherAndNamesTheSource) {
  const auto once = documents_.add("alpha beta gamma");
  const auto twice = documents_.add("alpha beta alpha");
  for (const bool scan : {false, true}) {
    TextIndexOptions options = document_index();
    options.scan_only = scan;
    const auto hits = documents_.index(options).search("alpha");
    EXPECT_THAT(keys_of(hits), ElementsAre(twice, once));
    EXPECT_GT(hits[0].score, hits[1].score);
    EXPECT_GT(hits[1].score, 0);
    EXPECT_EQ(to_string(hits[0].source), scan ? "like" : "fts5");
  }
}

// FTS-06: any text is a query.
TEST_F(TextSearchTest, TakesAnyTextForAQuery) {
  const auto key = documents_.add("say foo-bar, don't use C++ OR NEAR( it");
  for (const std::string_view text :
       {"foo-bar", "C++", "OR", "NEAR(", "don't", "say foo-bar", "foo-bar 😀", "use -- C++"})
    EXPECT_THAT(found(index_, text), ElementsAre(key)) << text;
  for (const std::string_view text : {"\"", "😀", "", " ", "*", "\"\"\"", "()", "-", "a AND"})
    EXPECT_THAT(found(index_, text), IsEmpty()) << text;
}

// FTS-06: the parts of a word stand in a row.
TEST_F(TextSearchTest, TakesAWordWithPunctuationForAPhrase) {
  const auto key = documents_.add("the foo-bar");
  (void)documents_.add("a bar without foo, or a foobar");
  EXPECT_THAT(found(index_, "foo-bar"), ElementsAre(key));
}

TEST_F(TextSearchTest, HasOperatorsWhenTheyAreAskedFor) {
  const auto cat = documents_.add("a cat");
  const auto dog = documents_.add("a dog");
  (void)documents_.add("a cat and a dog");
  EXPECT_THAT(found(index_, "cat NOT dog OR dog NOT cat", {.operators = true}),
              UnorderedElementsAre(cat, dog));
}

// FTS-07: the filter comes before the limit.
TEST_F(TextSearchTest, FiltersBeforeTheLimit) {
  for (int i = 0; i < 190; ++i)
    (void)documents_.add("word word word");
  std::vector<std::int64_t> facts;
  for (int i = 0; i < 10; ++i)
    facts.push_back(documents_.add("word and many others that make it worse", "fact"));
  const TextFilter is_fact{.column = "category", .any_of = {"fact"}};
  EXPECT_THAT(found(index_, "word", {.limit = 5, .filters = {is_fact}}),
              ElementsAre(facts[0], facts[1], facts[2], facts[3], facts[4]));
}

// FTS-07: values are bound, whatever is in them.
TEST_F(TextSearchTest, TakesFilterValuesAsValues) {
  const auto key = documents_.add("word", "it's \"special\"; DROP TABLE doc");
  const TextFilter filter{.column = "category",
                          .any_of = {"other", "it's \"special\"; DROP TABLE doc"}};
  EXPECT_THAT(found(index_, "word", {.filters = {filter}}), ElementsAre(key));
}

TEST_F(TextSearchTest, FiltersByNull) {
  documents_.run("INSERT INTO doc(id, body, category) VALUES (1, 'w', NULL), (2, 'w', 'x')");
  const TextFilter none{.column = "category", .any_of = {std::monostate()}};
  EXPECT_THAT(found(index_, "w", {.filters = {none}}), ElementsAre(1));
}

TEST_F(TextSearchTest, FiltersByRange) {
  documents_.run("INSERT INTO doc(id, body, seen) VALUES (1, 'w', 10), (2, 'w', 20), (3, 'w', 30)");
  const auto in = [&](std::optional<Value> from, std::optional<Value> to) {
    return found(index_, "w", {.filters = {{.column = "seen", .at_least = from, .at_most = to}}});
  };
  EXPECT_THAT(in(20, {}), ElementsAre(2, 3));
  EXPECT_THAT(in({}, 20), ElementsAre(1, 2));
  EXPECT_THAT(in(11, 29), ElementsAre(2));
}

TEST_F(TextSearchTest, RefusesAFilterThatIsNone) {
  const auto error = thrown<MisuseError>(
      [&] { (void)index_.search("w", {.filters = {{.column = "path", .any_of = {"x"}}}}); });
  EXPECT_EQ(error.code(), "TEXT_FILTER_UNKNOWN");
}

TEST_F(TextSearchTest, RefusesOptionsOutOfRange) {
  const auto code_of = [&](const TextSearch& options) {
    return thrown<MisuseError>([&] { (void)index_.search("w", options); }).code();
  };
  EXPECT_EQ(code_of({.limit = 0}), "OPTION_INVALID");
  EXPECT_EQ(code_of({.limit = 1001}), "OPTION_INVALID");
  EXPECT_EQ(code_of({.filters = {{.column = "category"}}}), "OPTION_INVALID");
  EXPECT_EQ(code_of({.filters = {{.column = "seen", .any_of = std::vector<Value>(1001, 1)}}}),
            "OPTION_INVALID");
  EXPECT_EQ(code_of({.snippet = TextSnippet{.column = "path"}}), "OPTION_INVALID");
  EXPECT_EQ(code_of({.snippet = TextSnippet{.words = 65}}), "OPTION_INVALID");
  EXPECT_EQ(code_of({.snippet = TextSnippet{.words = 0}}), "OPTION_INVALID");
}

TEST_F(TextSearchTest, ShowsTheFoundWordsInASnippet) {
  (void)documents_.add("one two three four five six seven eight nine ten eleven twelve");
  const TextSnippet snippet{.before = "<b>", .after = "</b>", .ellipsis = "...", .words = 3};
  EXPECT_EQ(index_.search("seven", {.snippet = snippet}).at(0).snippet,
            "...six <b>seven</b> eight...");
}

TEST_F(TextSearchTest, ShowsAWholeColumnWithTheFoundWords) {
  documents_.run("INSERT INTO doc(title, body) VALUES ('the title', 'a b c b a')");
  const TextSnippet whole{.column = "body", .words = 0};
  EXPECT_EQ(index_.search("b", {.snippet = whole}).at(0).snippet, "a [b] c [b] a");
  const TextSnippet title{.column = "title", .words = 0};
  EXPECT_EQ(index_.search("b", {.snippet = title}).at(0).snippet, "the title");
}

TEST_F(TextSearchTest, GoesOnBehindTheLastHit) {
  for (int i = 0; i < 25; ++i)
    (void)documents_.add(i % 3 == 0 ? "word" : i % 3 == 1 ? "word word" : "word and another");
  for (const bool scan : {false, true}) {
    TextIndexOptions options = document_index();
    options.scan_only = scan;
    const TextIndex index = documents_.index(options);
    const auto all = found(index, "word", {.limit = 100});
    ASSERT_THAT(all, SizeIs(25));
    std::vector<std::int64_t> paged;
    TextSearch search{.limit = 4};
    for (auto page = index.search("word", search); !page.empty();
         page = index.search("word", search)) {
      const auto keys = keys_of(page);
      paged.insert(paged.end(), keys.begin(), keys.end());
      search.after = page.back();
    }
    EXPECT_EQ(paged, all);
  }
}

TEST_F(TextSearchTest, CountsUpToABound) {
  for (int i = 0; i < 7; ++i)
    (void)documents_.add("word", i < 3 ? "fact" : "note");
  EXPECT_EQ(index_.count("word"), 7);
  EXPECT_EQ(index_.count("word", {}, 5), 5);
  EXPECT_EQ(index_.count("word", {.filters = {{.column = "category", .any_of = {"fact"}}}}), 3);
  EXPECT_EQ(index_.count("other"), 0);
  EXPECT_EQ(index_.count("\""), 0);
}

TEST_F(TextSearchTest, SeesTheChangesOfItsOwnTransaction) {
  documents_.lane().write([&](WriteTx& tx) {
    tx.execute("INSERT INTO doc(id, body) VALUES (7, 'fresh')");
    EXPECT_THAT(keys_of(index_.search(tx, "fresh")), ElementsAre(7));
    EXPECT_EQ(index_.count(tx, "fresh"), 1);
  });
}

TEST_F(TextSearchTest, TakesPagesOfTextForAQuery) {
  const auto key = documents_.add("word");
  std::string query;
  for (int i = 0; i < 5000; ++i)
    query += "word foo-bar \"a phrase of words\" ";
  EXPECT_THAT(found(index_, query), IsEmpty());
  query.clear();
  for (int i = 0; i < 5000; ++i)
    query += "word OR x" + std::to_string(i) + " NOT y OR ";
  EXPECT_THAT(found(index_, query, {.operators = true}), ElementsAre(key));
}

TEST(TextTokenizerTest, FindsWordsByTheirStem) {
  const Documents documents;
  TextIndexOptions options = document_index();
  options.tokenizer = TextTokenizer::Porter;
  const TextIndex index = documents.index(options);
  const auto key = documents.add("she runs");
  EXPECT_THAT(found(index, "running"), ElementsAre(key));
}

TEST(TextTokenizerTest, FindsPartsOfWords) {
  const Documents documents;
  TextIndexOptions options = document_index();
  options.tokenizer = TextTokenizer::Trigram;
  const TextIndex index = documents.index(options);
  const auto key = documents.add("Donaudampfschifffahrt");
  EXPECT_THAT(found(index, "dampf"), ElementsAre(key));
  EXPECT_THAT(found(index, "dampf xy"), ElementsAre(key)) << "too short to count";
}

TEST(TextTokenizerTest, LooksUpPrefixesThatWereNamed) {
  const Documents documents;
  TextIndexOptions options = document_index();
  options.prefix = {2, 3};
  const TextIndex index = documents.index(options);
  const auto key = documents.add("prefixes");
  EXPECT_THAT(found(index, "pr*"), ElementsAre(key));
  EXPECT_THAT(found(index, "prefix*"), ElementsAre(key));
}

}  // namespace
}  // namespace turnstile::test
