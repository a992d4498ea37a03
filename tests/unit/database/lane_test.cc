// Lanes: named entrances with queues of their own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/busy_writer.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a subsystem would look for to change what it borrows.
template <class T>
concept Reconfigurable =
    requires(T& thing) { thing.set_options(Options()); } ||
    requires(T& thing) { thing.options() = Options(); } ||
    requires(T& thing) { thing.set_connections(1); } || requires(T& thing) { thing.resize(1); } ||
    requires(T& thing) { thing.set_busy_timeout(std::chrono::seconds(1)); } ||
    requires(T& thing) { thing.set_journal_mode("delete"); };

// Shows that the concept would find something.
struct ReconfigurablePool {
  void set_busy_timeout(std::chrono::milliseconds timeout);
};

// CORE-01: a handle has no setter for what the bootstrap has settled.
TEST(Lane, CannotReconfigureThePool) {
  static_assert(Reconfigurable<ReconfigurablePool>);
  EXPECT_FALSE(Reconfigurable<Lane>);
  EXPECT_FALSE(Reconfigurable<Database>);
  EXPECT_FALSE(Reconfigurable<ReadTx>);
  EXPECT_FALSE(Reconfigurable<WriteTx>);
}

TEST(Lane, KeepsItsName) {
  NoteDatabase db;
  EXPECT_EQ(db.lane("audit log").name(), "audit log");
  EXPECT_EQ(db.lane("").name(), "");
}

TEST(Lane, IsTheSameForTheSameName) {
  NoteDatabase db;
  const Lane first = db->lane("a", {.queue_limit = 1});
  const Lane second = db->lane("a", {.queue_limit = 100});
  BusyWriter busy(db.lane());
  auto queued = first.submit([](WriteTx&) {});
  EXPECT_THROW((void)second.submit([](WriteTx&) {}), QueueFull);
  busy.let_go();
  queued.get();
}

TEST(Lane, CopiesAreTheSameLane) {
  NoteDatabase db;
  const Lane lane = db->lane("a", {.queue_limit = 1});
  Lane copy = lane;
  BusyWriter busy(db.lane());
  auto queued = lane.submit([](WriteTx&) {});
  EXPECT_THROW((void)copy.submit([](WriteTx&) {}), QueueFull);
  copy = db.lane("b");
  auto other = copy.submit([](WriteTx&) {});
  busy.let_go();
  EXPECT_NO_THROW(queued.get());
  EXPECT_NO_THROW(other.get());
}

TEST(Lane, RefusesASubmissionBeyondItsLimitAndQueuesNothing) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 2});
  BusyWriter busy(db.lane());
  auto first = lane.submit([](WriteTx& tx) { add_note(tx, "first"); });
  auto second = lane.submit([](WriteTx& tx) { add_note(tx, "second"); });
  const auto error =
      thrown<QueueFull>([&] { (void)lane.submit([](WriteTx& tx) { add_note(tx, "third"); }); });
  EXPECT_EQ(error.code(), "QUEUE_FULL");
  EXPECT_EQ(error.lane(), "small");
  EXPECT_TRUE(error.retry_is_safe());
  EXPECT_THAT(error.what(), HasSubstr("2"));
  busy.let_go();
  first.get();
  second.get();
  EXPECT_THAT(all_notes(lane), ElementsAre("first", "second"));
}

TEST(Lane, HasRoomAgainAsSoonAsAFutureIsReady) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 1});
  for (int i = 0; i < 500; ++i)
    EXPECT_NO_THROW(lane.submit([](WriteTx&) {}).get());
}

TEST(Lane, HasRoomAgainAfterAFailure) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 1});
  EXPECT_THROW(lane.submit([](WriteTx&) { throw std::runtime_error("no"); }).get(),
               std::runtime_error);
  EXPECT_NO_THROW(lane.submit([](WriteTx&) {}).get());
}

TEST(Lane, IsNamedByItsErrors) {
  NoteDatabase db;
  const auto error = thrown<Error>([&] {
    db.lane("audit").write([](WriteTx& tx) { tx.execute("INSERT INTO nothing VALUES (1)"); });
  });
  EXPECT_EQ(error.lane(), "audit");
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Lane, WaitsNoLongerThanTheCallSays) {
  NoteDatabase db;
  BusyWriter busy(db.lane("busy"));
  const std::chrono::milliseconds limit(30);
  const auto error = thrown<Timeout>([&] {
    db.lane("late").write({.timeout = limit}, [](WriteTx& tx) { add_note(tx, "late"); });
  });
  EXPECT_EQ(error.code(), "WRITE_TIMEOUT");
  EXPECT_GE(error.waited(), limit);
  EXPECT_EQ(error.lane(), "late");
  EXPECT_TRUE(error.retry_is_safe());
  EXPECT_EQ(db->info().counters.timeouts, 1U);
  busy.let_go();
  EXPECT_EQ(count_notes(db.lane()), 0);
}

TEST(Lane, WaitsNoLongerThanTheDatabaseSays) {
  Options options;
  options.busy_timeout = std::chrono::milliseconds(30);
  NoteDatabase db(options);
  BusyWriter busy(db.lane("busy"));
  EXPECT_THROW(add_note(db.lane("late"), "late"), Timeout);
}

TEST(Lane, DoesNotWaitWithoutTime) {
  NoteDatabase db;
  const CallOptions at_once{.timeout = std::chrono::milliseconds(0)};
  EXPECT_NO_THROW(db.lane().write(at_once, [](WriteTx& tx) { add_note(tx, "free"); }));
  BusyWriter busy(db.lane("busy"));
  EXPECT_THROW(db.lane().write(at_once, [](WriteTx&) {}), Timeout);
}

TEST(Lane, CountsATimeoutOfASubmittedClosure) {
  Options options;
  options.busy_timeout = std::chrono::milliseconds(20);
  NoteDatabase db(options);
  RawSqlite stranger(db.file());
  stranger.run("BEGIN IMMEDIATE");
  auto later = db.lane().submit([](WriteTx&) {});
  EXPECT_EQ(thrown<Timeout>([&] { later.get(); }).code(), "WRITE_TIMEOUT");
  EXPECT_EQ(db->info().counters.timeouts, 1U);
  stranger.run("ROLLBACK");
}

}  // namespace
}  // namespace turnstile::test
