// The plain sqlite3 shell works on the same file, as any program may that bypasses this library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/diagnose.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds kDeadline = 300ms;

// Never so late that it was not its own deadline that ended a wait.
constexpr milliseconds kLate = 2000ms;

std::int64_t count_rows(const Database& db) {
  return db.lane("test").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
}

void insert(const Lane& lane, milliseconds timeout) {
  lane.write({.timeout = timeout}, [](WriteTx& tx) { tx.execute("INSERT INTO work VALUES (1)"); });
}

std::optional<Timeout> timeout_of_insert(const Lane& lane, milliseconds timeout) {
  try {
    insert(lane, timeout);
  } catch (const Timeout& error) {
    return error;
  }
  return std::nullopt;
}

class ForeignWriter : public testing::Test {
 protected:
  ForeignWriter() : path_(dir_.file("app.db")) {
    Options options;
    options.migrations = {{1, "work", "CREATE TABLE work(a INTEGER);"}};
    db_.emplace(Database::open(path_, options));
    shell_.emplace(path_);
  }

  ~ForeignWriter() override { EXPECT_EQ(SqliteShell(path_).run("PRAGMA integrity_check"), "ok\n"); }

  void shell_takes_the_write_lock() {
    EXPECT_EQ(shell_->run("BEGIN IMMEDIATE; INSERT INTO work VALUES (0)"), "");
  }

  // Waits until `count` calls wait: one for SQLite's own lock, the others for their turn.
  bool writers_wait(int count) {
    return soon(
        [&] { return db_->info().pool.writers_waiting >= count - 1 && !turns_taken().empty(); });
  }

  // Whoever waits for SQLite's own lock has the turn.
  std::vector<LockInfo> turns_taken() {
    std::vector<LockInfo> found;
    for (LockInfo& lock : locks(path_))
      if (lock.lock == "writer turn") found.push_back(std::move(lock));
    return found;
  }

  void expect_shell_is_named(const std::optional<Timeout>& error) {
    ASSERT_TRUE(error.has_value()) << "the write went through although the shell held the lock";
    EXPECT_EQ(error->code(), "WRITE_TIMEOUT") << error->what();
    EXPECT_EQ(error->holder().pid, shell_->pid()) << error->what();
    EXPECT_EQ(error->holder().program, "sqlite3") << error->what();
    EXPECT_EQ(error->holder().lock, "WAL write lock") << error->what();
    EXPECT_EQ(error->holder().kind, Holder::Kind::Process) << error->what();
  }

  TempDir dir_;
  std::string path_;
  std::optional<Database> db_;
  std::optional<SqliteShell> shell_;
};

// A program that is moved step by step has connections of its own beside the library for a while.
TEST_F(ForeignWriter, OfThisProcessIsNamedAsSuch) {
  RawSqlite own(path_);
  own.run("BEGIN IMMEDIATE");
  const auto timeout = thrown<Timeout>([&] { insert(db_->lane("notes"), kDeadline); });
  EXPECT_EQ(timeout.holder().pid, ::getpid());
  EXPECT_THAT(timeout.message(), HasSubstr("a connection of this process that does not go through "
                                           "Turnstile holds the WAL write lock"));
  own.run("ROLLBACK");
}

// CORE-07: writers that meet a foreign one wait and then succeed.
TEST_F(ForeignWriter, IsWaitedOutByAllWritersWhenShorterThanTheDeadline) {
  constexpr int kWriters = 6;
  shell_takes_the_write_lock();
  std::atomic<int> failures{0};
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      try {
        insert(db_->lane("writer " + std::to_string(i)), patience());
      } catch (const Error&) {
        ++failures;
      }
    });
  }
  EXPECT_TRUE(writers_wait(kWriters));
  EXPECT_EQ(shell_->run("COMMIT"), "");
  writers.clear();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count_rows(*db_), kWriters + 1);
}

TEST_F(ForeignWriter, IsNamedByTheTimeoutOfTheFirstWaiter) {
  shell_takes_the_write_lock();
  expect_shell_is_named(timeout_of_insert(db_->lane("first"), kDeadline));
}

TEST_F(ForeignWriter, IsNamedByTheTimeoutsOfThoseBehindTheFirstWaiter) {
  shell_takes_the_write_lock();
  std::jthread first([&] { insert(db_->lane("first"), patience()); });
  EXPECT_TRUE(writers_wait(1));
  std::vector<std::future<std::optional<Timeout>>> others;
  for (const char* name : {"second", "third"}) {
    others.push_back(std::async(std::launch::async, [this, name] {
      return timeout_of_insert(db_->lane(name), kDeadline);
    }));
  }
  for (auto& other : others)
    expect_shell_is_named(other.get());
  EXPECT_EQ(shell_->run("COMMIT"), "");
}

// CORE-08: not shorter, not much longer, and the error says how long.
TEST_F(ForeignWriter, IsWaitedForAsLongAsTheDeadlineSays) {
  shell_takes_the_write_lock();
  const std::optional<Timeout> error = timeout_of_insert(db_->lane("first"), kDeadline);
  ASSERT_TRUE(error.has_value());
  EXPECT_GE(error->waited(), kDeadline);
  EXPECT_LE(error->waited(), kDeadline + patience(kLate));
}

TEST_F(ForeignWriter, LeavesReadersUndisturbed) {
  shell_takes_the_write_lock();
  EXPECT_EQ(count_rows(*db_), 0);
  EXPECT_EQ(db_->info().counters.timeouts, 0U);
}

TEST_F(ForeignWriter, LeavesNothingBehindInTheLibraryAfterATimeout) {
  shell_takes_the_write_lock();
  expect_shell_is_named(timeout_of_insert(db_->lane("first"), kDeadline));
  EXPECT_EQ(shell_->run("ROLLBACK"), "");
  insert(db_->lane("first"), patience());
  EXPECT_EQ(count_rows(*db_), 1);
  EXPECT_THAT(turns_taken(), testing::IsEmpty());
}

TEST_F(ForeignWriter, KilledInItsTransactionLetsTheWaiterThrough) {
  shell_takes_the_write_lock();
  auto waiter = std::async(std::launch::async, [this] { insert(db_->lane("first"), patience()); });
  EXPECT_TRUE(writers_wait(1));
  shell_->process().kill();
  waiter.get();
  EXPECT_EQ(count_rows(*db_), 1);
}

TEST_F(ForeignWriter, CountsAsAnEngineWait) {
  shell_takes_the_write_lock();
  expect_shell_is_named(timeout_of_insert(db_->lane("first"), kDeadline));
  EXPECT_EQ(db_->info().counters.engine_waits, 1U);
  EXPECT_EQ(db_->info().counters.timeouts, 1U);
}

TEST_F(ForeignWriter, IsNotKeptOutByAnIdleDatabase) {
  insert(db_->lane("first"), patience());
  EXPECT_EQ(shell_->run("INSERT INTO work VALUES (2); SELECT count(*) FROM work"), "2\n");
  EXPECT_EQ(count_rows(*db_), 2);
}

TEST_F(ForeignWriter, AsAReaderKeepsItsSnapshotWhileWeWrite) {
  constexpr int kRows = 100;
  EXPECT_EQ(shell_->run("BEGIN; SELECT count(*) FROM work"), "0\n");
  const Lane lane = db_->lane("writer");
  for (int i = 0; i < kRows; ++i)
    insert(lane, kDeadline);
  EXPECT_EQ(shell_->run("SELECT count(*) FROM work"), "0\n");
  EXPECT_EQ(shell_->run("COMMIT; SELECT count(*) FROM work"), std::to_string(kRows) + "\n");
  EXPECT_EQ(db_->info().counters.engine_waits, 0U);
}

// CORE-25: a statement that was left open in a write does not keep the lock of a closed database.
TEST_F(ForeignWriter, HasTheLockAfterACloseAlthoughAStatementWasLeftOpen) {
  const auto careless = [](WriteTx& tx) {
    sqlite3_stmt* left = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(native_handle(tx), "INSERT INTO work VALUES (1), (2) RETURNING a",
                                 -1, &left, nullptr),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_step(left), SQLITE_ROW);
  };
  EXPECT_THROW(db_->lane("careless").write(careless), MisuseError);
  EXPECT_TRUE(db_->close().was_last_handle);
  EXPECT_EQ(shell_->run("INSERT INTO work VALUES (3); SELECT a FROM work"), "3\n");
}

// Readers of a file with a write-ahead log wait for nobody, so this is one with a rollback journal.
// CORE-03: each of the four connections waits, for as long as the default says.
// CORE-08: five seconds, not less, and not much more.
TEST(ForeignWriterOfARollbackJournal, IsWaitedForByEveryConnection) {
  constexpr std::uint64_t kConnections = 4;
  constexpr milliseconds kDefault = 5000ms;
  const TempDir dir;
  SqliteShell shell(dir.file("app.db"));
  EXPECT_EQ(shell.run("CREATE TABLE work(a INTEGER); PRAGMA journal_mode"), "delete\n");
  Options options;
  options.mode = OpenMode::ReadOnly;  // All four are readers then.
  options.connections = kConnections;
  const Database db = Database::open(dir.file("app.db"), options);
  EXPECT_EQ(shell.run("BEGIN EXCLUSIVE"), "");
  std::vector<std::future<milliseconds>> reads;
  for (std::uint64_t i = 0; i < kConnections; ++i) {
    reads.push_back(std::async(std::launch::async, [&db] {
      return thrown<Timeout>([&] { (void)count_rows(db); }).waited();
    }));
  }
  for (auto& read : reads) {
    const milliseconds waited = read.get();
    EXPECT_GE(waited, kDefault);
    EXPECT_LE(waited, kDefault + patience(kLate));
  }
  EXPECT_EQ(db.info().counters.engine_waits, kConnections);
  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(count_rows(db), 0);
}

// A file with a rollback journal, on which a stranger works while the library is to open it.
class ForeignWriterAtOpen : public testing::Test {
 protected:
  ForeignWriterAtOpen() : path_(dir_.file("app.db")), shell_(path_) {
    EXPECT_EQ(shell_.run("CREATE TABLE work(a INTEGER); PRAGMA journal_mode"), "delete\n");
  }

  void expect_open_timeout(std::string_view lock) {
    Options options;
    options.busy_timeout = kDeadline;
    try {
      const Database db = Database::open(path_, options);
      ADD_FAILURE() << "opened although the shell held a lock";
    } catch (const Timeout& error) {
      EXPECT_EQ(error.code(), "OPEN_TIMEOUT") << error.what();
      EXPECT_EQ(error.holder().pid, shell_.pid()) << error.what();
      EXPECT_EQ(error.holder().program, "sqlite3") << error.what();
      EXPECT_EQ(error.holder().lock, lock) << error.what();
      EXPECT_GE(error.waited(), kDeadline);
      EXPECT_LE(error.waited(), kDeadline + patience(kLate));
    }
  }

  TempDir dir_;
  std::string path_;
  SqliteShell shell_;
};

TEST_F(ForeignWriterAtOpen, WithTheExclusiveLockIsNamedByTheTimeout) {
  EXPECT_EQ(shell_.run("BEGIN EXCLUSIVE"), "");
  expect_open_timeout("exclusive lock");
}

// Reading goes on beside this lock, but the switch to a write-ahead log does not.
TEST_F(ForeignWriterAtOpen, WithTheReservedLockIsNamedByTheTimeout) {
  EXPECT_EQ(shell_.run("BEGIN IMMEDIATE"), "");
  expect_open_timeout("reserved lock");
}

// WAL-01: another program finds the mode.
TEST_F(ForeignWriterAtOpen, IsWaitedOutWhenShorterThanTheDeadline) {
  // Whoever looks at the mode reads for a moment, and the shell's COMMIT has to wait for that.
  const std::string timeout = std::to_string(patience().count());
  EXPECT_EQ(shell_.run(".timeout " + timeout), "");
  EXPECT_EQ(shell_.run("BEGIN IMMEDIATE; INSERT INTO work VALUES (0)"), "");
  Options options;
  options.busy_timeout = patience();
  auto opening = std::async(std::launch::async, [&] { return Database::open(path_, options); });
  // It has the gate, and so is on its way to the switch.
  EXPECT_TRUE(soon([&] { return !locks(path_).empty() && locks(path_)[0].lane == "bootstrap"; }));
  EXPECT_EQ(shell_.run("COMMIT"), "");
  const Database db = opening.get();
  EXPECT_EQ(count_rows(db), 1);
  EXPECT_EQ(SqliteShell(path_).run("PRAGMA journal_mode"), "wal\n");
}

TEST_F(ForeignWriterAtOpen, ThatTimedOutLeavesTheFileAsItWas) {
  EXPECT_EQ(shell_.run("BEGIN EXCLUSIVE; INSERT INTO work VALUES (0)"), "");
  expect_open_timeout("exclusive lock");
  EXPECT_EQ(shell_.run("COMMIT; SELECT count(*) FROM work; PRAGMA journal_mode"), "1\ndelete\n");
}

}  // namespace
}  // namespace turnstile::test
