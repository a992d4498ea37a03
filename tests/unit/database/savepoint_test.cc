// Parts of a write that can be undone on their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/note_database.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The notes that are left when `body` has returned and been committed.
template <class F>
std::vector<std::string> left_by(F body) {
  NoteDatabase db;
  db.lane().write(body);
  return all_notes(db.lane());
}

TEST(Savepoint, IsUndoneWhenItIsNotReleased) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                add_note(tx, "before");
                {
                  const Savepoint part = tx.savepoint();
                  add_note(tx, "part");
                }
                add_note(tx, "after");
              }),
              ElementsAre("before", "after"));
}

TEST(Savepoint, IsKeptWhenItIsReleased) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint part = tx.savepoint();
                add_note(tx, "part");
                part.release();
              }),
              ElementsAre("part"));
}

TEST(Savepoint, IsUndoneWhenAnExceptionLeavesIt) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                try {
                  const Savepoint part = tx.savepoint();
                  add_note(tx, "part");
                  throw std::runtime_error("no");
                } catch (const std::runtime_error&) {
                  add_note(tx, "instead");
                }
              }),
              ElementsAre("instead"));
}

TEST(Savepoint, GoesWithTheTransaction) {
  NoteDatabase db;
  EXPECT_THROW(db.lane().write([](WriteTx& tx) {
    Savepoint part = tx.savepoint();
    add_note(tx, "part");
    part.release();
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count_notes(db.lane()), 0);
}

TEST(Savepoint, Nests) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint outer = tx.savepoint();
                add_note(tx, "outer");
                {
                  const Savepoint inner = tx.savepoint();
                  add_note(tx, "inner");
                }
                outer.release();
              }),
              ElementsAre("outer"));
}

TEST(Savepoint, TakesInnerOnesAlongWhenItIsUndone) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint outer = tx.savepoint();
                Savepoint inner = tx.savepoint();
                add_note(tx, "inner");
                inner.release();
                outer.rollback();
              }),
              IsEmpty());
}

TEST(Savepoint, TakesInnerOnesAlongWhenItIsReleased) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint outer = tx.savepoint();
                Savepoint inner = tx.savepoint();
                add_note(tx, "inner");
                outer.release();
                inner.rollback();
              }),
              ElementsAre("inner"));
}

TEST(Savepoint, ThatEndedWithAnOuterOneDoesNotTouchLaterOnes) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint outer = tx.savepoint();
                Savepoint stale = tx.savepoint();
                outer.release();
                Savepoint next = tx.savepoint();
                Savepoint in_its_place = tx.savepoint();
                add_note(tx, "kept");
                stale.rollback();
                in_its_place.release();
                next.release();
              }),
              ElementsAre("kept"));
}

TEST(Savepoint, EndsOnce) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                Savepoint part = tx.savepoint();
                add_note(tx, "part");
                part.release();
                part.rollback();
                part.release();
              }),
              ElementsAre("part"));
}

TEST(Savepoint, CanBeMoved) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                std::optional<Savepoint> outer;
                {
                  Savepoint part = tx.savepoint();
                  outer.emplace(std::move(part));
                }
                add_note(tx, "part");
                outer->release();
              }),
              ElementsAre("part"));
}

TEST(Savepoint, SurvivesAConstraintThatRefusedAStatement) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                add_note(tx, "one");
                Savepoint part = tx.savepoint();
                EXPECT_THROW(add_note(tx, "one"), ConstraintError);
                add_note(tx, "two");
                part.release();
              }),
              ElementsAre("one", "two"));
}

TEST(Savepoint, WorksManyDeep) {
  EXPECT_THAT(left_by([](WriteTx& tx) {
                std::vector<Savepoint> parts;
                for (int i = 0; i < 100; ++i)
                  parts.push_back(tx.savepoint());
                add_note(tx, "deep");
                while (!parts.empty()) {
                  parts.back().release();
                  parts.pop_back();
                }
              }),
              ElementsAre("deep"));
}

}  // namespace
}  // namespace turnstile::test
