// Processes die at any moment; what they acknowledged stays, and those that live go on.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/actor.h"
#include "support/five_subsystems.h"
#include "support/sqlite_shell.h"
#include "support/starting_gun.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;

Options with_schema() {
  Options options;
  options.migrations = {
      {1, "work",
       "CREATE TABLE work(process INTEGER, thread INTEGER, n INTEGER, PRIMARY KEY(process, thread, "
       "n));"},
      {2, "subsystems", kSubsystemTables}};
  return options;
}

// Each row of `work` was written together with what one of five subsystems did, in turn.
void expect_whole_transactions(ReadTx& tx) {
  const auto number = [&tx](const std::string& sql) { return tx.query<std::int64_t>(sql).one(); };
  const auto committed = [&](int subsystem) {
    return number("SELECT count(*) FROM work WHERE n % 5 = " + std::to_string(subsystem));
  };
  EXPECT_EQ(number("SELECT total FROM entity"), committed(0));
  EXPECT_EQ(number("SELECT coalesce(sum(writes), 0) FROM embedding"), committed(1));
  EXPECT_EQ(number("SELECT count(*) FROM audit"), committed(2));
  EXPECT_EQ(number("SELECT min(runs) FROM job"), committed(3));
  EXPECT_EQ(number("SELECT max(runs) FROM job"), committed(3));
  EXPECT_EQ(number("SELECT count(*) FROM task WHERE claimed = 1"), committed(4));
  EXPECT_EQ(number("SELECT count(*) FROM task"), committed(4));
  EXPECT_EQ(tx.query<std::string>("PRAGMA integrity_check").one(), "ok");
}

// Reads what a dead or living process has acknowledged so far; the highest number.
std::int64_t last_acknowledged(ChildProcess& process, std::int64_t last) {
  for (auto line = process.next_line(); line; line = process.next_line())
    if (line->starts_with("ack ")) last = std::stoll(line->substr(4));
  return last;
}

// A writer, restarted after each death. Its rows are (number, 1), (number, 2), ...
struct Writer {
  std::int64_t number = 0;
  std::int64_t acknowledged = 0;
  std::unique_ptr<Actor> actor;

  void start(const std::string& path) {
    actor = std::make_unique<Actor>();
    actor->must("open " + path);
    actor->send("mix " + std::to_string(number));
  }
  // Until it has acknowledged `count` rows more.
  void read(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string line = actor->process().read_line();
      ASSERT_TRUE(line.starts_with("ack ")) << "writer " << number << ": " << line;
      acknowledged = std::stoll(line.substr(4));
    }
  }
  void die() {
    actor->process().signal(SIGKILL);
    acknowledged = last_acknowledged(actor->process(), acknowledged);
    actor->process().wait();
  }
  void stop() {
    actor->send("stop");
    acknowledged = last_acknowledged_of_living();
    actor->must("close");
  }

 private:
  std::int64_t last_acknowledged_of_living() {
    for (;;) {
      const std::string line = actor->process().read_line();
      if (!line.starts_with("ack ")) {
        const Reply reply = Reply::parse(line);
        EXPECT_TRUE(reply.ok()) << reply.line();
        return reply.number("n");
      }
    }
  }
};

// What has been lost of a writer's rows; empty: nothing.
std::string loss_of(const Writer& writer, ReadTx& tx) {
  const auto [rows, last] =
      tx.query<std::int64_t, std::int64_t>(
            "SELECT count(*), coalesce(max(n), 0) FROM work WHERE process = ?", writer.number)
          .one();
  const std::string name = "writer " + std::to_string(writer.number);
  if (rows != last) return name + ": a row before its last is missing";
  if (last < writer.acknowledged) return name + ": an acknowledged row is missing";
  return "";
}

// WAL-10: what was committed is there, nothing else is, and the file is whole, after 200 kills amid
// what the five subsystems do.
TEST(Crash, OfWritersAtRandomMomentsLosesNoAcknowledgedRow) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 200;
  std::mt19937_64 random(test_seed());
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Database::open(path, with_schema()).close();

  std::vector<Writer> writers(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers[static_cast<std::size_t>(i)].number = i;
    writers[static_cast<std::size_t>(i)].start(path);
  }
  for (int round = 0; round < kRounds; ++round) {
    Writer& victim = writers[random() % kWriters];
    ASSERT_NO_FATAL_FAILURE(victim.read(1 + static_cast<std::int64_t>(random() % 40)));
    victim.die();
    victim.start(path);
  }
  for (Writer& writer : writers)
    writer.stop();

  const Database db = Database::open(path, with_schema());
  db.lane("check").read([&](ReadTx& tx) {
    for (const Writer& writer : writers)
      EXPECT_EQ(loss_of(writer, tx), "");
    expect_whole_transactions(tx);
  });
}

TEST(Crash, OfAllWritersAtOnceLosesNoAcknowledgedRow) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 5;
  std::mt19937_64 random(test_seed());
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Database::open(path, with_schema()).close();

  std::vector<Writer> writers(kWriters);
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < writers.size(); ++i) {
      writers[i].number = static_cast<std::int64_t>(i);
      writers[i].start(path);
    }
    ASSERT_NO_FATAL_FAILURE(
        writers[random() % kWriters].read(1 + static_cast<std::int64_t>(random() % 60)));
    for (const Writer& writer : writers)
      writer.actor->process().signal(SIGKILL);
    for (Writer& writer : writers)
      writer.die();
    const Database db = Database::open(path, with_schema());
    db.lane("check").read([&](ReadTx& tx) {
      for (const Writer& writer : writers)
        EXPECT_EQ(loss_of(writer, tx), "") << "in round " << round;
      expect_whole_transactions(tx);
    });
  }
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

// The fixture that shows that the account of rows finds a loss: a writer that speaks when its
// transaction is about to commit, and dies then.
TEST(Crash, FindsARowThatWasAcknowledgedBeforeItsCommit) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  const Database db = Database::open(path, with_schema());
  Writer writer;
  writer.actor = std::make_unique<Actor>();
  writer.actor->must("open " + path);
  writer.actor->must("exec INSERT INTO work VALUES (0, 0, 1)");
  writer.acknowledged = 1;
  const auto loss = [&] {
    return db.lane("check").read([&](ReadTx& tx) { return loss_of(writer, tx); });
  };
  EXPECT_EQ(loss(), "");
  writer.actor->must("pause_at Group::commit INSERT INTO work VALUES (0, 0, 2)");
  writer.acknowledged = 2;
  writer.actor->process().kill();
  EXPECT_EQ(loss(), "writer 0: an acknowledged row is missing");
}

// WAL-06: whoever comes first repairs the log, and the others wait for that.
TEST(Crash, LeavesALogThatEightProcessesRecoverAtOnce) {
  constexpr std::size_t kProcesses = 8;
  const TempDir dir;
  const std::string path = dir.file("app.db");
  std::int64_t rows = 0;
  {
    Actor writer;
    Database::open(path, with_schema()).close();
    writer.must("open " + path + " frames=1000000");
    writer.must(
        "exec INSERT INTO work WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
        "WHERE n < 300000) SELECT 1, 1, n FROM c");
    rows = 300000;
    writer.process().kill();
  }
  EXPECT_GT(std::filesystem::file_size(path + "-wal"), 1U << 20U);

  const StartingGun gun;
  std::vector<std::unique_ptr<Actor>> starters;
  for (std::size_t i = 0; i < kProcesses; ++i) {
    starters.push_back(std::make_unique<Actor>(gun.descriptor()));
    starters.back()->must("start " + path);
  }
  gun.fire(kProcesses);
  for (const auto& starter : starters) {
    const Reply opened = starter->reply();
    EXPECT_TRUE(opened.ok()) << opened.line();
  }
  for (const auto& starter : starters)
    EXPECT_EQ(starter->must("query SELECT count(*) FROM work").number("value"), rows);
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

// WAL-10: a transaction that was not committed.
TEST(Crash, InsideATransactionLeavesNothingOfIt) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  const Database db = Database::open(path, with_schema());
  Actor writer;
  writer.must("open " + path);
  writer.must("exec INSERT INTO work VALUES (7, 7, 7)");
  writer.must("hold main");
  writer.process().kill();
  EXPECT_EQ(db.lane("check").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM work").one();
  }),
            1);
}

bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

// WAL-07: the log and its index are gone once nobody uses the file.
TEST(LastClose, OfAllProcessesRemovesTheLogAndItsIndex) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Database db = Database::open(path, with_schema());
  Actor other;
  other.must("open " + path);
  other.must("exec INSERT INTO work VALUES (1, 1, 1)");
  EXPECT_TRUE(other.must("close").ok());
  EXPECT_TRUE(exists(path + "-wal")) << "this process still uses it";
  const CloseReport report = db.close();
  EXPECT_TRUE(report.checkpointed);
  EXPECT_FALSE(exists(path + "-wal"));
  EXPECT_FALSE(exists(path + "-shm"));
  EXPECT_EQ(SqliteShell(path).run("SELECT count(*) FROM work"), "1\n");
}

TEST(LastClose, AfterACrashOfAnotherProcessRemovesTheLogAndItsIndex) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Database::open(path, with_schema()).close();
  {
    Actor other;
    other.must("open " + path);
    other.must("exec INSERT INTO work VALUES (1, 1, 1)");
    other.process().kill();
  }
  EXPECT_TRUE(exists(path + "-wal"));
  Database::open(path, with_schema()).close();
  EXPECT_FALSE(exists(path + "-wal"));
  EXPECT_FALSE(exists(path + "-shm"));
  EXPECT_EQ(SqliteShell(path).run("SELECT count(*) FROM work"), "1\n");
}

}  // namespace
}  // namespace turnstile::test
