// Processes are killed at each point of a write, and in line for one: those who live go on at once,
// with all that was committed and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <string>

#include "gate/process_gate.h"
#include "support/actor.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

Options with_work() {
  Options options;
  options.migrations = {{1, "work", "CREATE TABLE work(process INTEGER, n INTEGER);"}};
  return options;
}

class Killed : public testing::Test {
 protected:
  Killed() : path_(dir_.file("app.db")), db_(Database::open(path_, with_work())) {
    victim_.must("open " + path_);
  }
  ~Killed() override { EXPECT_EQ(SqliteShell(path_).run("PRAGMA integrity_check"), "ok\n"); }

  // The moment at which it was written.
  std::future<steady_clock::time_point> insert() {
    return std::async(std::launch::async, [this] {
      db_.lane("waiter").write({.timeout = patience()},
                               [](WriteTx& tx) { tx.execute("INSERT INTO work VALUES (1, 1)"); });
      return steady_clock::now();
    });
  }
  std::int64_t count_rows(int process) {
    return db_.lane("test").read([&](ReadTx& tx) {
      return tx.query<std::int64_t>("SELECT count(*) FROM work WHERE process = ?", process).one();
    });
  }
  bool is_in_line(std::int64_t pid) {
    return soon([&] {
      const auto view = gate::ProcessGate::inspect(path_);
      return view && std::count(view->waiting.begin(), view->waiting.end(), pid) > 0;
    });
  }
  void expect_gate_is_free() {
    const auto view = gate::ProcessGate::inspect(path_);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->holder);
    EXPECT_THAT(view->waiting, testing::IsEmpty());
  }

  TempDir dir_;
  std::string path_;
  Database db_;
  Actor victim_;
};

struct Stage {
  std::string name;
  std::string point;
  int rows;  // Of the victim, afterwards.
};

class KilledWriter : public Killed, public testing::WithParamInterface<Stage> {};

TEST_P(KilledWriter, LeavesTheTurnToTheNextInLine) {
  victim_.must("pause_at " + GetParam().point + " INSERT INTO work VALUES (2, 2)");
  auto waiter = insert();
  EXPECT_TRUE(is_in_line(::getpid()));
  const auto killed = steady_clock::now();
  victim_.process().kill();
  const auto waited = std::chrono::duration_cast<milliseconds>(waiter.get() - killed);
  // Some 5 ms by design; the rest is for a loaded machine. Less than the second after which the
  // holder would be taken for standing still.
  EXPECT_LT(waited, patience(900ms));
  RecordProperty("waited_ms", static_cast<int>(waited.count()));
  EXPECT_EQ(count_rows(1), 1);
  EXPECT_EQ(count_rows(2), GetParam().rows);
  expect_gate_is_free();
}

TEST_P(KilledWriter, LeavesAFileThatANewProcessOpensAtOnce) {
  db_.close();
  victim_.must("pause_at " + GetParam().point + " INSERT INTO work VALUES (2, 2)");
  victim_.process().kill();
  db_ = Database::open(path_, with_work());
  insert().get();
  EXPECT_EQ(count_rows(1), 1);
  EXPECT_EQ(count_rows(2), GetParam().rows);
  expect_gate_is_free();
}

INSTANTIATE_TEST_SUITE_P(At, KilledWriter,
                         testing::Values(Stage{"BeforeBegin", "Group::begin", 0},
                                         Stage{"BeforeCommit", "Group::run:closure_ended", 0},
                                         Stage{"AfterCommit", "ProcessGate::give", 1}),
                         [](const auto& stage) { return stage.param.name; });

TEST_F(Killed, InLineHoldsUpNobodyBehindIt) {
  Actor holder;
  holder.must("open " + path_);
  holder.must("hold main");
  victim_.send("exec INSERT INTO work VALUES (2, 2)");
  EXPECT_TRUE(is_in_line(victim_.pid()));
  auto waiter = insert();
  EXPECT_TRUE(is_in_line(::getpid()));
  victim_.process().kill();
  holder.must("go");
  waiter.get();
  EXPECT_EQ(count_rows(1), 1);
  EXPECT_EQ(count_rows(2), 0);
}

// It has just been woken, and nobody else has.
TEST_F(Killed, InLineWhileStoppedHoldsUpNobodyBehindIt) {
  Actor holder;
  holder.must("open " + path_);
  holder.must("hold main");
  victim_.send("exec INSERT INTO work VALUES (2, 2)");
  EXPECT_TRUE(is_in_line(victim_.pid()));
  auto waiter = insert();
  EXPECT_TRUE(is_in_line(::getpid()));
  victim_.process().signal(SIGSTOP);
  victim_.process().wait_until_stopped();
  holder.must("go");
  victim_.process().kill();
  waiter.get();
  EXPECT_EQ(count_rows(2), 0);
  expect_gate_is_free();
}

// Users without the permissions that they need.
class OtherUser : public testing::Test {
 protected:
  OtherUser() : path_(dir_.file("app.db")) {
    Database::open(path_, with_work()).close();
    EXPECT_EQ(::chmod(dir_.path().c_str(), 0777), 0);
  }

  [[nodiscard]] std::string open_as_nobody() const {
    return unprivileged([&]() -> std::string {
      try {
        const Database db = Database::open(path_, with_work());
      } catch (const StorageError& error) {
        return std::string(error.what()) + "; " + std::string(error.hint());
      }
      return "opened";
    });
  }

  TempDir dir_;
  std::string path_;
};

TEST_F(OtherUser, MayUseADatabaseThatIsOpenToAll) {
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  Database::open(path_, with_work()).close();
  EXPECT_EQ(open_as_nobody(), "opened");
}

TEST_F(OtherUser, IsToldOfAFileThatItMayNotUse) {
  ASSERT_EQ(::chmod(path_.c_str(), 0000), 0);
  EXPECT_THAT(open_as_nobody(),
              testing::AllOf(HasSubstr("DB_PERMISSION"), HasSubstr(path_), HasSubstr("user id")));
}

TEST_F(OtherUser, IsToldOfAGateThatItMayNotUse) {
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(::chmod(gate::ProcessGate::path_for(path_).c_str(), 0000), 0);
  EXPECT_THAT(open_as_nobody(),
              testing::AllOf(HasSubstr("GATE_UNAVAILABLE"), HasSubstr(path_ + "-gate"),
                             HasSubstr("Permission denied"), HasSubstr("write access")));
}

}  // namespace
}  // namespace turnstile::test
