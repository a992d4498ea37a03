// Marks of vectors that are still to be made: who may finish one, and when it is due again.
#include "vectors/pending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/vector_database.h"
#include "vectors/catalog.h"

namespace turnstile::vectors {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class PendingMarks : public testing::Test {
 protected:
  PendingMarks() {
    const VectorCollection things = db_.create({.dimension = 1});
    auto entry = db_.lane().read([](ReadTx& tx) { return find_collection(tx, "things"); });
    state_.emplace(State::Config{.lane = db_.lane(),
                                 .bulk = db_.lane(),
                                 .number = entry->number,
                                 .name = entry->name,
                                 .definition = entry->definition,
                                 .block_size = entry->block_size});
  }

  template <class F>
  auto write(const F& closure) {
    return db_.lane().write([&](WriteTx& tx) { return closure(tx); });
  }
  std::optional<std::int64_t> mark(const std::string& id, std::int64_t version = 0,
                                   std::chrono::seconds due = 0s) {
    return write([&](WriteTx& tx) { return set_mark(*state_, tx, id, version, at(due)); });
  }
  std::vector<std::string> claim(std::chrono::seconds now, std::chrono::seconds until,
                                 int most = 10) {
    std::vector<std::string> ids;
    claimed_ =
        write([&](WriteTx& tx) { return claim_marks(*state_, tx, at(now), at(until), most); });
    for (const Mark& mark : claimed_)
      ids.push_back(mark.id);
    return ids;
  }
  bool finish(std::int64_t number) {
    return write([&](WriteTx& tx) { return take_mark_away(tx, number); });
  }
  std::optional<Time> due() {
    return db_.lane().read([&](ReadTx& tx) { return next_due(*state_, tx); });
  }

  static Time at(std::chrono::seconds seconds) { return Time(1000h + seconds); }

  const test::VectorDatabase db_;
  std::optional<State> state_;
  std::vector<Mark> claimed_;
};

TEST_F(PendingMarks, AreFinishedOnce) {
  const auto number = mark("a");
  EXPECT_TRUE(finish(*number));
  EXPECT_FALSE(finish(*number));
}

// EMB-07: a newer mark takes the older one's place, also of the same version.
TEST_F(PendingMarks, OfOlderContentsAreFinishedByNobody) {
  const auto older = mark("a", 1);
  const auto newer = mark("a", 1);
  EXPECT_FALSE(finish(*older));
  EXPECT_TRUE(finish(*newer));
}

// EMB-07: out of order.
TEST_F(PendingMarks, OfALowerVersionAreNotSet) {
  mark("a", 5);
  EXPECT_EQ(mark("a", 4), std::nullopt);
  db_.store().open("things").upsert(
      std::vector<VectorItem>{{.id = "b", .vector = {1}, .version = 5}});
  EXPECT_EQ(mark("b", 4), std::nullopt);
  EXPECT_TRUE(mark("b", 5));
}

TEST_F(PendingMarks, HaveNumbersThatAreNeverUsedAgain) {
  const auto first = mark("a");
  finish(*first);
  EXPECT_GT(*mark("a"), *first);
}

TEST_F(PendingMarks, AreTakenUpWhenTheyAreDueTheOldestFirst) {
  mark("later", 0, 30s);
  mark("second", 0, 20s);
  mark("first", 0, 10s);
  EXPECT_THAT(claim(20s, 80s), ElementsAre("first", "second"));
}

TEST_F(PendingMarks, AreTakenUpByOneAtATime) {
  mark("a");
  mark("b");
  EXPECT_THAT(claim(1s, 61s, 1), ElementsAre("a"));
  EXPECT_THAT(claim(1s, 61s), ElementsAre("b"));
  EXPECT_THAT(claim(60s, 120s), ElementsAre());
}

TEST_F(PendingMarks, OfOneThatIsPresumedDeadGoToAnother) {
  const auto own = mark("a");
  claim(1s, 61s);
  const std::int64_t dead = claimed_[0].number;
  EXPECT_THAT(claim(61s, 121s), ElementsAre("a"));
  EXPECT_FALSE(finish(*own));
  EXPECT_FALSE(finish(dead));
  EXPECT_TRUE(finish(claimed_[0].number));
}

TEST_F(PendingMarks, AreDueAgainLaterEachTimeTheyFail) {
  const auto number = mark("a");
  const Backoff backoff{.first = 1s, .longest = 5s};
  for (const auto wait : {1s, 2s, 4s, 5s, 5s}) {
    write([&](WriteTx& tx) { note_failure(tx, *number, at(100s), backoff, "no answer"); });
    EXPECT_EQ(due(), at(100s + wait));
  }
  EXPECT_EQ(test::run_raw(db_.file(), "SELECT attempts || error FROM vector_pending"),
            "5no answer");
  claim(200s, 300s);
  EXPECT_EQ(test::run_raw(db_.file(), "SELECT attempts || error FROM vector_pending"), "5no answer")
      << "who takes it up knows how often it failed";
}

TEST_F(PendingMarks, ThatSomebodyElseHasAreLeftAlone) {
  const auto own = mark("a");
  claim(1s, 61s);
  write([&](WriteTx& tx) {
    note_failure(tx, *own, at(2s), {.first = 1h, .longest = 2h}, "");
    make_due(tx, *own, at(0s));
  });
  EXPECT_EQ(due(), at(61s));
}

TEST_F(PendingMarks, AreDueAtOnceWhenTheyAreLetGo) {
  mark("a");
  claim(1s, 61s);
  write([&](WriteTx& tx) { make_due(tx, claimed_[0].number, at(2s)); });
  EXPECT_THAT(claim(2s, 62s), ElementsAre("a"));
}

TEST_F(PendingMarks, GoWithAnUpsertOfTheirVersion) {
  mark("a", 3);
  mark("b", 3);
  db_.store().open("things").upsert(std::vector<VectorItem>{
      {.id = "a", .vector = {1}, .version = 3}, {.id = "b", .vector = {1}, .version = 2}});
  EXPECT_THAT(claim(1s, 61s), ElementsAre("b"));
}

TEST_F(PendingMarks, AreNoneWhenNothingIsPending) {
  EXPECT_EQ(due(), std::nullopt);
  EXPECT_THAT(claim(1s, 61s), ElementsAre());
}

TEST(PendingBackoff, DoesNotOverflow) {
  const Backoff backoff{.first = 1s, .longest = 24h};
  EXPECT_EQ(backoff.after(1), 1s);
  EXPECT_EQ(backoff.after(1'000'000'000), 24h);
}

}  // namespace
}  // namespace turnstile::vectors
