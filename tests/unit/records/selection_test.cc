// Conditions, order, pages, and what is done with all records that fulfil a condition.
#include "turnstile/records/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/test_seed.h"
#include "support/thrown.h"
#include "unit/records/library.h"

namespace turnstile::test {

struct Sample {
  std::int64_t id = 0;
  std::int32_t number = 0;
  std::optional<std::int64_t> rank;
  double weight = 0;
  std::chrono::milliseconds took{0};
  Blob digest;
  bool done = false;

  bool operator==(const Sample&) const = default;
};

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::Sample> {
  using Sample = turnstile::test::Sample;
  static constexpr auto table() {
    return turnstile::table("sample",  //
                            column<&Sample::id>("id").primary_key(),
                            column<&Sample::number>("number"), column<&Sample::rank>("rank"),
                            column<&Sample::weight>("weight"), column<&Sample::took>("took"),
                            column<&Sample::digest>("digest"), column<&Sample::done>("done"),
                            index<&Sample::rank, &Sample::number>("sample_by_rank"));
  }
};

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Samples : public testing::Test {
 protected:
  Samples() {
    samples.insert_all(std::vector<Sample>{
        {.number = 1, .rank = 5, .weight = 0.5, .took = 10ms, .digest = bytes("x")},
        {.number = 2, .rank = {}, .weight = 1.5, .took = 20ms, .digest = {}, .done = true},
        {.number = 3, .rank = 7, .weight = -2, .took = 30ms, .digest = bytes("y")},
    });
  }

  static Blob bytes(std::string_view text) {
    const BlobView view = std::as_bytes(std::span(text));
    return {view.begin(), view.end()};
  }

  std::vector<std::int32_t> numbers(const Condition<Sample>& condition) const {
    return numbers(samples.where(condition).all());
  }
  static std::vector<std::int32_t> numbers(const std::vector<Sample>& found) {
    std::vector<std::int32_t> result;
    for (const Sample& sample : found)
      result.push_back(sample.number);
    return result;
  }

  TempDir directory_;
  Database database_ = Database::open(directory_.file("a.db"));
  Lane lane_ = database_.lane("samples");
  Records<Sample> samples{lane_};
};

TEST_F(Samples, AreFoundByComparisons) {
  EXPECT_THAT(numbers(field<&Sample::number> == 2), ElementsAre(2));
  EXPECT_THAT(numbers(field<&Sample::number> != 2), ElementsAre(1, 3));
  EXPECT_THAT(numbers(field<&Sample::weight> < 1), ElementsAre(1, 3));
  EXPECT_THAT(numbers(field<&Sample::weight> <= 0.5), ElementsAre(1, 3));
  EXPECT_THAT(numbers(field<&Sample::took> > 15ms), ElementsAre(2, 3));
  EXPECT_THAT(numbers(field<&Sample::took> >= std::chrono::seconds(1)), IsEmpty());
  EXPECT_THAT(numbers(field<&Sample::digest> == bytes("y")), ElementsAre(3));
  EXPECT_THAT(numbers(field<&Sample::done> == true), ElementsAre(2));
}

TEST_F(Samples, AreFoundByNull) {
  EXPECT_THAT(numbers(field<&Sample::rank> == std::nullopt), ElementsAre(2));
  EXPECT_THAT(numbers(field<&Sample::rank> != std::nullopt), ElementsAre(1, 3));
  EXPECT_THAT(numbers(field<&Sample::rank> == std::optional<std::int64_t>()), ElementsAre(2));
  EXPECT_THAT(numbers(field<&Sample::rank> == std::optional<std::int64_t>(7)), ElementsAre(3));
  EXPECT_THAT(numbers(field<&Sample::rank> != 7), ElementsAre(1, 2));
}

TEST_F(Samples, ThatAreNullAreNeitherLessNorGreater) {
  EXPECT_THAT(numbers(field<&Sample::rank> < 100), ElementsAre(1, 3));
  EXPECT_THAT(numbers(!(field<&Sample::rank> < 6)), ElementsAre(3));
}

TEST_F(Samples, AreFoundByWhatIsPutTogether) {
  EXPECT_THAT(numbers(field<&Sample::number> == 1 ||
                      (field<&Sample::number> == 3 && field<&Sample::weight> > 0)),
              ElementsAre(1));
  EXPECT_THAT(numbers(!(field<&Sample::number> == 1 || field<&Sample::number> == 3)),
              ElementsAre(2));
}

TEST_F(Samples, AreAllFoundByAConditionThatSaysNothing) {
  Condition<Sample> condition;
  EXPECT_TRUE(condition.is_everything());
  EXPECT_THAT(numbers(condition), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers(condition || field<&Sample::number> == 1), ElementsAre(1, 2, 3));
  EXPECT_THAT(numbers(!condition), IsEmpty());
  condition = condition && field<&Sample::number> > 1;
  condition = condition && field<&Sample::number> < 3;
  EXPECT_THAT(numbers(condition), ElementsAre(2));
}

TEST_F(Samples, AreFoundByALiteralOfSql) {
  EXPECT_THAT(numbers(sql_condition<Sample>("number % ? = 1", 2) && field<&Sample::number> > 1),
              ElementsAre(3));
}

TEST_F(Samples, AreFoundInLists) {
  EXPECT_THAT(numbers(field<&Sample::number>.in({3, 1, 17})), ElementsAre(1, 3));
  EXPECT_THAT(numbers(field<&Sample::number>.in(std::vector<std::int32_t>())), IsEmpty());
  EXPECT_THAT(numbers(field<&Sample::rank>.in({std::int64_t{5}})), ElementsAre(1));
  EXPECT_THAT(numbers(field<&Sample::took>.in({std::chrono::milliseconds(20)})), ElementsAre(2));
  EXPECT_THAT(numbers(field<&Sample::digest>.in({Blob(), bytes("y")})), ElementsAre(2, 3));
}

TEST_F(Samples, AreOrderedByFieldsAndThenByTheirKey) {
  samples.insert({.number = 4, .rank = 5});
  const auto order = samples.select().order_by(field<&Sample::rank>.descending());
  EXPECT_THAT(numbers(order.all()), ElementsAre(3, 4, 1, 2));
  EXPECT_THAT(
      numbers(samples.select().order_by(field<&Sample::done>, field<&Sample::weight>).all()),
      ElementsAre(3, 4, 1, 2));
}

TEST_F(Samples, AreCountedWhateverTheLimit) {
  const auto selection = samples.where(field<&Sample::number> > 1);
  EXPECT_EQ(selection.limit(1).all().size(), 1U);
  EXPECT_EQ(selection.limit(1).count(), 2);
  EXPECT_EQ(selection.limit(0).all().size(), 0U);
  EXPECT_TRUE(selection.exists());
  EXPECT_FALSE(samples.where(field<&Sample::number> > 9).exists());
  EXPECT_EQ(selection.first()->number, 2);
  EXPECT_EQ(samples.where(field<&Sample::number> > 9).first(), std::nullopt);
}

TEST_F(Samples, AreReadOneByOne) {
  std::vector<std::int32_t> seen;
  lane_.read([&](ReadTx& tx) {
    samples.select().for_each(tx, [&](const Sample& sample) { seen.push_back(sample.number); });
  });
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
}

TEST_F(Samples, CannotBeLimitedToANegativeNumber) {
  const auto error = thrown<MisuseError>([&] { static_cast<void>(samples.select().limit(-1)); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
  EXPECT_STREQ(error.where().file_name(), __FILE__);
  EXPECT_THROW(samples.select().remove_beyond(-1), MisuseError);
  EXPECT_EQ(samples.select().count(), 3);
}

TEST_F(Samples, AreUpdatedWhereTheyFulfilACondition) {
  EXPECT_EQ(
      samples.update_where(field<&Sample::number> > 1, {field<&Sample::done>.set(true),
                                                        field<&Sample::rank>.set(std::nullopt)}),
      2);
  EXPECT_THAT(numbers(field<&Sample::done> == true && field<&Sample::rank> == std::nullopt),
              ElementsAre(2, 3));
}

TEST_F(Samples, AreNotUpdatedByNothing) {
  const auto error =
      thrown<MisuseError>([&] { samples.update_where(field<&Sample::number> > 1, {}); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST_F(Samples, AreRemovedWhereTheyFulfilACondition) {
  EXPECT_EQ(samples.remove_where(field<&Sample::number> > 1), 2);
  EXPECT_EQ(samples.remove_where(field<&Sample::number> > 1), 0);
  EXPECT_EQ(samples.select().count(), 1);
}

// FTS-10: a bulk delete without any filter is refused.
TEST_F(Samples, AreNotRemovedOrUpdatedByAConditionThatSaysNothing) {
  const auto error = thrown<MisuseError>([&] { samples.remove_where({}); });
  EXPECT_EQ(error.code(), "RECORD_CRITERION");
  EXPECT_THAT(error.what(), HasSubstr("sample"));
  EXPECT_THROW(samples.update_where({}, {field<&Sample::done>.set(true)}), MisuseError);
  EXPECT_THROW(samples.remove_where(Condition<Sample>() || field<&Sample::number> == 1),
               MisuseError);
  EXPECT_EQ(samples.where(field<&Sample::done> == false).count(), 2);
}

TEST_F(Samples, AreAllRemovedWhereThatIsSaid) {
  EXPECT_EQ(samples.clear(), 3);
  EXPECT_EQ(samples.select().count(), 0);
}

// ENT-05: the newest are kept.
TEST_F(Samples, AreKeptUpToANumber) {
  for (int i = 4; i <= 60; ++i)
    samples.insert({.number = i});
  const auto newest = samples.select().order_by(field<&Sample::number>.descending());
  EXPECT_EQ(newest.remove_beyond(50), 10);
  EXPECT_EQ(samples.select().count(), 50);
  EXPECT_EQ(newest.first()->number, 60);
  EXPECT_EQ(samples.select().first()->number, 11);
  EXPECT_EQ(newest.remove_beyond(50), 0);
}

TEST_F(Samples, ComePageByPage) {
  for (int i = 4; i <= 10; ++i)
    samples.insert({.number = i});
  const auto page = samples.where(field<&Sample::number> != 5).limit(4);
  const std::vector<Sample> first = page.all();
  const std::vector<Sample> second = page.after(first.back()).all();
  EXPECT_THAT(numbers(first), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(numbers(second), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(numbers(page.after(second.back()).all()), ElementsAre(10));
}

TEST_F(Samples, AreNeitherSkippedNorSeenTwiceWhenOthersChangeThePages) {
  const auto page = samples.select().order_by(field<&Sample::number>).limit(1);
  const std::vector<Sample> first = page.all();
  samples.remove(first[0].id);
  samples.insert({.number = 0});
  EXPECT_THAT(numbers(page.after(first[0]).all()), ElementsAre(2));
}

// In every order, by fields with many equal values and NULLs, the pages together are the whole.
TEST_F(Samples, AreAllOnExactlyOnePage) {
  std::mt19937_64 random(test_seed());
  std::vector<Sample> more;
  for (int i = 0; i < 200; ++i) {
    Sample sample{.number = static_cast<std::int32_t>(random() % 4)};
    if (random() % 3 != 0) sample.rank = static_cast<std::int64_t>(random() % 3);
    more.push_back(sample);
  }
  samples.insert_all(more);
  constexpr auto kRank = field<&Sample::rank>;
  constexpr auto kNumber = field<&Sample::number>;
  for (const auto& order : {samples.select(), samples.select().order_by(kRank, kNumber),
                            samples.select().order_by(kRank.descending(), kNumber),
                            samples.select().order_by(kNumber.descending(), kRank.descending()),
                            samples.select().order_by(kNumber, field<&Sample::id>.descending())}) {
    const std::vector<Sample> whole = order.all();
    std::vector<Sample> paged;
    for (std::vector<Sample> page = order.limit(7).all(); !page.empty();
         page = order.limit(7).after(page.back()).all())
      paged.insert(paged.end(), page.begin(), page.end());
    EXPECT_EQ(paged, whole);
  }
}

// The index is used for the order, and for the place where a page begins.
TEST_F(Samples, ComePageByPageThroughAnIndex) {
  const std::string plan = lane_.read([](ReadTx& tx) {
    std::string lines;
    for (auto [id, parent, unused, detail] : tx.query<int, int, int, std::string>(
             "EXPLAIN QUERY PLAN SELECT * FROM sample WHERE (\"sample\".\"rank\" >= ? AND "
             "(\"sample\".\"rank\" > ? OR (\"sample\".\"rank\" IS ? AND \"sample\".\"id\" > ?))) "
             "ORDER BY \"sample\".\"rank\", \"sample\".\"number\", \"sample\".\"id\" LIMIT ?",
             5, 5, 5, 1, 10))
      lines += detail + "\n";
    return lines;
  });
  EXPECT_THAT(plan, HasSubstr("SEARCH sample USING INDEX sample_by_rank (rank>?)"));
  EXPECT_THAT(plan, testing::Not(HasSubstr("TEMP B-TREE")));
}

TEST(Condition, LetsNoTextOfAUserBecomeSql) {
  const Library library;
  const std::vector<std::string> nasty{
      "'; DROP TABLE note; --",       "\" OR 1=1 --", "?",   "a\\'b", "%", "_",
      std::string("nul\0inside", 10), "\n",           "ä€😀"};
  for (const std::string& title : nasty)
    library.notes.insert({.title = title});
  for (const std::string& title : nasty) {
    EXPECT_THAT(titles_of(library.notes.where(field<&Note::title> == title).all()),
                ElementsAre(title));
    EXPECT_THAT(titles_of(library.notes.where(field<&Note::title>.in({title})).all()),
                ElementsAre(title));
    EXPECT_EQ(library.notes.where(field<&Note::title>.contains(title)).count(), 1) << title;
  }
  EXPECT_EQ(library.notes.select().count(), static_cast<std::int64_t>(nasty.size()));
}

TEST(Condition, ComparesTextsAsTheColumnDoes) {
  const Library library;
  library.notes.insert({.title = "Engine"});
  EXPECT_TRUE(library.notes.where(field<&Note::title> == "ENGINE").exists());
  EXPECT_TRUE(library.notes.where(field<&Note::title>.in({std::string("eNGINE")})).exists());
  EXPECT_TRUE(library.notes.where(field<&Note::title>.like("%GIN_")).exists());
  EXPECT_FALSE(library.notes.where(field<&Note::title>.contains("GIN")).exists());
}

// ENT-15: what has an index is found by it, also from a list.
TEST(Condition, IsAnsweredByTheIndex) {
  const Library library;
  const auto plan_of = [&](const Condition<Note>& condition) {
    return library.lane.read([&](ReadTx& tx) {
      Statement statement =
          tx.prepare("EXPLAIN QUERY PLAN SELECT * FROM note WHERE " + condition.text().sql);
      std::string plan;
      while (statement.step())
        plan += statement.row().get<std::string>(3) + "\n";
      return plan;
    });
  };
  EXPECT_THAT(plan_of(field<&Note::owner> == "ada"), HasSubstr("USING INDEX note_by_owner"));
  EXPECT_THAT(plan_of(field<&Note::owner>.in({std::string("ada")})),
              HasSubstr("USING INDEX note_by_owner"));
  EXPECT_THAT(plan_of(field<&Note::title> == "x"), HasSubstr("USING INDEX note_title_unique"));
  EXPECT_THAT(plan_of(field<&Note::id>.in({1})), HasSubstr("INTEGER PRIMARY KEY"));
}

TEST(UpdateWhere, MakesRecordsThatWereReadBeforeStale) {
  const Library library;
  Note note{.title = "a"};
  library.notes.insert(note);
  library.notes.update_where(field<&Note::id> == note.id, {field<&Note::kind>.set(Kind::Draft)});
  EXPECT_EQ(library.notes.update(note), UpdateResult::Stale);
  EXPECT_EQ(library.notes.get(note.id)->kind, Kind::Draft);
}

}  // namespace
}  // namespace turnstile::test
