// Waiting for oneself is refused before the wait begins, with both places in the code.
#include "database/scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <source_location>
#include <string>

#include "support/note_database.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

std::string place(int line) {
  return std::string(__FILE__) + ":" + std::to_string(line);
}

// Calls `inner` inside a write, respectively a read, of `lane`; what it throws goes through both.
template <class F>
void inside_write(const Lane& lane, F inner) {
  lane.write([&](WriteTx&) { inner(); });
}
template <class F>
void inside_read(const Lane& lane, F inner) {
  lane.read([&](ReadTx&) { inner(); });
}

Options in_memory() {
  Options options;
  options.mode = OpenMode::Memory;
  return options;
}

Options with_one_connection() {
  Options options;
  options.connections = 1;
  return options;
}

// CORE-20: an error at once instead of a wait for oneself.
TEST(Scope, RefusesAWriteInsideAWrite) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_write(lane, [&] { add_note(lane, "inner"); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_WRITE") << error.what();
}

TEST(Scope, NamesBothPlaces) {
  NoteDatabase db;
  const Lane lane = db.lane();
  int inner = 0;
  const int outer = __LINE__ + 2;
  const auto error = thrown<MisuseError>([&] {
    lane.write([&](WriteTx&) {
      inner = __LINE__ + 1;
      lane.write([](WriteTx&) {});
    });
  });
  EXPECT_THAT(error.what(), HasSubstr(place(outer)));
  EXPECT_THAT(error.what(), HasSubstr(place(inner)));
  EXPECT_EQ(error.where().line(), static_cast<unsigned>(inner));
}

TEST(Scope, RefusesAReadInsideAWrite) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_write(lane, [&] { (void)count_notes(lane); }); });
  EXPECT_EQ(error.code(), "READ_INSIDE_WRITE") << error.what();
}

TEST(Scope, RefusesAReadInsideARead) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_read(lane, [&] { (void)count_notes(lane); }); });
  EXPECT_EQ(error.code(), "READ_INSIDE_READ") << error.what();
}

TEST(Scope, RefusesThroughAnotherLaneToo) {
  NoteDatabase db;
  const Lane other = db.lane("other");
  const auto error =
      thrown<MisuseError>([&] { inside_write(db.lane(), [&] { add_note(other, "inner"); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_WRITE") << error.what();
}

TEST(Scope, RefusesThroughAnotherHandleToo) {
  NoteDatabase db;
  const Database second = Database::open(db.file(), with_notes());
  const Lane other = second.lane("other");
  const auto error =
      thrown<MisuseError>([&] { inside_write(db.lane(), [&] { add_note(other, "inner"); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_WRITE") << error.what();
}

TEST(Scope, LetsTheOuterWriteGoOnAfterARefusal) {
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([&](WriteTx& tx) {
    EXPECT_THROW(add_note(lane, "inner"), MisuseError);
    add_note(tx, "outer");
  });
  EXPECT_EQ(count_notes(lane), 1);
}

TEST(Scope, AllowsAWriteInsideAReadOfAFile) {
  NoteDatabase db;
  const Lane lane = db.lane();
  inside_read(lane, [&] { add_note(lane, "inner"); });
  EXPECT_EQ(count_notes(lane), 1);
}

TEST(Scope, RefusesAReadInsideAWriteInsideARead) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto error = thrown<MisuseError>(
      [&] { inside_read(lane, [&] { inside_write(lane, [&] { (void)count_notes(lane); }); }); });
  EXPECT_EQ(error.code(), "READ_INSIDE_WRITE") << error.what();
}

TEST(Scope, RefusesAWriteInsideAReadInMemory) {
  NoteDatabase db(in_memory());
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_read(lane, [&] { add_note(lane, "inner"); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_READ") << error.what();
}

TEST(Scope, RefusesAWriteInsideAReadWhereBothNeedTheOneConnection) {
  NoteDatabase db(with_one_connection());
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_read(lane, [&] { add_note(lane, "inner"); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_READ") << error.what();
}

TEST(Scope, RefusesASubmissionInsideAWrite) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_write(lane, [&] { (void)lane.submit([](WriteTx&) {}); }); });
  EXPECT_EQ(error.code(), "SUBMIT_INSIDE_WRITE") << error.what();
}

TEST(Scope, RefusesASubmissionInsideAReadInMemory) {
  NoteDatabase db(in_memory());
  const Lane lane = db.lane();
  const auto error =
      thrown<MisuseError>([&] { inside_read(lane, [&] { (void)lane.submit([](WriteTx&) {}); }); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_READ") << error.what();
}

TEST(Scope, AllowsASubmissionInsideAReadOfAFile) {
  NoteDatabase db;
  const Lane lane = db.lane();
  inside_read(lane, [&] { lane.submit([](WriteTx& tx) { add_note(tx, "later"); }).get(); });
  EXPECT_EQ(count_notes(lane), 1);
}

TEST(Scope, RefusesAWriteInsideASubmittedClosure) {
  NoteDatabase db;
  const Lane lane = db.lane();
  auto later = lane.submit([lane](WriteTx&) { add_note(lane, "inner"); });
  const auto error = thrown<MisuseError>([&] { later.get(); });
  EXPECT_EQ(error.code(), "WRITE_INSIDE_WRITE") << error.what();
}

TEST(Scope, AllowsASubmissionAfterTheCommit) {
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([&](WriteTx& tx) {
    add_note(tx, "first");
    tx.after_commit([lane] { lane.submit([](WriteTx& t) { add_note(t, "second"); }).get(); });
  });
  EXPECT_THAT(all_notes(lane), testing::ElementsAre("first", "second"));
}

TEST(Scope, LetsTransactionsOfTwoDatabasesNest) {
  NoteDatabase one;
  NoteDatabase two;
  const Lane inner = two.lane();
  inside_write(one.lane(), [&] { add_note(inner, "inner"); });
  EXPECT_EQ(count_notes(inner), 1);
}

TEST(Scope, IsLeftWhenTheClosureThrows) {
  NoteDatabase db;
  const Lane lane = db.lane();
  EXPECT_THROW(inside_write(lane, [] { throw std::runtime_error("gone"); }), std::runtime_error);
  EXPECT_NO_THROW(add_note(lane, "next"));
}

}  // namespace
}  // namespace turnstile::test
