// The end of a database: what still runs, what does not, and what is left on the disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/busy_writer.h"
#include "support/child_process.h"
#include "support/files.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/soon.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::AnyOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr milliseconds kShort{20};
constexpr const char* kEndlessSql =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

// Runs SQL that only an interrupt ends.
std::future<void> write_endlessly(const Lane& lane) {
  auto begun = std::make_shared<std::latch>(1);
  auto future = std::async(std::launch::async, [lane, begun] {
    lane.write([&](WriteTx& tx) {
      begun->count_down();
      (void)tx.query<std::int64_t>(kEndlessSql).one();
    });
  });
  begun->wait();
  return future;
}

std::future<void> read_endlessly(const Lane& lane) {
  auto begun = std::make_shared<std::latch>(1);
  auto future = std::async(std::launch::async, [lane, begun] {
    lane.read([&](ReadTx& tx) {
      begun->count_down();
      (void)tx.query<std::int64_t>(kEndlessSql).one();
    });
  });
  begun->wait();
  return future;
}

// Keeps a reader until it is destroyed or let go.
class BusyReader {
 public:
  explicit BusyReader(const Lane& lane)
      : read_(std::async(std::launch::async, [this, lane] {
          lane.read([this](ReadTx&) {
            begun_.count_down();
            done_.wait();
          });
        })) {
    begun_.wait();
  }
  ~BusyReader() { let_go(); }
  BusyReader(const BusyReader&) = delete;
  BusyReader& operator=(const BusyReader&) = delete;

  void let_go() {
    if (!read_.valid()) return;
    done_.count_down();
    read_.get();
  }

 private:
  std::latch begun_{1};
  std::latch done_{1};
  std::future<void> read_;
};

std::vector<std::future<void>> submit_notes(const Lane& lane, int count) {
  std::vector<std::future<void>> futures;
  for (int i = 0; i < count; ++i) {
    futures.push_back(
        lane.submit([i](WriteTx& tx) { add_note(tx, "submitted " + std::to_string(i)); }));
  }
  return futures;
}

std::future<CloseReport> start_close(Database& database, milliseconds drain = patience()) {
  return std::async(std::launch::async, [&database, drain] { return database.close(drain); });
}

bool is_closed(const Lane& lane) {
  try {
    lane.read([](ReadTx&) {});
    return false;
  } catch (const MisuseError& error) {
    return error.code() == "DB_CLOSED";
  }
}

template <class F>
std::string misuse_of(F&& call) {
  return std::string(thrown<MisuseError>(std::forward<F>(call)).code());
}

template <class T>
std::string cancellation_of(std::future<T>& future) {
  return std::string(thrown<Cancelled>([&] { future.get(); }).code());
}

TEST(Close, LetsSubmittedClosuresRun) {
  NoteDatabase db;
  BusyWriter busy(db.lane());
  auto futures = submit_notes(db.lane(), 3);
  AtPoint draining("Core::close:draining");
  auto closing = start_close(*db);
  draining.wait_until_reached();
  busy.let_go();
  const CloseReport report = closing.get();
  for (auto& future : futures)
    EXPECT_NO_THROW(future.get());
  EXPECT_EQ(report.drained, 3U);
  EXPECT_EQ(report.cancelled, 0U);
  EXPECT_EQ(report.interrupted, 0U);
  EXPECT_EQ(run_raw(db.file(), "SELECT count(*) FROM note"), "3");
}

TEST(Close, LetsAWriteRunThatCameBefore) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  AtPoint queued("WriterTurn::wait:queued");
  auto waiting = std::async(std::launch::async, [lane] { add_note(lane, "waited"); });
  queued.wait_until_reached();
  AtPoint draining("Core::close:draining");
  auto closing = start_close(*db);
  draining.wait_until_reached();
  busy.let_go();
  EXPECT_NO_THROW(waiting.get());
  closing.get();
  EXPECT_EQ(run_raw(db.file(), "SELECT text FROM note"), "waited");
}

TEST(Close, CancelsSubmittedClosuresWhenTheDrainTimeHasPassed) {
  NoteDatabase db;
  auto endless = write_endlessly(db.lane());
  auto futures = submit_notes(db.lane(), 3);
  const CloseReport report = db->close(kShort);
  for (auto& future : futures)
    EXPECT_EQ(cancellation_of(future), "CANCELLED");
  EXPECT_EQ(report.cancelled, 3U);
  EXPECT_EQ(report.drained, 0U);
  EXPECT_EQ(run_raw(db.file(), "SELECT count(*) FROM note"), "0");
  EXPECT_THROW(endless.get(), Cancelled);
}

TEST(Close, CancelsAWriteThatStillWaitsWhenTheDrainTimeHasPassed) {
  NoteDatabase db;
  const Lane lane = db.lane();
  auto endless = write_endlessly(lane);
  AtPoint queued("WriterTurn::wait:queued");
  auto waiting = std::async(std::launch::async, [lane] {
    lane.write({.timeout = patience()}, [](WriteTx& tx) { add_note(tx, "late"); });
  });
  queued.wait_until_reached();
  db->close(kShort);
  EXPECT_EQ(cancellation_of(waiting), "CANCELLED");
  EXPECT_THROW(endless.get(), Cancelled);
}

TEST(Close, CancelsAReadThatStillWaitsWhenTheDrainTimeHasPassed) {
  Options options;
  options.connections = 2;
  NoteDatabase db(options);
  const Lane lane = db.lane();
  auto endless = read_endlessly(lane);
  AtPoint queued("ReaderPool::lease:queued");
  auto waiting = std::async(std::launch::async,
                            [lane] { lane.read({.timeout = patience()}, [](ReadTx&) {}); });
  queued.wait_until_reached();
  db->close(kShort);
  EXPECT_EQ(cancellation_of(waiting), "CANCELLED");
  EXPECT_THROW(endless.get(), Cancelled);
}

TEST(Close, InterruptsAWriteWhenTheDrainTimeHasPassed) {
  NoteDatabase db;
  auto endless = write_endlessly(db.lane());
  EXPECT_EQ(db->close(kShort).interrupted, 1U);
  EXPECT_EQ(cancellation_of(endless), "INTERRUPTED");
}

TEST(Close, InterruptsReadsWhenTheDrainTimeHasPassed) {
  NoteDatabase db;
  auto first = read_endlessly(db.lane());
  auto second = read_endlessly(db.lane());
  EXPECT_EQ(db->close(kShort).interrupted, 2U);
  EXPECT_EQ(cancellation_of(first), "INTERRUPTED");
  EXPECT_EQ(cancellation_of(second), "INTERRUPTED");
}

TEST(Close, InterruptsWithoutALogToo) {
  Options options;
  options.mode = OpenMode::Memory;
  NoteDatabase db(options);
  auto endless = read_endlessly(db.lane());
  EXPECT_EQ(db->close(kShort).interrupted, 1U);
  EXPECT_EQ(cancellation_of(endless), "INTERRUPTED");
}

TEST(Close, WaitsForARunningRead) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyReader busy(lane);
  auto closing = start_close(*db);
  ASSERT_TRUE(soon([&] { return is_closed(lane); }));
  EXPECT_EQ(closing.wait_for(kShort), std::future_status::timeout);
  busy.let_go();
  EXPECT_EQ(closing.get().interrupted, 0U);
}

// CORE-25: a close that cannot end a write says so.
TEST(Close, NamesAWriteThatDoesNotEnd) {
  NoteDatabase db;
  BusyWriter busy(db.lane("stubborn"));
  const auto error = thrown<Timeout>([&] { db->close(kShort); });
  EXPECT_EQ(error.code(), "CLOSE_TIMEOUT") << error.what();
  EXPECT_EQ(error.holder().kind, Holder::Kind::Thread);
  EXPECT_EQ(error.holder().lane, "stubborn");
  EXPECT_THAT(error.holder().where, HasSubstr("busy_writer.h"));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Close, NamesAReadThatDoesNotEnd) {
  NoteDatabase db;
  BusyReader busy(db.lane("stubborn"));
  const auto error = thrown<Timeout>([&] { db->close(kShort); });
  EXPECT_EQ(error.code(), "CLOSE_TIMEOUT") << error.what();
  EXPECT_EQ(error.holder().kind, Holder::Kind::Thread);
  EXPECT_EQ(error.holder().lane, "stubborn");
  EXPECT_THAT(error.holder().where, HasSubstr("close_test.cc"));
}

TEST(Close, ThatTimedOutKeepsTheFileUntilTheClosureHasEnded) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  EXPECT_THROW(db->close(kShort), Timeout);
  EXPECT_TRUE(is_closed(lane));
  Options options = with_notes();
  options.busy_timeout = kShort;
  EXPECT_EQ(thrown<Timeout>([&] { (void)Database::open(db.file(), options); }).code(),
            "OPEN_TIMEOUT");
  busy.let_go();
  options.busy_timeout = patience();
  const Database again = Database::open(db.file(), options);
  EXPECT_EQ(add_note(again.lane("notes"), "new"), 1);
}

TEST(Close, ThatTimedOutBecauseOfAReadEndsWithIt) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  BusyReader busy(db.lane());
  EXPECT_THROW(db->close(kShort), Timeout);
  busy.let_go();
  Options options = with_notes();
  options.busy_timeout = patience();
  const Database again = Database::open(db.file(), options);
  EXPECT_EQ(count_notes(again.lane("notes")), 1);
}

TEST(Close, WithoutDrainTimeEndsAnIdleDatabaseOrderly) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  const CloseReport report = db->close(milliseconds(0));
  EXPECT_EQ(report.interrupted, 0U);
  EXPECT_TRUE(report.checkpointed);
}

TEST(Close, RefusesEveryCallOfALaneAfterwards) {
  NoteDatabase db;
  const Lane lane = db.lane();
  db->close();
  EXPECT_EQ(misuse_of([&] { lane.read([](ReadTx&) {}); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { lane.write([](WriteTx&) {}); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { (void)lane.submit([](WriteTx&) {}); }), "DB_CLOSED");
}

TEST(Close, RefusesEveryCallOfTheHandleAfterwards) {
  NoteDatabase db;
  db->close();
  EXPECT_EQ(misuse_of([&] { (void)db->lane("late"); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { (void)db->info(); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { db->close(); }), "DB_CLOSED");
}

TEST(Close, OfAHandleThatWasMovedFromIsRefused) {
  NoteDatabase db;
  const Database moved = std::move(*db);
  EXPECT_EQ(misuse_of([&] { db->close(); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { (void)db->lane("late"); }), "DB_CLOSED");
  EXPECT_EQ(misuse_of([&] { (void)db->info(); }), "DB_CLOSED");
  EXPECT_EQ(add_note(moved.lane("notes"), "still open"), 1);
}

TEST(Close, InsideAClosureIsRefused) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto close = [&] { return misuse_of([&] { db->close(); }); };
  EXPECT_EQ(lane.read([&](ReadTx&) { return close(); }), "CLOSE_INSIDE_CLOSURE");
  EXPECT_EQ(lane.write([&](WriteTx&) { return close(); }), "CLOSE_INSIDE_CLOSURE");
  EXPECT_EQ(lane.submit([&](WriteTx&) { return close(); }).get(), "CLOSE_INSIDE_CLOSURE");
}

TEST(Close, InsideAClosureLeavesTheDatabaseOpen) {
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([&](WriteTx& tx) {
    EXPECT_THROW(db->close(), MisuseError);
    add_note(tx, "one");
  });
  EXPECT_EQ(count_notes(lane), 1);
}

// The thread that would have to end is the one that waits.
TEST(Close, InsideAnActionOfASubmittedClosureIsRefused) {
  NoteDatabase db;
  std::string code;
  db.lane()
      .submit(
          [&](WriteTx& tx) { tx.after_commit([&] { code = misuse_of([&] { db->close(); }); }); })
      .get();
  EXPECT_EQ(code, "CLOSE_INSIDE_CLOSURE");
}

TEST(Close, InsideAClosureOfAnotherDatabaseIsAllowed) {
  NoteDatabase outer;
  NoteDatabase inner;
  outer.lane().write([&](WriteTx&) { EXPECT_TRUE(inner->close().was_last_handle); });
}

TEST(Close, CopiesTheLogIntoTheFileAndRemovesIt) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  EXPECT_THAT(names_in(db.directory().path()), Contains("notes.db-wal"));
  EXPECT_TRUE(db->close().checkpointed);
  EXPECT_THAT(names_in(db.directory().path()),
              Not(Contains(AnyOf(EndsWith("-wal"), EndsWith("-shm")))));
  EXPECT_THAT(read_file(db.file()), HasSubstr("one"));
}

TEST(Close, LeavesTheLogToAStrangerWhoStillUsesIt) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  RawSqlite stranger(db.file());
  EXPECT_EQ(stranger.run("SELECT count(*) FROM note"), "1");
  EXPECT_FALSE(db->close().checkpointed);
  EXPECT_EQ(stranger.run("SELECT text FROM note"), "one");
}

TEST(Close, OfTheSecondOfTwoHandlesEndsTheDatabase) {
  NoteDatabase db;
  const Lane lane = db.lane();
  Database second = Database::open(db.file(), with_notes());
  EXPECT_FALSE(db->close().was_last_handle);
  EXPECT_FALSE(is_closed(lane));
  EXPECT_TRUE(second.close().was_last_handle);
  EXPECT_TRUE(is_closed(lane));
}

TEST(Close, OfOneOfTwoHandlesIsAllowedOnlyOutsideAClosure) {
  NoteDatabase db;
  Database second = Database::open(db.file(), with_notes());
  db.lane().write(
      [&](WriteTx&) { EXPECT_EQ(misuse_of([&] { second.close(); }), "CLOSE_INSIDE_CLOSURE"); });
  EXPECT_NO_THROW((void)second.info());
}

TEST(Destructor, ClosesTheDatabase) {
  const TempDir directory;
  std::optional<Database> db = Database::open(directory.file("a.db"), with_notes());
  const Lane lane = db->lane("notes");
  add_note(lane, "one");
  db.reset();
  EXPECT_TRUE(is_closed(lane));
  EXPECT_THAT(names_in(directory.path()), Not(Contains("a.db-wal")));
}

TEST(Destructor, LetsSubmittedClosuresRun) {
  const TempDir directory;
  std::optional<Database> db = Database::open(directory.file("a.db"), with_notes());
  auto futures = submit_notes(db->lane("notes"), 50);
  db.reset();
  for (auto& future : futures)
    EXPECT_NO_THROW(future.get());
  EXPECT_EQ(run_raw(directory.file("a.db"), "SELECT count(*) FROM note"), "50");
}

TEST(Destructor, InsideAClosureLetsItEndFirst) {
  const TempDir directory;
  std::optional<Database> db = Database::open(directory.file("a.db"), with_notes());
  const Lane lane = db->lane("notes");
  lane.write([&](WriteTx& tx) {
    db.reset();
    add_note(tx, "one");
  });
  EXPECT_TRUE(soon([&] { return is_closed(lane); }));
  // Waits until the other thread has done with the file.
  Options options = with_notes();
  options.busy_timeout = patience();
  const Database again = Database::open(directory.file("a.db"), options);
  EXPECT_EQ(count_notes(again.lane("notes")), 1);
}

TEST(Destructor, OfAHandleThatIsAssignedToClosesItsDatabase) {
  NoteDatabase old;
  NoteDatabase other;
  const Lane lane = old.lane();
  *old = std::move(*other);
  EXPECT_TRUE(is_closed(lane));
  EXPECT_EQ(old->info().path, other.file());
}

}  // namespace
}  // namespace turnstile::test
