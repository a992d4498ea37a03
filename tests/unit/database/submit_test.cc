// Submitted closures: their place among the writes, and what their futures tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct ClosureError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
bool is_ready(const std::future<T>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

std::future<void> submit_note(const Lane& lane, const std::string& text) {
  return lane.submit([text](WriteTx& tx) { add_note(tx, text); });
}

TEST(Submit, RunsInTheOrderOfArrivalAmongWrites) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  AtPoint queued("WriterTurn::wait:queued");
  const auto write_note = [&](const std::string& text) {
    return std::async(std::launch::async, [lane, text] { add_note(lane, text); });
  };
  auto first = submit_note(lane, "submitted first");
  auto second = write_note("written second");
  queued.wait_until_reached(1);
  auto third = submit_note(lane, "submitted third");
  auto fourth = write_note("written fourth");
  queued.wait_until_reached(2);
  auto fifth = submit_note(db.lane("another"), "submitted fifth");
  busy.let_go();
  for (auto* each : {&first, &second, &third, &fourth, &fifth})
    each->get();
  EXPECT_THAT(all_notes(lane), ElementsAre("submitted first", "written second", "submitted third",
                                           "written fourth", "submitted fifth"));
}

TEST(Submit, DoesNotRunOnTheCallersThread) {
  NoteDatabase db;
  const auto ask = [&] {
    return db.lane().submit([](WriteTx&) { return std::this_thread::get_id(); }).get();
  };
  const std::thread::id writer = ask();
  EXPECT_NE(writer, std::this_thread::get_id());
  EXPECT_EQ(ask(), writer);
}

TEST(Submit, HandsTheResultOver) {
  NoteDatabase db;
  auto future = db.lane().submit([](WriteTx&) { return std::make_unique<int>(5); });
  EXPECT_EQ(*future.get(), 5);
}

TEST(Submit, TakesAClosureThatCanOnlyBeMoved) {
  NoteDatabase db;
  auto text = std::make_unique<std::string>("owned");
  db.lane().submit([owned = std::move(text)](WriteTx& tx) { add_note(tx, *owned); }).get();
  EXPECT_THAT(all_notes(db.lane()), ElementsAre("owned"));
}

TEST(Submit, HandsOnWhatTheClosureThrows) {
  NoteDatabase db;
  auto future = db.lane().submit([](WriteTx&) { throw ClosureError("mine"); });
  EXPECT_STREQ(thrown<ClosureError>([&] { future.get(); }).what(), "mine");
}

TEST(Submit, HandsOnWhatIsNoException) {
  NoteDatabase db;
  auto future = db.lane().submit([](WriteTx&) { throw 7; });
  EXPECT_THROW(future.get(), int);
}

TEST(Submit, IsUndoneWhenTheClosureThrows) {
  NoteDatabase db;
  auto future = db.lane().submit([](WriteTx& tx) {
    add_note(tx, "one");
    throw ClosureError("mine");
  });
  EXPECT_THROW(future.get(), ClosureError);
  EXPECT_EQ(count_notes(db.lane()), 0);
  EXPECT_EQ(db->info().counters.rollbacks, 1U);
}

TEST(Submit, HandsOnAnErrorWithTheLaneAndThePlaceOfTheCall) {
  NoteDatabase db;
  auto future =
      db.lane("audit").submit([](WriteTx& tx) { tx.execute("INSERT INTO nothing VALUES (1)"); });
  const auto error = thrown<Error>([&] { future.get(); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.lane(), "audit");
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Submit, HandsOnTheFailureOfTheCommit) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE p(id INTEGER PRIMARY KEY);"
        "CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  });
  auto future = db.lane().submit([](WriteTx& tx) { tx.execute("INSERT INTO c VALUES (1)"); });
  EXPECT_EQ(thrown<ConstraintError>([&] { future.get(); }).code(), "CONSTRAINT");
}

TEST(Submit, GoesOnAfterAFailure) {
  NoteDatabase db;
  BusyWriter busy(db.lane("busy"));
  auto failing = db.lane().submit([](WriteTx&) { throw ClosureError("mine"); });
  auto next = submit_note(db.lane(), "next");
  busy.let_go();
  EXPECT_THROW(failing.get(), ClosureError);
  EXPECT_NO_THROW(next.get());
  EXPECT_THAT(all_notes(db.lane()), ElementsAre("next"));
}

TEST(Submit, IsNotReadyBeforeTheCommit) {
  NoteDatabase db;
  AtPoint committing("Group::run:closure_ended", 1);
  auto future = submit_note(db.lane(), "one");
  committing.wait_until_reached();
  EXPECT_FALSE(is_ready(future));
  EXPECT_EQ(count_notes(db.lane()), 0);
  committing.release();
  future.get();
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(Submit, IsVisibleToAnybodyOnceItsFutureIsReady) {
  NoteDatabase db;
  RawSqlite stranger(db.file());
  for (int i = 1; i <= 200; ++i) {
    submit_note(db.lane(), std::to_string(i)).get();
    ASSERT_EQ(stranger.run("SELECT count(*) FROM note"), std::to_string(i));
  }
}

TEST(Submit, HasRoomAgainAfterTheLaneWasFull) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 2});
  BusyWriter busy(db.lane());
  auto first = submit_note(lane, "first");
  auto second = submit_note(lane, "second");
  EXPECT_THROW((void)submit_note(lane, "third"), QueueFull);
  busy.let_go();
  first.get();
  second.get();
  EXPECT_NO_THROW(submit_note(lane, "fourth").get());
  EXPECT_THAT(all_notes(lane), ElementsAre("first", "second", "fourth"));
}

TEST(Submit, IsNotLimitedByAFullLaneBesideIt) {
  NoteDatabase db;
  const Lane small = db->lane("small", {.queue_limit = 1});
  BusyWriter busy(db.lane());
  auto first = submit_note(small, "first");
  EXPECT_THROW((void)submit_note(small, "second"), QueueFull);
  auto other = submit_note(db.lane("other"), "other");
  busy.let_go();
  first.get();
  EXPECT_NO_THROW(other.get());
}

TEST(Submit, IsAlwaysRefusedByALaneWithoutAQueue) {
  NoteDatabase db;
  const Lane none = db->lane("none", {.queue_limit = 0});
  EXPECT_EQ(thrown<QueueFull>([&] { (void)submit_note(none, "one"); }).code(), "QUEUE_FULL");
}

TEST(Submit, IsRefusedInsideASubmittedClosure) {
  NoteDatabase db;
  const Lane lane = db.lane();
  std::string code;
  lane.submit([&code, lane](WriteTx& tx) {
        const auto error = thrown<MisuseError>([&] { (void)submit_note(lane, "inner"); });
        code = error.code();
        add_note(tx, "outer");
      })
      .get();
  EXPECT_EQ(code, "SUBMIT_INSIDE_WRITE");
  EXPECT_THAT(all_notes(lane), ElementsAre("outer"));
}

TEST(Submit, RunsItsActionsAfterTheCommit) {
  NoteDatabase db;
  const Lane lane = db.lane();
  std::vector<std::int64_t> seen;
  lane.submit([&seen, lane](WriteTx& tx) {
        tx.after_commit([&seen, lane] { seen.push_back(count_notes(lane)); });
        add_note(tx, "one");
      })
      .get();
  EXPECT_THAT(seen, ElementsAre(1));
}

TEST(Submit, RunsNoActionsAfterARollback) {
  NoteDatabase db;
  bool ran = false;
  auto future = db.lane().submit([&ran](WriteTx& tx) {
    tx.after_commit([&ran] { ran = true; });
    throw ClosureError("mine");
  });
  EXPECT_THROW(future.get(), ClosureError);
  EXPECT_FALSE(ran);
}

TEST(Submit, TellsOfAFailedActionThatTheCommitStands) {
  NoteDatabase db;
  auto future = db.lane().submit([](WriteTx& tx) {
    add_note(tx, "one");
    tx.after_commit([] { throw ClosureError("mine"); });
  });
  const auto error = thrown<Error>([&] { future.get(); });
  EXPECT_EQ(error.code(), "AFTER_COMMIT_FAILED");
  EXPECT_EQ(error.commit_state(), CommitState::Committed);
  EXPECT_THAT(error.what(), HasSubstr("mine"));
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(Submit, MaySubmitFromItsActions) {
  NoteDatabase db;
  const Lane lane = db.lane();
  std::future<void> second;
  lane.submit([&second, lane](WriteTx& tx) {
        add_note(tx, "first");
        tx.after_commit([&second, lane] { second = submit_note(lane, "second"); });
      })
      .get();
  second.get();
  EXPECT_THAT(all_notes(lane), ElementsAre("first", "second"));
}

// The action runs on the one thread that could run the closure that has the turn meanwhile.
TEST(Submit, MayWriteFromItsActionsWhileAnotherSubmittedClosureWaits) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  auto first = lane.submit([lane](WriteTx& tx) {
    add_note(tx, "first");
    tx.after_commit([lane] { add_note(lane, "action"); });
  });
  auto second = submit_note(lane, "second");
  busy.let_go();
  EXPECT_NO_THROW(first.get());
  second.get();
  EXPECT_EQ(count_notes(lane), 3);
}

TEST(Submit, IsRefusedAtOnceWhenTheDatabaseIsClosed) {
  NoteDatabase db;
  const Lane lane = db.lane();
  db->close();
  EXPECT_EQ(thrown<MisuseError>([&] { (void)submit_note(lane, "late"); }).code(), "DB_CLOSED");
}

}  // namespace
}  // namespace turnstile::test
