// Writes that can be given up, that tell a callback or a coroutine, and keys that make them
// idempotent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>

#include "gate/process_gate.h"
#include "support/busy_writer.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kForEver =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) FROM c";

// ---- Stopping ----

// CORE-10: a wait that is given up.
TEST(StopToken, EndsAWaitForTheTurn) {
  NoteDatabase db;
  BusyWriter busy(db.lane());
  std::stop_source stop;
  AtPoint queued("WriterTurn::wait:queued");
  auto write = std::async(std::launch::async, [&, lane = db.lane()] {
    lane.write({.timeout = std::chrono::hours(1), .stop = stop.get_token()},
               [](WriteTx& tx) { add_note(tx, "never"); });
  });
  queued.wait_until_reached();
  stop.request_stop();
  const auto error = thrown<Cancelled>([&] { write.get(); });
  EXPECT_EQ(error.code(), "CANCELLED");
  EXPECT_TRUE(error.retry_is_safe());
  busy.let_go();
  EXPECT_THAT(all_notes(db.lane()), IsEmpty());
}

// CORE-10: a wait for SQLite's own lock, which sqlite3_interrupt() would not end. Tried until the
// stop has not come before that wait.
TEST(StopToken, EndsAWaitForAStrangersLock) {
  constexpr int kMostStops = 1000;
  NoteDatabase db;
  RawSqlite stranger(db.file());
  stranger.run("BEGIN IMMEDIATE");
  for (int i = 0; i < kMostStops && db->info().counters.engine_waits == 0; ++i) {
    std::stop_source stop;
    AtPoint begins("Group::begin");
    auto write = std::async(std::launch::async, [&, lane = db.lane()] {
      lane.write({.timeout = std::chrono::hours(1), .stop = stop.get_token()},
                 [](WriteTx& tx) { add_note(tx, "never"); });
    });
    begins.wait_until_reached();
    stop.request_stop();
    EXPECT_THROW(write.get(), Cancelled);
  }
  stranger.run("ROLLBACK");
  EXPECT_GT(db->info().counters.engine_waits, 0U);
  EXPECT_THAT(all_notes(db.lane()), IsEmpty());
}

TEST(StopToken, KeepsACallFromBeginning) {
  NoteDatabase db;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(db.lane().write({.stop = stop.get_token()}, [](WriteTx&) {}), Cancelled);
}

TEST(StopToken, InterruptsRunningSqlAndLeavesTheConnectionClean) {
  NoteDatabase db;
  const Lane lane = db.lane();
  std::stop_source stop;
  std::promise<void> begun;
  auto write = std::async(std::launch::async, [&] {
    lane.write({.stop = stop.get_token()}, [&](WriteTx& tx) {
      add_note(tx, "never");
      begun.set_value();
      static_cast<void>(tx.query<std::int64_t>(kForEver).one());
    });
  });
  begun.get_future().wait();
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { write.get(); }).code(), "INTERRUPTED");
  add_note(lane, "later");
  EXPECT_THAT(all_notes(lane), ElementsAre("later"));
}

// CORE-10: also that for a reader.
TEST(StopToken, EndsAWaitForAReader) {
  Options options;
  options.connections = 2;
  NoteDatabase db(options);
  const HeldRead held(db.lane());
  std::stop_source stop;
  AtPoint queued("ReaderPool::lease:queued");
  auto read = std::async(std::launch::async, [&, lane = db.lane()] {
    lane.read({.timeout = std::chrono::hours(1), .stop = stop.get_token()}, [](ReadTx&) {});
  });
  queued.wait_until_reached();
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { read.get(); }).code(), "CANCELLED");
}

TEST(StopToken, EndsAReadsWaitForTheOnlyConnection) {
  Options options;
  options.connections = 1;
  NoteDatabase db(options);
  const HeldRead held(db.lane());
  std::stop_source stop;
  AtPoint queued("WriterTurn::wait:queued");
  auto read = std::async(std::launch::async, [&, lane = db.lane()] {
    lane.read({.timeout = std::chrono::hours(1), .stop = stop.get_token()}, [](ReadTx&) {});
  });
  queued.wait_until_reached();
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { read.get(); }).code(), "CANCELLED");
}

TEST(StopToken, EndsAReadsWaitForTheTurnThatAllShare) {
  Options options = with_notes();
  options.mode = OpenMode::Memory;
  const Database db = Database::open("scratch", options);
  const HeldWrite held(db.lane("busy"));
  std::stop_source stop;
  AtPoint queued("SharedTurn::acquire:queued");
  auto read = std::async(std::launch::async, [&, lane = db.lane("reader")] {
    lane.read({.timeout = std::chrono::hours(1), .stop = stop.get_token()}, [](ReadTx&) {});
  });
  queued.wait_until_reached();
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { read.get(); }).code(), "CANCELLED");
}

// By the number of connections: a reader of its own, or the writer's.
class StoppedRead : public testing::TestWithParam<int> {};

TEST_P(StoppedRead, IsInterruptedAndLeavesTheConnectionClean) {
  Options options;
  options.connections = GetParam();
  NoteDatabase db(options);
  const Lane lane = db.lane();
  std::stop_source stop;
  std::promise<void> begun;
  auto read = std::async(std::launch::async, [&] {
    lane.read({.stop = stop.get_token()}, [&](ReadTx& tx) {
      begun.set_value();
      static_cast<void>(tx.query<std::int64_t>(kForEver).one());
    });
  });
  begun.get_future().wait();
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { read.get(); }).code(), "INTERRUPTED");
  EXPECT_EQ(count_notes(lane), 0);
}

INSTANTIATE_TEST_SUITE_P(Connections, StoppedRead, testing::Values(1, 2));

TEST(StopToken, EndsTheWaitOfASubmittedClosure) {
  NoteDatabase db;
  BusyWriter busy(db.lane());
  std::stop_source stop;
  AtPoint queued("WriterTurn::wait:queued");
  auto write = db.lane().submit({.stop = stop.get_token()}, [](WriteTx&) {});
  queued.wait_until_reached();
  stop.request_stop();
  EXPECT_THROW(write.get(), Cancelled);
}

TEST(SubmitTimeout, EndsTheWaitOfAClosureThatHasOne) {
  NoteDatabase db;
  BusyWriter busy(db.lane());
  // Over at once, and told when it would be its turn.
  auto write = db.lane().submit({.timeout = std::chrono::milliseconds(0)}, [](WriteTx&) {});
  auto later = db.lane().submit([](WriteTx& tx) { add_note(tx, "later"); });
  busy.let_go();
  EXPECT_THROW(write.get(), Timeout);
  EXPECT_NO_THROW(later.get());
}

// Another process has the gate; here a gate of its own stands for it.
class StalledGate : public testing::Test {
 protected:
  explicit StalledGate(std::chrono::milliseconds busy_timeout = std::chrono::milliseconds(0))
      : db_(with_timeout(busy_timeout)) {
    static_cast<void>(
        stranger_.take(gate::Claim::of_this_thread("stranger", std::source_location::current()),
                       Deadline::never()));
  }

  static Options with_timeout(std::chrono::milliseconds busy_timeout) {
    Options options;
    options.busy_timeout = busy_timeout;
    return options;
  }

  NoteDatabase db_;
  gate::ProcessGate stranger_{db_.file()};
};

TEST_F(StalledGate, EndsTheWaitOfASubmittedClosureAtItsDeadline) {
  auto write = db_.lane().submit({.timeout = std::chrono::milliseconds(1)}, [](WriteTx&) {});
  EXPECT_EQ(thrown<Timeout>([&] { write.get(); }).code(), "WRITE_TIMEOUT");
}

TEST_F(StalledGate, KeepsASubmittedClosureForNoLongerThanTheBusyTimeout) {
  auto write = db_.lane().submit([](WriteTx&) {});
  EXPECT_EQ(thrown<Timeout>([&] { write.get(); }).code(), "WRITE_TIMEOUT");
}

// The database's own timeout is none, which must neither end the call's wait nor its place in line.
TEST_F(StalledGate, KeepsThePlaceOfAWriteThatHasTimeOfItsOwn) {
  AtPoint queued("ProcessGate::take:queued");
  auto submitted = db_.lane().submit({.timeout = std::chrono::hours(1)}, [](WriteTx&) {});
  queued.wait_until_reached();
  AtPoint behind("WriterTurn::wait:queued");
  auto write = std::async(std::launch::async, [lane = db_.lane()] {
    lane.write({.timeout = std::chrono::hours(1)}, [](WriteTx& tx) { add_note(tx, "kept"); });
  });
  behind.wait_until_reached();
  EXPECT_EQ(write.wait_for(std::chrono::milliseconds(30)), std::future_status::timeout);
  EXPECT_EQ(queued.reached(), 1U);
  stranger_.give();
  EXPECT_NO_THROW(submitted.get());
  EXPECT_NO_THROW(write.get());
}

// ---- Callbacks and coroutines ----

TEST(SubmitWithCallback, TellsTheResultAfterTheCommit) {
  NoteDatabase db;
  const Lane lane = db.lane();
  std::promise<std::int64_t> seen;
  lane.submit(
      {}, [](WriteTx& tx) { return add_note(tx, "a"); },
      [&](Outcome<std::int64_t> outcome) {
        // It may wait for writes itself.
        add_note(lane, "b");
        seen.set_value(outcome.get());
      });
  EXPECT_EQ(seen.get_future().get(), 1);
  EXPECT_THAT(all_notes(lane), ElementsAre("a", "b"));
}

TEST(SubmitWithCallback, TellsWhatTheClosureThrew) {
  NoteDatabase db;
  std::promise<std::exception_ptr> seen;
  db.lane().submit(
      {}, [](WriteTx&) { throw std::runtime_error("mine"); },
      [&](Outcome<void> outcome) { seen.set_value(outcome.error()); });
  const std::exception_ptr error = seen.get_future().get();
  ASSERT_TRUE(error);
  EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
}

TEST(SubmitWithCallback, SurvivesACallbackThatThrows) {
  NoteDatabase db;
  db.lane().submit(
      {}, [](WriteTx& tx) { add_note(tx, "a"); },
      [](const Outcome<void>&) { throw std::runtime_error("mine"); });
  db.lane().submit([](WriteTx& tx) { add_note(tx, "b"); }).get();
  EXPECT_THAT(all_notes(db.lane()), ElementsAre("a", "b"));
}

// A coroutine that begins at once and tells its result to a promise.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Task write_twice(Lane lane, std::function<void(std::function<void()>)> executor,
                 std::promise<std::int64_t>& result) {
  try {
    co_await lane.async_write(executor, [](WriteTx& tx) { add_note(tx, "a"); });
    result.set_value(
        co_await lane.async_write(executor, [](WriteTx& tx) { return add_note(tx, "b"); }));
  } catch (...) {
    result.set_exception(std::current_exception());
  }
}

TEST(AsyncWrite, GoesOnWhereTheExecutorSays) {
  NoteDatabase db;
  std::promise<std::int64_t> result;
  int hops = 0;
  write_twice(
      db.lane(),
      [&](const std::function<void()>& resume) {
        ++hops;
        resume();
      },
      result);
  EXPECT_EQ(result.get_future().get(), 2);
  EXPECT_EQ(hops, 2);
}

TEST(AsyncWrite, ThrowsInTheCoroutine) {
  NoteDatabase db;
  add_note(db.lane(), "a");
  std::promise<std::int64_t> result;
  write_twice(
      db.lane(), [](const std::function<void()>& resume) { resume(); }, result);
  EXPECT_THROW(result.get_future().get(), ConstraintError);
}

// ---- Giving the turn up in the middle ----

class YieldPoint : public testing::Test {
 protected:
  Lane bulk(std::chrono::milliseconds budget = std::chrono::milliseconds(0)) {
    return db_->lane("bulk", {.priority = Priority::Bulk, .budget = budget});
  }
  // Someone who stands in line when this returns.
  std::future<void> queue_up() {
    AtPoint queued("WriterTurn::wait:queued");
    auto write =
        std::async(std::launch::async, [lane = db_.lane()] { add_note(lane, "interactive"); });
    queued.wait_until_reached();
    return write;
  }

  NoteDatabase db_;
};

TEST_F(YieldPoint, LetsThoseGoFirstWhoWait) {
  std::future<void> other;
  bulk().write([&](WriteTx& tx) {
    add_note(tx, "first");
    other = queue_up();
    EXPECT_TRUE(tx.yield_point());
    add_note(tx, "last");
  });
  other.get();
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("first", "interactive", "last"));
}

TEST_F(YieldPoint, DoesNothingWhileNobodyWaits) {
  bulk().write([&](WriteTx& tx) {
    add_note(tx, "first");
    EXPECT_FALSE(tx.yield_point());
  });
}

TEST_F(YieldPoint, DoesNothingBeforeTheBudgetIsUsedUp) {
  std::future<void> other;
  bulk(std::chrono::hours(1)).write([&](WriteTx& tx) {
    other = queue_up();
    EXPECT_FALSE(tx.yield_point());
  });
  other.get();
}

TEST_F(YieldPoint, KeepsWhatCameBeforeWhenTheRestFails) {
  std::future<void> other;
  int actions = 0;
  EXPECT_THROW(bulk().write([&](WriteTx& tx) {
    add_note(tx, "kept");
    tx.after_commit([&] { ++actions; });
    other = queue_up();
    EXPECT_TRUE(tx.yield_point());
    add_note(tx, "lost");
    throw std::runtime_error("mine");
  }),
               std::runtime_error);
  other.get();
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("kept", "interactive"));
  EXPECT_EQ(actions, 1);
}

// Taken out of the line, it would go on without the turn.
TEST_F(YieldPoint, GetsItsTurnAgainBeforeItIsStopped) {
  std::stop_source stop;
  std::promise<void> other_writes;
  std::promise<void> go;
  std::future<void> other;
  AtPoint queued("WriterTurn::wait:queued");
  auto write = std::async(std::launch::async, [&, lane = bulk()] {
    lane.write({.stop = stop.get_token()}, [&](WriteTx& tx) {
      add_note(tx, "kept");
      other = std::async(std::launch::async, [&, lane = db_.lane()] {
        lane.write([&](WriteTx&) {
          other_writes.set_value();
          go.get_future().wait();
        });
      });
      queued.wait_until_reached(1);
      tx.yield_point();
      add_note(tx, "never");
    });
  });
  other_writes.get_future().wait();
  queued.wait_until_reached(2);
  stop.request_stop();
  EXPECT_EQ(write.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  go.set_value();
  EXPECT_EQ(thrown<Cancelled>([&] { write.get(); }).code(), "CANCELLED");
  other.get();
  add_note(db_.lane(), "later");
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("kept", "later"));
}

TEST_F(YieldPoint, IsRefusedInsideASavepoint) {
  std::future<void> other;
  EXPECT_EQ(thrown<MisuseError>([&] {
              bulk().write([&](WriteTx& tx) {
                const Savepoint part = tx.savepoint();
                other = queue_up();
                tx.yield_point();
              });
            }).code(),
            "YIELD_IN_SAVEPOINT");
  other.get();
}

TEST_F(YieldPoint, WorksInASubmittedClosure) {
  std::promise<void> begun;
  std::promise<void> go;
  auto submitted = bulk().submit([&](WriteTx& tx) {
    add_note(tx, "first");
    begun.set_value();
    go.get_future().wait();
    EXPECT_TRUE(tx.yield_point());
    add_note(tx, "last");
  });
  begun.get_future().wait();
  auto other = queue_up();
  go.set_value();
  submitted.get();
  other.get();
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("first", "interactive", "last"));
}

// ---- Full lanes ----

TEST(FullLane, LetsSubmitWaitForRoomWhereItSaysSo) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 1, .when_full = WhenFull::Wait});
  auto busy = std::make_unique<BusyWriter>(db.lane());
  auto first = lane.submit([](WriteTx& tx) { add_note(tx, "a"); });
  auto second = std::async(std::launch::async, [&] {
    lane.submit({.timeout = std::chrono::hours(1)}, [](WriteTx& tx) { add_note(tx, "b"); }).get();
  });
  busy.reset();
  EXPECT_NO_THROW(first.get());
  EXPECT_NO_THROW(second.get());
}

TEST(FullLane, RefusesASubmitThatHasWaitedItsTime) {
  NoteDatabase db;
  const Lane lane = db->lane("small", {.queue_limit = 1, .when_full = WhenFull::Wait});
  BusyWriter busy(db.lane());
  auto first = lane.submit([](WriteTx&) {});
  EXPECT_THROW(
      static_cast<void>(lane.submit({.timeout = std::chrono::milliseconds(1)}, [](WriteTx&) {})),
      QueueFull);
}

// ---- Keys ----

TEST(Once, IsTrueTheFirstTimeOnly) {
  NoteDatabase db;
  const auto add_once = [&](const char* text) {
    return db.lane().write([&](WriteTx& tx) {
      if (!tx.once("request 1")) return false;
      add_note(tx, text);
      return true;
    });
  };
  EXPECT_TRUE(add_once("a"));
  EXPECT_FALSE(add_once("b"));
  EXPECT_THAT(all_notes(db.lane()), ElementsAre("a"));
}

TEST(Once, ForgetsAKeyWhoseWriteFailed) {
  NoteDatabase db;
  EXPECT_THROW(db.lane().write([](WriteTx& tx) {
    static_cast<void>(tx.once("request 1"));
    throw std::runtime_error("mine");
  }),
               std::runtime_error);
  EXPECT_EQ(db->outcome_of("request 1"), CommitState::NotCommitted);
  EXPECT_TRUE(db.lane().write([](WriteTx& tx) { return tx.once("request 1"); }));
  EXPECT_EQ(db->outcome_of("request 1"), CommitState::Committed);
}

TEST(Once, RefusesKeysThatAreNone) {
  NoteDatabase db;
  for (const std::string& key : {std::string(), std::string(256, 'x')}) {
    EXPECT_EQ(thrown<MisuseError>([&] {
                db.lane().write([&](WriteTx& tx) { static_cast<void>(tx.once(key)); });
              }).code(),
              "ONCE_KEY_INVALID");
  }
}

TEST(Capabilities, SayWhatADatabaseCanDo) {
  NoteDatabase db;
  const Capabilities can = db->capabilities();
  EXPECT_TRUE(can.can_write && can.readers_beside_writer && can.several_processes &&
              can.group_commit && can.durability_by_call && can.native_handle);
  Options memory;
  memory.mode = OpenMode::Memory;
  EXPECT_FALSE(Database::open("scratch", memory).capabilities().several_processes);
}

}  // namespace
}  // namespace turnstile::test
