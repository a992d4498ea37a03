// One record at a time: inserted, read, updated, upserted, removed, counted up.
#include "turnstile/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "support/thrown.h"
#include "support/told.h"
#include "turnstile/turnstile.h"
#include "unit/records/library.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

TEST(Records, GiveBackWhatWasInserted) {
  const Library library;
  library.people.insert({"ada", "Ada Lovelace"});
  Note note{.title = "On engines", .owner = "ada", .meta = R"({"pages": 3})", .kind = Kind::Draft};
  const std::int64_t id = library.notes.insert(note);
  EXPECT_THAT(library.notes.get(id), Optional(note));
}

TEST(Records, TellAVariableWhatTheLibraryHasSet) {
  Clock clock;
  const Library library({}, {.now = [&] { return clock.now(); }});
  Note note{.title = "a", .version = 17};
  library.notes.insert(note);
  EXPECT_EQ(note.id, 1);
  EXPECT_EQ(note.version, 1);
  EXPECT_EQ(note.created, clock.now());
  EXPECT_EQ(note.updated, clock.now());
}

TEST(Records, InsertConstantsAndTemporariesToo) {
  const Library library;
  const Note constant{.title = "a"};
  EXPECT_EQ(library.notes.insert(constant), 1);
  EXPECT_EQ(constant.id, 0);
  EXPECT_EQ(library.notes.insert({.title = "b"}), 2);
  const auto third =
      library.lane.write([&](WriteTx& tx) { return library.notes.insert(tx, {.title = "c"}); });
  EXPECT_EQ(third, 3);
}

TEST(Records, KeepAKeyThatIsGiven) {
  const Library library;
  EXPECT_EQ(library.notes.insert({.id = 40, .title = "a"}), 40);
  EXPECT_EQ(library.notes.insert({.title = "b"}), 41);
}

TEST(Records, DoNotGiveAKeyTwiceWhereThatIsAskedFor) {
  const Library library;
  const std::int64_t id = library.notes.insert({.title = "a"});
  library.notes.remove(id);
  EXPECT_EQ(library.notes.insert({.title = "b"}), id + 1);
}

TEST(Records, ArePartOfTheCallersTransaction) {
  const Library library;
  Note note{.title = "a"};
  EXPECT_THROW(library.lane.write([&](WriteTx& tx) {
    library.notes.insert(tx, note);
    EXPECT_TRUE(library.notes.get(tx, note.id).has_value());
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_EQ(library.notes.select().count(), 0);
}

TEST(Records, LeaveAVariableAsItIsWhenNothingIsCommitted) {
  const Library library;
  library.notes.insert({.title = "a"});
  Note note{.title = "a"};
  EXPECT_THROW(library.notes.insert(note), ConstraintError);
  EXPECT_EQ(note, (Note{.title = "a"}));
}

// ENT-03: a duplicate key has its own code, an unknown key is nothing, and removing it is no error.
TEST(Records, RefuseADuplicateAndKnowWhatIsMissing) {
  const Library library;
  library.people.insert({"ada", "Ada"});
  const auto error = thrown<ConstraintError>([&] { library.people.insert({"ada", "Another"}); });
  EXPECT_EQ(error.code(), "CONSTRAINT");
  EXPECT_THAT(error.what(), HasSubstr("person.login"));
  EXPECT_EQ(library.people.get("bob"), std::nullopt);
  EXPECT_FALSE(library.people.remove("bob"));
  EXPECT_TRUE(library.people.remove("ada"));
}

TEST(Records, NameThePlaceOfTheCallThatFailed) {
  const Library library;
  library.people.insert({"ada", "Ada"});
  const auto error = thrown<ConstraintError>([&] { library.people.insert({"ada", "Another"}); });
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Records, AreInsertedIfAbsent) {
  const Library library;
  EXPECT_TRUE(library.people.insert_if_absent({"ada", "Ada"}));
  EXPECT_FALSE(library.people.insert_if_absent({"ada", "Another"}));
  EXPECT_EQ(library.people.get("ada")->name, "Ada");
}

TEST(Records, AreNotAbsentForABrokenRule) {
  const Library library;
  EXPECT_THROW(library.notes.insert_if_absent({.title = "a", .meta = "no JSON"}), ConstraintError);
}

TEST(Update, ChangesTheRowAndCountsItsVersion) {
  Clock clock;
  const Library library({}, {.now = [&] { return clock.now(); }});
  Note note{.title = "a"};
  library.notes.insert(note);
  const Note before = note;
  clock.advance(5s);
  note.title = "b";
  EXPECT_EQ(library.notes.update(note), UpdateResult::Updated);
  EXPECT_EQ(note.version, 2);
  EXPECT_EQ(note.created, before.created);
  EXPECT_EQ(note.updated, clock.now());
  EXPECT_THAT(library.notes.get(note.id), Optional(note));
}

TEST(Update, OfAStaleRecordChangesNothing) {
  const Library library;
  Note mine{.title = "a"};
  library.notes.insert(mine);
  Note theirs = *library.notes.get(mine.id);
  theirs.title = "theirs";
  EXPECT_EQ(library.notes.update(theirs), UpdateResult::Updated);
  mine.title = "mine";
  const Note before = mine;
  EXPECT_EQ(library.notes.update(mine), UpdateResult::Stale);
  EXPECT_EQ(mine, before);
  EXPECT_EQ(library.notes.get(mine.id)->title, "theirs");
}

TEST(Update, TellsAMissingRecordFromAStaleOne) {
  const Library library;
  Note note{.title = "a"};
  library.notes.insert(note);
  library.notes.remove(note.id);
  EXPECT_EQ(library.notes.update(note), UpdateResult::Missing);
  EXPECT_EQ(library.people.update({"nobody", "Nobody"}), UpdateResult::Missing);
}

TEST(Update, WithoutAVersionTakesTheLast) {
  const Library library;
  library.people.insert({"ada", "Ada"});
  EXPECT_EQ(library.people.update({"ada", "Ada Lovelace"}), UpdateResult::Updated);
  EXPECT_EQ(library.people.get("ada")->name, "Ada Lovelace");
}

TEST(Update, IsPartOfTheCallersTransaction) {
  const Library library;
  Note note{.title = "a"};
  library.notes.insert(note);
  library.lane.write([&](WriteTx& tx) {
    note.title = "b";
    EXPECT_EQ(library.notes.update(tx, note), UpdateResult::Updated);
    note.title = "c";
    EXPECT_EQ(library.notes.update(tx, note), UpdateResult::Updated);
  });
  EXPECT_EQ(note.version, 3);
  EXPECT_THAT(library.notes.get(note.id), Optional(note));
}

// ENT-12: one statement; a row that is there is updated, and keeps its key and time of creation.
TEST(Upsert, InsertsOrUpdates) {
  Clock clock;
  const Library library({}, {.now = [&] { return clock.now(); }});
  Note first{.title = "a", .meta = "1"};
  EXPECT_EQ(library.notes.upsert<&Note::title>(first), 1);
  EXPECT_EQ(first.version, 1);
  clock.advance(1s);
  Note second{.title = "A", .meta = "2"};
  EXPECT_EQ(library.notes.upsert<&Note::title>(second), first.id);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.version, 2);
  EXPECT_EQ(second.created, first.created);
  EXPECT_EQ(second.updated, clock.now());
  EXPECT_EQ(library.notes.get(first.id)->meta, "2");
  EXPECT_EQ(library.notes.select().count(), 1);
}

TEST(Upsert, ByTheKeyTakesTheKeyThatIsGiven) {
  const Library library;
  EXPECT_EQ(library.notes.upsert({.title = "a"}), 1);
  EXPECT_EQ(library.notes.upsert({.id = 1, .title = "b"}), 1);
  EXPECT_EQ(library.notes.upsert({.id = 9, .title = "c"}), 9);
  EXPECT_THAT(titles_of(library.notes.select().all()), ElementsAre("b", "c"));
}

TEST(Upsert, OfARecordThatIsAllKeyKeepsIt) {
  const Library library;
  EXPECT_EQ(library.tags.upsert({"red"}), "red");
  EXPECT_EQ(library.tags.upsert({"red"}), "red");
  EXPECT_EQ(library.tags.select().count(), 1);
}

TEST(Upsert, ByACompositeKeyGivesIt) {
  const Library library;
  library.tags.insert({"red"});
  const std::int64_t id = library.notes.insert({.title = "a"});
  const Records<Tagging>& links = library.tagging.links();
  EXPECT_EQ(links.upsert({id, "red"}), std::tuple(id, std::string("red")));
  EXPECT_EQ(links.upsert({id, "red"}), std::tuple(id, std::string("red")));
  EXPECT_THAT(links.get({id, "red"}), Optional(Tagging{id, "red"}));
}

TEST(Upsert, DoesNotHideABreachOfAnotherConstraint) {
  const Library library;
  library.notes.insert({.title = "a"});
  EXPECT_THROW(library.notes.upsert({.id = 5, .title = "a"}), ConstraintError);
}

// ENT-12: an error is never taken for "not there".
TEST(Upsert, PassesOnAnErrorAndInsertsNothing) {
  const Library library({.busy_timeout = 300ms});
  library.lane.write([&](WriteTx&) {
    std::jthread([&] { EXPECT_THROW(library.people.upsert({"ada", "Ada"}), Timeout); }).join();
  });
  EXPECT_EQ(library.people.select().count(), 0);
}

// ENT-10: a counter is changed by one statement where it is.
TEST(Increment, LosesNothingOfManyThreads) {
  const Library library;
  Note note{.title = "a"};
  library.notes.insert(note);
  constexpr int kThreads = 8;
  constexpr int kEach = 250;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < kEach; ++n)
          library.notes.increment<&Note::reads>(note.id);
      });
  }
  EXPECT_EQ(library.notes.get(note.id)->reads, kThreads * kEach);
}

TEST(Increment, GivesTheNewValueAndMakesNobodyStale) {
  const Library library;
  Note note{.title = "a", .reads = 5};
  library.notes.insert(note);
  EXPECT_THAT(library.notes.increment<&Note::reads>(note.id, 3), Optional(8));
  EXPECT_THAT(library.notes.increment<&Note::reads>(note.id, -10), Optional(-2));
  note.title = "b";
  EXPECT_EQ(library.notes.update(note), UpdateResult::Updated);
}

TEST(Increment, OfAMissingRecordIsNothing) {
  const Library library;
  EXPECT_EQ(library.notes.increment<&Note::reads>(4711), std::nullopt);
}

TEST(Increment, CannotBeUndoneByAnUpdateOrUpsertOfAnOldRecord) {
  const Library library;
  Note note{.title = "a"};
  library.notes.insert(note);
  library.notes.increment<&Note::reads>(note.id, 7);
  EXPECT_EQ(library.notes.update(note), UpdateResult::Updated);
  library.notes.upsert<&Note::title>(note);
  EXPECT_EQ(library.notes.get(note.id)->reads, 7);
}

TEST(Increment, BeyondTheLargestIntegerIsRefused) {
  const Library library;
  const std::int64_t id =
      library.notes.insert({.title = "a", .reads = std::numeric_limits<std::int64_t>::max()});
  EXPECT_THROW(library.notes.increment<&Note::reads>(id), ConstraintError);
  EXPECT_EQ(library.notes.get(id)->reads, std::numeric_limits<std::int64_t>::max());
}

// ENT-13: foreign keys hold on every connection.
TEST(Records, ReferToWhatThereIs) {
  const Library library;
  EXPECT_THROW(library.notes.insert({.title = "a", .owner = "nobody"}), ConstraintError);
  library.people.insert({"ada", "Ada"});
  library.notes.insert({.title = "a", .owner = "ada"});
  library.people.remove("ada");
  EXPECT_EQ(library.notes.select().count(), 0);
}

TEST(Records, AreReadFromARowOfTheCallersOwnQuery) {
  const Library library;
  add_notes(library.notes, {"a", "bb", "ccc"});
  const auto found = library.lane.read([&](ReadTx& tx) {
    std::vector<Note> notes;
    for (const Row row : tx.query(
             "SELECT " + library.notes.columns() + " FROM note WHERE length(title) > ? ORDER BY id",
             1))
      notes.push_back(Records<Note>::read(row));
    return notes;
  });
  EXPECT_THAT(titles_of(found), ElementsAre("bb", "ccc"));
}

TEST(Records, LiveInMemoryToo) {
  const Database database = Database::open(":memory:");
  const Records<Person> people(database.lane("people"));
  people.insert({"ada", "Ada"});
  EXPECT_THAT(people.get("ada"), Optional(Person{"ada", "Ada"}));
}

TEST(Records, CanBeObservedByTheirTable) {
  const Library library;
  Told<Change> told;
  const Observation observation =
      library.lane.observe({std::string(library.notes.table_name())}, told.callback());
  library.notes.insert({.title = "a"});
  EXPECT_EQ(commits_in(told.wait_for(1)), 1U);
}

}  // namespace
}  // namespace turnstile::test
