#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <source_location>
#include <string>
#include <vector>

#include "gate/file_locks.h"
#include "gate/process_gate.h"
#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/diagnose.h"
#include "turnstile/error.h"

namespace turnstile {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

class Locks : public testing::Test {
 protected:
  Locks() {
    test::SqliteShell shell(path());
    shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x)");
  }
  [[nodiscard]] std::string path() const { return directory_.file("app.db"); }

  static const LockInfo* find(const std::vector<LockInfo>& list, const std::string& name) {
    const auto found = std::find_if(list.begin(), list.end(),
                                    [&](const LockInfo& info) { return info.lock == name; });
    return found == list.end() ? nullptr : &*found;
  }

  test::TempDir directory_;
};

TEST_F(Locks, AreNoneWhenNobodyUsesTheDatabase) {
  EXPECT_THAT(locks(path()), IsEmpty());
}

TEST_F(Locks, ShowWhoHasTheWritersTurn) {
  gate::ProcessGate gate(path());
  const auto claim = gate::Claim::of_this_thread("notes", std::source_location::current());
  ASSERT_EQ(gate.take(claim, Deadline::never()), gate::Wait::Granted);
  const std::vector<LockInfo> list = locks(path());
  const LockInfo* turn = find(list, "writer turn");
  ASSERT_NE(turn, nullptr);
  EXPECT_EQ(turn->name, "TURN");
  EXPECT_EQ(turn->kind, "write");
  EXPECT_EQ(turn->pid, ::getpid());
  EXPECT_EQ(turn->program, gate::program_of(::getpid()));
  EXPECT_EQ(turn->thread, ::gettid());
  EXPECT_EQ(turn->lane, "notes");
  ASSERT_TRUE(turn->since);
  EXPECT_GE(*turn->since, milliseconds(0));
  EXPECT_THAT(turn->waiters, IsEmpty());
}

TEST_F(Locks, ShowNobodyAfterTheTurnWasGivenUp) {
  gate::ProcessGate gate(path());
  const auto claim = gate::Claim::of_this_thread("notes", std::source_location::current());
  ASSERT_EQ(gate.take(claim, Deadline::never()), gate::Wait::Granted);
  gate.give();
  EXPECT_THAT(locks(path()), IsEmpty());
}

TEST_F(Locks, ShowTheLocksOfAForeignProgram) {
  test::SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)"), "");
  const std::vector<LockInfo> list = locks(path());
  const LockInfo* write = find(list, "WAL write lock");
  ASSERT_NE(write, nullptr);
  EXPECT_EQ(write->name, "WRITE");
  EXPECT_EQ(write->kind, "write");
  EXPECT_EQ(write->pid, shell.pid());
  EXPECT_EQ(write->program, "sqlite3");
  EXPECT_EQ(write->lane, "");
  EXPECT_FALSE(write->since);
  const LockInfo* read = find(list, "shared lock");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(read->kind, "read");
}

TEST_F(Locks, AreThoseOfTheFileBehindASymbolicLink) {
  const std::string link = directory_.file("link.db");
  std::filesystem::create_symlink(path(), link);
  gate::ProcessGate gate(path());
  const auto claim = gate::Claim::of_this_thread("notes", std::source_location::current());
  ASSERT_EQ(gate.take(claim, Deadline::never()), gate::Wait::Granted);
  EXPECT_NE(find(locks(link), "writer turn"), nullptr);
}

TEST_F(Locks, DoNotDropTheLocksOfTheirOwnProcess) {
  // What would happen if the database or its -shm were opened and closed to look at it.
  sqlite::Connection::Config config;
  config.path = path();
  const Call call;
  sqlite::Connection connection(config, call);
  connection.execute("BEGIN IMMEDIATE");
  EXPECT_NE(find(locks(path()), "WAL write lock"), nullptr);
  test::SqliteShell shell(path());
  EXPECT_THAT(shell.run("BEGIN IMMEDIATE"), HasSubstr("locked"));
  connection.execute("ROLLBACK");
}

TEST_F(Locks, AreNotToldOfWhatIsNoFile) {
  const std::string directory = std::filesystem::path(path()).parent_path().string();
  EXPECT_EQ(test::thrown<StorageError>([&] { static_cast<void>(locks(directory)); }).code(),
            "DB_OPEN_FAILED");
}

TEST_F(Locks, OfAStrangerAreAsOldAsTheyHaveBeenSeen) {
  test::SqliteShell shell(path());
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  LockWatch watch(path());
  const std::vector<LockInfo> once = watch.look();
  EXPECT_FALSE(find(once, "WAL write lock")->since);
  const std::vector<LockInfo> twice = watch.look();
  const LockInfo* write = find(twice, "WAL write lock");
  ASSERT_TRUE(write->since);
  EXPECT_TRUE(write->since_is_least);
  ASSERT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(find(watch.look(), "WAL write lock"), nullptr);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const std::vector<LockInfo> anew = watch.look();
  EXPECT_FALSE(find(anew, "WAL write lock")->since);
}

TEST_F(Locks, OfAFileThatDoesNotExistAreAnError) {
  try {
    static_cast<void>(locks(directory_.file("missing.db")));
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.code(), "DB_NOT_FOUND");
  }
}

}  // namespace
}  // namespace turnstile
