// Many records at once: all or none, and an error says which one it is about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <list>
#include <numeric>
#include <string>
#include <vector>

#include "support/thrown.h"
#include "unit/records/library.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Note> notes_of(const std::vector<std::string>& titles) {
  std::vector<Note> notes;
  for (const std::string& title : titles)
    notes.push_back({.title = title});
  return notes;
}

TEST(RecordBatch, InsertsAllAndTellsThemTheirKeys) {
  const Library library;
  std::vector<Note> notes = notes_of({"a", "b", "c"});
  notes[1].id = 10;
  library.notes.insert_all(notes);
  EXPECT_EQ(notes[0].id, 1);
  EXPECT_EQ(notes[1].id, 10);
  EXPECT_EQ(notes[2].id, 11);
  EXPECT_EQ(library.notes.select().all(), notes);
}

TEST(RecordBatch, TakesAnyRangeOfConstantsToo) {
  const Library library;
  const std::array<Person, 2> constants{Person{"ada", "Ada"}, Person{"bob", "Bob"}};
  library.people.insert_all(constants);
  library.people.insert_all(std::list<Person>{{"eve", "Eve"}});
  library.people.insert_all(std::vector<Person>{});
  EXPECT_EQ(library.people.select().count(), 3);
}

TEST(RecordBatch, NamesTheElementThatIsRefused) {
  const Library library;
  std::vector<Person> people{{"ada", "Ada"}, {"bob", "Bob"}, {"ada", "Another"}};
  const auto error = thrown<ConstraintError>([&] { library.people.insert_all(people); });
  EXPECT_THAT(error.what(), HasSubstr("CONSTRAINT: element 2 (login 'ada'): "));
  EXPECT_THAT(error.what(), HasSubstr("person.login"));
  EXPECT_EQ(library.people.select().count(), 0);
}

TEST(RecordBatch, NamesNoKeyThatWasNotGiven) {
  const Library library;
  std::vector<Note> notes = notes_of({"a", "a"});
  const auto error = thrown<ConstraintError>([&] { library.notes.insert_all(notes); });
  EXPECT_THAT(error.what(), HasSubstr("element 1: "));
  EXPECT_EQ(notes, notes_of({"a", "a"}));
}

TEST(RecordBatch, NamesTheElementWithAValueThatCannotBeStored) {
  const Library library;
  const std::vector<Person> people{{"ada", "Ada"}, {"bob", "\xff"}};
  const auto error = thrown<MisuseError>([&] { library.people.insert_all(people); });
  EXPECT_EQ(error.code(), "PARAMETER_INVALID");
  EXPECT_THAT(error.what(), HasSubstr("element 1 (login 'bob'): "));
}

TEST(RecordBatch, LeavesNothingInATransactionThatGoesOn) {
  const Library library;
  library.lane.write([&](WriteTx& tx) {
    library.people.insert(tx, {"eve", "Eve"});
    const std::vector<Person> people{{"ada", "Ada"}, {"eve", "Another"}};
    EXPECT_THROW(library.people.insert_all(tx, people), ConstraintError);
  });
  EXPECT_THAT(library.people.select().all(), ElementsAre(Person{"eve", "Eve"}));
}

TEST(RecordBatch, UpdatesAndSaysWhichWereStale) {
  const Library library;
  std::vector<Note> notes = notes_of({"a", "b", "c"});
  library.notes.insert_all(notes);
  Note changed = notes[1];
  changed.title = "changed";
  ASSERT_EQ(library.notes.update(changed), UpdateResult::Updated);
  library.notes.remove(notes[2].id);
  for (Note& note : notes)
    note.title += "!";
  EXPECT_THAT(library.notes.update_all(notes),
              ElementsAre(UpdateResult::Updated, UpdateResult::Stale, UpdateResult::Missing));
  EXPECT_EQ(notes[0].version, 2);
  EXPECT_EQ(notes[1].version, 1);
  EXPECT_THAT(titles_of(library.notes.select().all()), ElementsAre("a!", "changed"));
}

TEST(RecordBatch, UpsertsByAUniqueMember) {
  const Library library;
  library.notes.insert({.title = "b", .meta = "1"});
  std::vector<Note> notes = notes_of({"a", "b"});
  library.notes.upsert_all<&Note::title>(notes);
  EXPECT_EQ(notes[1].id, 1);
  EXPECT_EQ(notes[1].version, 2);
  EXPECT_EQ(library.notes.get(1)->meta, "{}");
  EXPECT_EQ(library.notes.select().count(), 2);
}

TEST(RecordBatch, ReusesAKeyWithinAnUpsert) {
  const Library library;
  library.people.upsert_all(std::vector<Person>{{"ada", "Ada"}, {"ada", "Ada Lovelace"}});
  EXPECT_THAT(library.people.select().all(), ElementsAre(Person{"ada", "Ada Lovelace"}));
}

// ENT-14: any number of keys in one call.
TEST(RecordBatch, RemovesAHundredThousandKeysInOneCall) {
  const Library library;
  constexpr std::int64_t kCount = 100'000;
  std::vector<Tag> tags;
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < kCount; ++i) {
    names.push_back("tag " + std::to_string(i));
    tags.push_back({names.back()});
  }
  library.tags.insert_all(tags);
  library.tags.insert({"kept"});
  EXPECT_EQ(library.tags.where(field<&Tag::name>.in(names)).count(), kCount);
  EXPECT_EQ(library.tags.remove_all(names), kCount);
  EXPECT_EQ(library.tags.remove_all(names), 0);
  EXPECT_THAT(library.tags.select().all(), ElementsAre(Tag{"kept"}));
}

TEST(RecordBatch, IsOneCommit) {
  const Library library;
  const auto commits = [&] { return library.database.metrics().commit.count; };
  const auto before = commits();
  library.people.insert_all(std::vector<Person>{{"a", "A"}, {"b", "B"}, {"c", "C"}});
  EXPECT_EQ(commits(), before + 1);
}

}  // namespace
}  // namespace turnstile::test
