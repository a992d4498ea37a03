// What belongs together: children of parents, many to many, and lists of keys; one query for all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "support/thrown.h"
#include "turnstile/native.h"
#include "unit/records/library.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> names_of(const std::vector<Tag>& tags) {
  std::vector<std::string> names;
  for (const Tag& tag : tags)
    names.push_back(tag.name);
  return names;
}

class Relations : public testing::Test {
 protected:
  Relations() {
    library.people.insert_all(std::vector<Person>{{"ada", "Ada"}, {"bob", "Bob"}, {"eve", "Eve"}});
    library.notes.insert_all(std::vector<Note>{{.title = "a1", .owner = "ada"},
                                               {.title = "b1", .owner = "bob"},
                                               {.title = "a2", .owner = "ada"},
                                               {.title = "nobody's"}});
    library.tags.insert_all(std::vector<Tag>{{"red"}, {"green"}, {"blue"}});
  }

  const Library library;
};

TEST_F(Relations, GiveRecordsInTheOrderOfTheirKeys) {
  const auto found = library.notes.get_all({3, 99, 1, 3});
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0]->title, "a2");
  EXPECT_EQ(found[1], std::nullopt);
  EXPECT_EQ(found[2]->title, "a1");
  EXPECT_EQ(found[3], found[0]);
  EXPECT_THAT(library.notes.get_all({}), IsEmpty());
  EXPECT_EQ(library.people.get_all({"eve", "nobody"})[0]->name, "Eve");
}

TEST_F(Relations, GiveTheChildrenOfEachParent) {
  const auto notes = library.notes.get_children<&Note::owner>({"eve", "ada", "bob"});
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_THAT(titles_of(notes[0]), IsEmpty());
  EXPECT_THAT(titles_of(notes[1]), ElementsAre("a1", "a2"));
  EXPECT_THAT(titles_of(notes[2]), ElementsAre("b1"));
}

TEST_F(Relations, OfManyToManyAreAddedOnce) {
  EXPECT_TRUE(library.tagging.add(1, "red"));
  EXPECT_FALSE(library.tagging.add(1, "red"));
  EXPECT_TRUE(library.tagging.remove(1, "red"));
  EXPECT_FALSE(library.tagging.remove(1, "red"));
}

TEST_F(Relations, OfManyToManyAreReadFromBothSides) {
  library.tagging.add(1, "red");
  library.tagging.add(1, "blue");
  library.tagging.add(2, "red");
  EXPECT_THAT(names_of(library.tagging.rights_of(1)), ElementsAre("blue", "red"));
  EXPECT_THAT(titles_of(library.tagging.lefts_of("red")), ElementsAre("a1", "b1"));
  EXPECT_THAT(library.tagging.lefts_of("green"), IsEmpty());
  EXPECT_THAT(library.tagging.rights_of(4711), IsEmpty());
}

TEST_F(Relations, OfManyToManyAreReadForManyWithOneQuery) {
  library.tagging.add(1, "red");
  library.tagging.add(3, "red");
  library.tagging.add(3, "green");
  const auto tags = library.lane.read([&](ReadTx& tx) {
    return library.tagging.rights_of_each(tx, {3, 2, 1});
  });
  ASSERT_EQ(tags.size(), 3U);
  EXPECT_THAT(names_of(tags[0]), ElementsAre("green", "red"));
  EXPECT_THAT(names_of(tags[1]), IsEmpty());
  EXPECT_THAT(names_of(tags[2]), ElementsAre("red"));
}

TEST_F(Relations, OfManyToManyAreReplaced) {
  library.tagging.add(1, "red");
  library.tagging.add(1, "blue");
  library.tagging.add(2, "blue");
  library.tagging.replace(1, {"green", "blue"});
  EXPECT_THAT(names_of(library.tagging.rights_of(1)), ElementsAre("blue", "green"));
  EXPECT_THAT(names_of(library.tagging.rights_of(2)), ElementsAre("blue"));
  library.tagging.replace(1, {});
  EXPECT_THAT(library.tagging.rights_of(1), IsEmpty());
}

TEST_F(Relations, AreReplacedWhollyOrNotAtAll) {
  library.tagging.add(1, "red");
  EXPECT_THROW(library.tagging.replace(1, {"green", "no such tag"}), ConstraintError);
  library.lane.write([&](WriteTx& tx) {
    EXPECT_THROW(library.tagging.replace(tx, 1, {"green", "no such tag"}), ConstraintError);
  });
  EXPECT_THAT(names_of(library.tagging.rights_of(1)), ElementsAre("red"));
}

TEST_F(Relations, EndWithWhatTheyAreAbout) {
  library.tagging.add(1, "red");
  EXPECT_THROW(library.tags.remove("red"), ConstraintError);
  library.notes.remove(1);
  EXPECT_THAT(library.tagging.lefts_of("red"), IsEmpty());
  EXPECT_TRUE(library.tags.remove("red"));
}

TEST_F(Relations, AreMadeInTheCallersTransaction) {
  EXPECT_THROW(library.lane.write([&](WriteTx& tx) {
    const std::int64_t id = library.notes.insert(tx, {.title = "new"});
    library.tagging.add(tx, id, "red");
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_THAT(library.tagging.lefts_of("red"), IsEmpty());
}

// A thousand parents cost as many statements as one.
TEST_F(Relations, AreNotReadOneByOne) {
  std::vector<Person> people;
  std::vector<Note> notes;
  std::vector<std::string> logins;
  for (int i = 0; i < 1000; ++i) {
    logins.push_back("p" + std::to_string(i));
    people.push_back({logins.back(), "P"});
    notes.push_back({.title = "note " + std::to_string(i), .owner = logins.back()});
  }
  library.people.insert_all(people);
  library.notes.insert_all(notes);
  const auto [found, statements] = library.lane.read([&](ReadTx& tx) {
    int count = 0;
    sqlite3* const handle = native_handle(tx);
    const auto on_statement = [](unsigned, void* counter, void*, void*) {
      ++*static_cast<int*>(counter);
      return 0;
    };
    sqlite3_trace_v2(handle, SQLITE_TRACE_PROFILE, on_statement, &count);
    auto children = library.notes.get_children<&Note::owner>(tx, logins);
    sqlite3_trace_v2(handle, 0, nullptr, nullptr);
    return std::pair(std::move(children), count);
  });
  EXPECT_EQ(statements, 1);
  ASSERT_EQ(found.size(), 1000U);
  EXPECT_EQ(found[17][0].title, "note 17");
}

}  // namespace
}  // namespace turnstile::test
