// Who holds what and who waits, among processes of this library and strangers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/diagnose.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kWriters = 3;

class LocksOfProcesses : public testing::Test {
 protected:
  LocksOfProcesses() : path_(dir_.file("app.db")), db_(Database::open(path_, options())) {
    holder_.must("open " + path_);
  }

  static Options options() {
    Options options;
    options.busy_timeout = patience();
    options.migrations = {{1, "work", "CREATE TABLE work(process INTEGER, n INTEGER);"}};
    return options;
  }

  [[nodiscard]] LockInfo find(const std::string& name, std::int64_t pid = 0) const {
    for (LockInfo& lock : locks(path_))
      if (lock.name == name && (pid == 0 || lock.pid == pid)) return std::move(lock);
    return {};
  }

  // Writes of this process, each by a thread of its own.
  [[nodiscard]] std::vector<std::jthread> start_writers() const {
    std::vector<std::jthread> writers;
    for (std::size_t n = 0; n < kWriters; ++n) {
      writers.emplace_back([this] {
        db_.lane("waiter").write([](WriteTx& tx) { tx.execute("INSERT INTO work VALUES (1, 1)"); });
      });
    }
    return writers;
  }

  TempDir dir_;
  std::string path_;
  Database db_;
  Actor holder_;
};

// DOC-05: a writer that stands still is named, and those who wait for it are counted.
TEST_F(LocksOfProcesses, CountTheCallsThatWaitForAStoppedWriter) {
  holder_.must("hold embeddings");
  holder_.process().signal(SIGSTOP);
  holder_.process().wait_until_stopped();
  const auto writers = start_writers();
  ASSERT_TRUE(soon([&] { return find("TURN").waiting == kWriters; })) << find("TURN").waiting;
  const LockInfo turn = find("TURN");
  EXPECT_EQ(turn.pid, holder_.pid());
  EXPECT_EQ(turn.program, "db_actor");
  EXPECT_EQ(turn.lane, "embeddings");
  EXPECT_EQ(turn.thread, holder_.pid());
  EXPECT_EQ(turn.sql, "INSERT INTO work(process, n) VALUES (-?, ?)");
  EXPECT_TRUE(turn.since);
  EXPECT_THAT(turn.waiters, ElementsAre(::getpid()));
  const LockInfo write = find("WRITE");
  EXPECT_EQ(write.pid, holder_.pid());
  EXPECT_EQ(write.lane, "embeddings");
  EXPECT_THAT(write.waiters, IsEmpty());
  holder_.process().signal(SIGCONT);
  holder_.must("go");
}

TEST_F(LocksOfProcesses, CountTheCallsThatWaitForAStranger) {
  SqliteShell shell(path_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const auto writers = start_writers();
  ASSERT_TRUE(soon([&] { return find("WRITE").waiting == kWriters; })) << find("WRITE").waiting;
  const LockInfo write = find("WRITE");
  EXPECT_EQ(write.pid, shell.pid());
  EXPECT_EQ(write.program, "sqlite3");
  EXPECT_EQ(write.lane, "");
  EXPECT_FALSE(write.since);
  EXPECT_THAT(write.waiters, ElementsAre(::getpid()));
  EXPECT_EQ(find("TURN").pid, ::getpid());
  EXPECT_EQ(shell.run("COMMIT"), "");
}

TEST_F(LocksOfProcesses, NameTheOldestReadOfAProcess) {
  holder_.must("exec INSERT INTO work VALUES (1, 1)");
  db_.lane("first").read([&](ReadTx& first) {
    ASSERT_EQ(first.query<std::int64_t>("SELECT count(*) FROM work").one(), 1);
    const std::int64_t thread = ::gettid();
    std::jthread([&] {
      db_.lane("second").read([&](ReadTx& second) {
        ASSERT_EQ(second.query<std::int64_t>("SELECT count(n) FROM work").one(), 1);
        std::size_t marks = 0;
        for (const LockInfo& lock : locks(path_)) {
          if (!lock.name.starts_with("READ") || lock.pid != ::getpid()) continue;
          ++marks;
          EXPECT_EQ(lock.lane, "first");
          EXPECT_EQ(lock.thread, thread);
          EXPECT_EQ(lock.sql, "SELECT count(*) FROM work");
          EXPECT_EQ(lock.calls, 2U);
        }
        EXPECT_GE(marks, 1U);
      });
    }).join();
  });
}

TEST_F(LocksOfProcesses, KnowSinceWhenTheDatabaseIsOpen) {
  holder_.must("exec INSERT INTO work VALUES (1, 1)");
  const LockInfo shared = find("SHARED", holder_.pid());
  EXPECT_EQ(shared.kind, "read");
  EXPECT_TRUE(shared.since);
  EXPECT_FALSE(shared.since_is_least);
  EXPECT_TRUE(find("DMS", holder_.pid()).since);
}

}  // namespace
}  // namespace turnstile::test
