#include "gate/file_locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using test::SqliteShell;
using test::TempDir;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr FileIdentity kDatabase{.device_major = 0xfd, .device_minor = 0x01, .inode = 4711};
constexpr FileIdentity kShm{.device_major = 0xfd, .device_minor = 0x01, .inode = 4712};

std::vector<FileLock> parse(std::string_view text) {
  return parse_locks(text, kDatabase, kShm);
}

// What a test looks at: `NAME w PID` for an exclusive lock, `r` for a shared one, `!` in front when
// it keeps writers out.
std::vector<std::string> summary(const std::vector<FileLock>& locks) {
  std::vector<std::string> result;
  for (const FileLock& lock : locks) {
    result.push_back((lock.blocks_writers ? "!" : "") + lock.lock +
                     (lock.exclusive ? " w " : " r ") + std::to_string(lock.pid));
  }
  return result;
}

TEST(ParseLocks, NamesTheLocksOfTheWalIndex) {
  EXPECT_THAT(summary(parse("1: POSIX  ADVISORY  WRITE 10 fd:01:4712 120 120\n"
                            "2: POSIX  ADVISORY  WRITE 11 fd:01:4712 121 121\n"
                            "3: POSIX  ADVISORY  WRITE 12 fd:01:4712 122 122\n"
                            "4: POSIX  ADVISORY  READ 13 fd:01:4712 123 123\n"
                            "5: POSIX  ADVISORY  READ 13 fd:01:4712 127 127\n"
                            "6: POSIX  ADVISORY  READ 14 fd:01:4712 128 128\n")),
              ElementsAre("!WAL write lock w 10", "checkpoint lock w 11", "!WAL recovery lock w 12",
                          "WAL read mark 0 r 13", "WAL read mark 4 r 13", "WAL index lock r 14"));
}

TEST(ParseLocks, NamesTheLocksOfTheDatabaseFile) {
  EXPECT_THAT(summary(parse("1: POSIX  ADVISORY  READ 10 fd:01:4711 1073741826 1073742335\n"
                            "2: POSIX  ADVISORY  WRITE 11 fd:01:4711 1073741825 1073741825\n"
                            "3: POSIX  ADVISORY  WRITE 12 fd:01:4711 1073741824 1073741824\n"
                            "4: POSIX  ADVISORY  WRITE 13 fd:01:4711 1073741826 1073742335\n")),
              ElementsAre("shared lock r 10", "!reserved lock w 11", "!pending lock w 12",
                          "!exclusive lock w 13"));
}

TEST(ParseLocks, HasTheNamesOfSqlitesSource) {
  std::vector<std::string> names;
  for (const FileLock& lock :
       parse("1: POSIX  ADVISORY  WRITE 10 fd:01:4712 120 128\n"
             "2: POSIX  ADVISORY  READ 11 fd:01:4711 1073741826 1073742335\n"
             "3: POSIX  ADVISORY  WRITE 11 fd:01:4711 1073741824 1073741825\n"
             "4: POSIX  ADVISORY  WRITE 12 fd:01:4711 1073741824 1073742335\n"))
    names.push_back(lock.name);
  EXPECT_THAT(names, ElementsAre("WRITE", "CKPT", "RECOVER", "READ0", "READ1", "READ2", "READ3",
                                 "READ4", "DMS", "SHARED", "RESERVED", "PENDING", "EXCLUSIVE"));
}

TEST(ParseLocks, TakesJoinedBytesOfAnExclusiveHolderForOneLock) {
  EXPECT_THAT(summary(parse("1: POSIX  ADVISORY  WRITE 10 fd:01:4711 1073741824 1073742335\n")),
              ElementsAre("!exclusive lock w 10"));
}

TEST(ParseLocks, TakesJoinedBytesOfTheWalIndexForSeveralLocks) {
  EXPECT_THAT(summary(parse("1: POSIX  ADVISORY  WRITE 10 fd:01:4712 120 121\n")),
              ElementsAre("!WAL write lock w 10", "checkpoint lock w 10"));
}

TEST(ParseLocks, ReadsRangesToTheEndOfTheFile) {
  EXPECT_THAT(summary(parse("1: POSIX  ADVISORY  READ 10 fd:01:4712 128 EOF\n")),
              ElementsAre("WAL index lock r 10"));
}

TEST(ParseLocks, KeepsThoseThatWaitWithTheLockTheyWaitFor) {
  const auto locks = parse(
      "1: POSIX  ADVISORY  WRITE 10 fd:01:4712 120 120\n"
      "1: -> POSIX  ADVISORY  WRITE 20 fd:01:4712 120 120\n"
      "1:  -> POSIX  ADVISORY  WRITE 21 fd:01:4712 120 120\n"
      "2: POSIX  ADVISORY  READ 11 fd:01:4712 128 128\n"
      "3: POSIX  ADVISORY  WRITE 12 fd:01:9999 0 EOF\n"
      "3: -> POSIX  ADVISORY  WRITE 22 fd:01:9999 0 EOF\n");
  ASSERT_EQ(locks.size(), 2U);
  EXPECT_THAT(locks[0].waiters, ElementsAre(20, 21));
  EXPECT_THAT(locks[1].waiters, IsEmpty());
}

TEST(ParseLocks, ShowsLocksOfOpenFilesWithoutAProcess) {
  EXPECT_THAT(summary(parse("1: OFDLCK ADVISORY  WRITE -1 fd:01:4712 120 120\n")),
              ElementsAre("!WAL write lock w 0"));
}

TEST(ParseLocks, LeavesOutLocksThatSqliteDoesNotKnow) {
  EXPECT_THAT(parse("1: FLOCK  ADVISORY  WRITE 10 fd:01:4711 0 EOF\n"
                    "2: LEASE  ACTIVE    READ 11 fd:01:4711 0 EOF\n"
                    "3: POSIX  ADVISORY  WRITE 12 fd:01:4711 0 100\n"),
              IsEmpty());
}

TEST(ParseLocks, LeavesOutOtherFiles) {
  EXPECT_THAT(parse("1: POSIX  ADVISORY  WRITE 10 fd:01:4713 120 120\n"
                    "2: POSIX  ADVISORY  WRITE 10 fd:02:4712 120 120\n"
                    "3: POSIX  ADVISORY  WRITE 10 fe:01:4712 120 120\n"),
              IsEmpty());
}

TEST(ParseLocks, LeavesOutLinesThatMeanNothing) {
  EXPECT_THAT(summary(parse("\n\n:\n1:\n1: POSIX\n1: POSIX ADVISORY WRITE x fd:01:4712 120 120\n"
                            "1: POSIX ADVISORY WRITE 1 fd014712 120 120\n"
                            "1: POSIX ADVISORY WRITE 1 <none>:0 120 120\n"
                            "1: POSIX ADVISORY WRITE 1 fd:01:4712 120\n"
                            "99999999999999999999: POSIX ADVISORY WRITE 1 fd:01:4712 120 120\n"
                            "7: POSIX ADVISORY WRITE 8 fd:01:4712 120 120")),
              ElementsAre("!WAL write lock w 8"));
}

TEST(ParseLocks, MatchesNothingForFilesThatDoNotExist) {
  EXPECT_THAT(parse_locks("1: POSIX ADVISORY WRITE 1 00:00:0 120 120\n", {}, {}), IsEmpty());
}

class FileLocks : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("app.db"); }

  void make_database(const std::string& journal_mode) {
    SqliteShell shell(path());
    ASSERT_EQ(shell.run("PRAGMA journal_mode=" + journal_mode), journal_mode + "\n");
    ASSERT_EQ(shell.run("CREATE TABLE t(x); INSERT INTO t VALUES (1)"), "");
  }

  TempDir directory_;
};

TEST_F(FileLocks, ShowTheTransactionOfAForeignProgram) {
  make_database("wal");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const std::vector<FileLock> locks = file_locks(path());
  const auto write = std::find_if(locks.begin(), locks.end(), [](const FileLock& lock) {
    return lock.lock == "WAL write lock";
  });
  ASSERT_NE(write, locks.end());
  EXPECT_EQ(write->pid, shell.pid());
  EXPECT_EQ(write->program, "sqlite3");
  EXPECT_TRUE(write->exclusive);
}

TEST_F(FileLocks, AreNoneOfAFileThatDoesNotExist) {
  EXPECT_THAT(file_locks(path()), IsEmpty());
}

TEST_F(FileLocks, NameTheForeignWriter) {
  make_database("wal");
  SqliteShell idle(path());
  ASSERT_EQ(idle.run("SELECT x FROM t"), "1\n");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const Holder holder = find_foreign_holder(path(), false);
  EXPECT_EQ(holder.kind, Holder::Kind::Process);
  EXPECT_EQ(holder.pid, shell.pid());
  EXPECT_EQ(holder.program, "sqlite3");
  EXPECT_EQ(holder.lock, "WAL write lock");
}

TEST_F(FileLocks, NameNobodyWhoOnlyReads) {
  make_database("wal");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN; SELECT x FROM t"), "1\n");
  EXPECT_EQ(find_foreign_holder(path(), false).kind, Holder::Kind::Unknown);
}

TEST_F(FileLocks, NameTheForeignReadersOfTheLog) {
  make_database("wal");
  SqliteShell idle(path());
  ASSERT_EQ(idle.run("SELECT x FROM t"), "1\n");
  EXPECT_THAT(find_foreign_readers(path()), IsEmpty());
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN; SELECT x FROM t"), "1\n");
  const std::vector<Holder> readers = find_foreign_readers(path());
  ASSERT_EQ(readers.size(), 1U);
  EXPECT_EQ(readers[0].kind, Holder::Kind::Process);
  EXPECT_EQ(readers[0].pid, shell.pid());
  EXPECT_EQ(readers[0].program, "sqlite3");
  EXPECT_THAT(readers[0].lock, testing::StartsWith("WAL read mark "));
}

TEST_F(FileLocks, NameNobodyToReadersForAWriterWithALog) {
  make_database("wal");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  EXPECT_EQ(find_foreign_holder(path(), true).kind, Holder::Kind::Unknown);
}

TEST_F(FileLocks, NameTheForeignWriterOfARollbackJournal) {
  make_database("delete");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const Holder holder = find_foreign_holder(path(), false);
  EXPECT_EQ(holder.pid, shell.pid());
  EXPECT_EQ(holder.lock, "reserved lock");
  EXPECT_EQ(find_foreign_holder(path(), true).kind, Holder::Kind::Unknown);
}

TEST_F(FileLocks, NameWhoKeepsEverybodyOut) {
  make_database("delete");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN EXCLUSIVE"), "");
  for (const bool for_readers : {false, true}) {
    const Holder holder = find_foreign_holder(path(), for_readers);
    EXPECT_EQ(holder.pid, shell.pid());
    EXPECT_EQ(holder.lock, "exclusive lock");
  }
}

TEST_F(FileLocks, NameTheReaderThatKeepsACommitOutOfARollbackJournal) {
  make_database("delete");
  SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN; SELECT x FROM t"), "1\n");
  const Holder holder = find_foreign_holder(path(), false);
  EXPECT_EQ(holder.pid, shell.pid());
  EXPECT_EQ(holder.lock, "shared lock");
}

TEST_F(FileLocks, DoNotNameTheirOwnProcess) {
  make_database("wal");
  sqlite::Connection::Config config;
  config.path = path();
  const Call call;
  sqlite::Connection connection(config, call);
  connection.execute("BEGIN IMMEDIATE");
  EXPECT_FALSE(file_locks(path()).empty());
  EXPECT_EQ(find_foreign_holder(path(), false).kind, Holder::Kind::Unknown);
  connection.execute("ROLLBACK");
}

TEST(FlockHolder, IsTheProcessThatHasTheFileAlone) {
  const TempDir directory;
  const std::string path = directory.file("x-gate");
  std::ofstream(path).put('x');
  test::ChildProcess child({"flock", "--exclusive", path, "sh", "-c", "echo locked; read line"});
  ASSERT_EQ(child.read_line(), "locked");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const FileIdentity identity{.device_major = major(status.st_dev),
                              .device_minor = minor(status.st_dev),
                              .inode = status.st_ino};
  EXPECT_EQ(find_flock_holder(path, identity), child.pid());
  child.send("go");
  child.wait();
  EXPECT_EQ(find_flock_holder(path, identity), 0);
}

TEST(ProgramOf, IsEmptyWhenTheProcessIsGone) {
  EXPECT_EQ(program_of(0), "");
  EXPECT_EQ(program_of(-1), "");
  EXPECT_NE(program_of(::getpid()), "");
}

}  // namespace
}  // namespace turnstile::gate
