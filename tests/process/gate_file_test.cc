// The gate's file is deleted or replaced while processes use it: for a moment there are two lines,
// between which SQLite's own lock decides, then all have found the new file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "gate/process_gate.h"
#include "support/actor.h"
#include "support/claims.h"
#include "support/gate_process.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::gate {
namespace {

using test::GateProcess;
using test::soon;
using testing::ElementsAre;

class GateWithoutItsFile : public testing::Test {
 protected:
  // Where there is no database, nobody makes a gate for it.
  GateWithoutItsFile() { std::ofstream(database()).flush(); }

  [[nodiscard]] std::string database() const { return directory_.file("app.db"); }
  [[nodiscard]] std::filesystem::path gate_file() const {
    return ProcessGate::path_for(database());
  }
  void remove_gate_file() const { ASSERT_TRUE(std::filesystem::remove(gate_file())); }
  // The holder by the file that is there now; 0: nobody.
  [[nodiscard]] std::int64_t holder_there() const {
    const std::optional<GateView> view = ProcessGate::inspect(database());
    return view && view->holder ? view->holder->pid : 0;
  }

  test::TempDir directory_;
};

TEST_F(GateWithoutItsFile, ExcludesThoseWhoStillHaveTheOldOne) {
  GateProcess other(database());
  other.take_at_once();
  ProcessGate own(database());
  remove_gate_file();
  EXPECT_EQ(own.take(claim(), at_once()), Wait::TimedOut);
  other.give();
  EXPECT_EQ(own.take(claim(), at_once()), Wait::Granted);
}

TEST_F(GateWithoutItsFile, IsMadeAnewAndAllMeetThere) {
  ProcessGate own(database());
  GateProcess other(database());
  remove_gate_file();
  EXPECT_TRUE(soon([&] {
    EXPECT_EQ(own.take(claim(), at_once()), Wait::Granted);
    own.give();
    return std::filesystem::exists(gate_file());
  }));
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  EXPECT_TRUE(soon([&] {
    if (!other.try_take()) return true;
    other.give();
    return false;
  })) << "the other process never comes to the new file";
  own.give();
  other.take_at_once();
  EXPECT_EQ(own.take(claim(), at_once()), Wait::TimedOut);
  EXPECT_EQ(holder_there(), other.pid());
  EXPECT_EQ(own.view().holder->pid, other.pid());
}

TEST_F(GateWithoutItsFile, IsLeftByThoseWhoStandInItsLine) {
  GateProcess before(database());
  GateProcess waiter(database());
  before.take_at_once();
  waiter.queue_up();
  remove_gate_file();
  GateProcess after(database());
  after.take_at_once();
  EXPECT_TRUE(soon([&] {
    const std::optional<GateView> view = ProcessGate::inspect(database());
    return view && !view->waiting.empty();
  }));
  EXPECT_THAT(ProcessGate::inspect(database())->waiting, ElementsAre(waiter.pid()));
  // Each of those who queue says so again in the new line.
  EXPECT_EQ(waiter.process().read_line(), "queued");
  after.give();
  waiter.granted();
  EXPECT_EQ(holder_there(), waiter.pid());
}

// A process that always has more to do keeps the gate while nobody waits, and on the old file
// nobody ever would.
TEST_F(GateWithoutItsFile, IsLeftByAHolderWhoAlwaysHasMoreToDo) {
  ProcessGate own(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  remove_gate_file();
  EXPECT_TRUE(soon([&] {
    EXPECT_EQ(own.take(claim(), at_once()), Wait::Granted);
    return std::filesystem::exists(gate_file());
  }));
  EXPECT_EQ(holder_there(), ::getpid());
  GateProcess other(database());
  EXPECT_FALSE(other.try_take());
}

TEST_F(GateWithoutItsFile, IsReplacedByAnotherOne) {
  ProcessGate own(database());
  const std::string elsewhere = directory_.file("other.db");
  GateProcess other(elsewhere);
  std::filesystem::rename(ProcessGate::path_for(elsewhere), gate_file());
  other.take_at_once();
  EXPECT_TRUE(soon([&] {
    if (own.take(claim(), at_once()) == Wait::TimedOut) return true;
    own.give();
    return false;
  }));
  EXPECT_EQ(own.view().holder->pid, other.pid());
}

TEST_F(GateWithoutItsFile, GoesOnWhereNoNewOneCanBeMade) {
  ProcessGate own(database());
  ProcessGate second(database());
  remove_gate_file();
  std::filesystem::create_directory(gate_file());
  const test::AtPoint failed("ProcessGate::find_successor:failed");
  EXPECT_TRUE(soon([&] {
    EXPECT_EQ(own.take(claim(), at_once()), Wait::Granted);
    own.give();
    return failed.reached() > 0;
  }));
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  EXPECT_EQ(second.take(claim(), at_once()), Wait::TimedOut);
}

TEST_F(GateWithoutItsFile, ThatCannotBeMadeAnewIsToldOnceAndCountedEachTime) {
  test::LogEvents events;
  Options options;
  options.log_sink = events.sink();
  Database db = Database::open(database(), options);
  const Lane lane = db.lane("test");
  remove_gate_file();
  std::filesystem::create_directory(gate_file());
  EXPECT_TRUE(soon([&] {
    lane.write([](WriteTx&) {});
    return events.count("GATE_BYPASSED") > 0;
  }));
  const std::uint64_t before = db.metrics().gate_bypasses;
  for (int i = 0; i < 3; ++i)
    lane.write([](WriteTx&) {});
  EXPECT_EQ(db.metrics().gate_bypasses, before + 3);
  EXPECT_THAT(events.of("GATE_BYPASSED"), ElementsAre(testing::HasSubstr("cannot be made anew")));
}

TEST_F(GateWithoutItsFile, IsNotMadeForADatabaseThatIsGone) {
  ProcessGate own(database());
  remove_gate_file();
  std::filesystem::remove(database());
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1100);
  while (std::chrono::steady_clock::now() < until) {
    ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
    own.give();
  }
  EXPECT_FALSE(std::filesystem::exists(gate_file()));
}

TEST(GateFileDeletedUnderLoad, LosesNothingAndFailsNobody) {
  constexpr int kProcesses = 3;
  const test::TempDir directory;
  const std::string path = directory.file("app.db");
  Options options;
  options.migrations = {
      {1, "work", "CREATE TABLE work(process INTEGER, thread INTEGER, n INTEGER);"}};
  const Database db = Database::open(path, options);
  std::vector<std::unique_ptr<test::Actor>> actors;
  for (int i = 0; i < kProcesses; ++i) {
    actors.push_back(std::make_unique<test::Actor>());
    actors.back()->must("open " + path);
  }
  for (const auto& actor : actors)
    actor->send("load 2 3000 0");
  int removals = 0;
  EXPECT_TRUE(soon([&] {
    removals += std::filesystem::remove(ProcessGate::path_for(path)) ? 1 : 0;
    return actors[0]->process().has_line();
  }));
  EXPECT_GE(removals, 2) << "nobody made it anew";
  std::int64_t committed = 0;
  for (const auto& actor : actors) {
    const test::Reply reply = actor->reply();
    EXPECT_TRUE(reply.ok()) << reply.line();
    EXPECT_EQ(reply.number("failed"), 0) << reply.line();
    committed += reply.number("committed");
  }
  EXPECT_EQ(db.lane("check").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM work").one();
  }),
            committed);
  EXPECT_EQ(test::SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

}  // namespace
}  // namespace turnstile::gate
