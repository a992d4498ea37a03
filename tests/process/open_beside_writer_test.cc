// Opening a database while another process is in the middle of a long write: whoever finds the file
// in order does not wait for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/counted_migrations.h"
#include "support/interleaving.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;

Options steps(int count) {
  Options options;
  options.busy_timeout = 300ms;
  options.migrations = {{1, "work", "CREATE TABLE work(process INTEGER, n INTEGER)"}};
  for (int version = 2; version <= count; ++version)
    options.migrations.push_back({version, "more", "CREATE TABLE more(x)"});
  return options;
}

std::string gate_phase(const Database& db) {
  for (const BootstrapPhase& phase : db.info().phases)
    if (phase.name == "gate") return phase.detail;
  return "no such phase";
}

std::int64_t rows(const Database& db) {
  return db.lane("test").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
}

/// Another process is inside a write.
class OpenBesideWriter : public testing::Test {
 protected:
  OpenBesideWriter() {
    { const Database made = Database::open(path(), steps(1)); }
  }
  ~OpenBesideWriter() override { EXPECT_EQ(run_raw(path(), "PRAGMA integrity_check"), "ok"); }

  [[nodiscard]] std::string path(std::string_view name = "app.db") const {
    return directory_.file(name);
  }
  void let_it_write() {
    writer_.must("open " + path());
    writer_.must("hold importer");
  }
  void expect_that_it_is_waited_for(const Options& options) {
    const auto error = thrown<Timeout>([&] { (void)Database::open(path(), options); });
    EXPECT_EQ(error.code(), "OPEN_TIMEOUT") << error.what();
    EXPECT_EQ(error.holder().pid, writer_.pid());
    EXPECT_EQ(error.holder().lane, "importer");
  }

  TempDir directory_;
  Actor writer_;
};

TEST_F(OpenBesideWriter, DoesNotWaitWhenThereIsNothingToBeDone) {
  let_it_write();
  const Database db = Database::open(path(), steps(1));
  EXPECT_THAT(gate_phase(db), StartsWith("not waited for"));
  EXPECT_EQ(db.info().schema_version, 1);
  EXPECT_EQ(rows(db), 0);
  writer_.must("go");
  EXPECT_EQ(rows(db), 1);
}

TEST_F(OpenBesideWriter, LeavesTheTurnToTheWriter) {
  let_it_write();
  const Database db = Database::open(path(), steps(1));
  const auto write = [&db] {
    db.lane("late").write([](WriteTx& tx) { tx.execute("INSERT INTO work VALUES (1, 1)"); });
  };
  EXPECT_EQ(thrown<Timeout>(write).holder().pid, writer_.pid());
  writer_.must("go");
  write();
  EXPECT_EQ(rows(db), 2);
}

TEST_F(OpenBesideWriter, WaitsWithASchemaStepToRun) {
  let_it_write();
  expect_that_it_is_waited_for(steps(2));
  writer_.must("go");
  EXPECT_EQ(Database::open(path(), steps(2)).info().schema_version, 2);
}

TEST_F(OpenBesideWriter, WaitsWithRecordsOfSchemaStepsToMake) {
  run_raw(path(), "DROP TABLE turnstile_migration");
  let_it_write();
  expect_that_it_is_waited_for(steps(1));
  writer_.must("go");
  { const Database adopted = Database::open(path(), steps(1)); }
  EXPECT_EQ(run_raw(path(), "SELECT count(*) FROM turnstile_migration"), "1");
}

TEST_F(OpenBesideWriter, WaitsToRefuseWhatItCannotUse) {
  run_raw(path(), "PRAGMA user_version=7");
  let_it_write();
  expect_that_it_is_waited_for(steps(1));
  writer_.must("go");
  EXPECT_EQ(thrown<MigrationError>([&] { (void)Database::open(path(), steps(1)); }).code(),
            "DB_SCHEMA_TOO_NEW");
}

// Another process brings the file further between two looks at it, which must not be put together.
TEST_F(OpenBesideWriter, SeesTheStateOfOneMoment) {
  Options options = steps(1);
  options.mode = OpenMode::ReadOnly;
  AtPoint version_read("read_history:version", 1);
  auto opened = std::async(std::launch::async, [&] {
    return thrown<MigrationError>([&] { (void)Database::open(path(), options); }).code();
  });
  version_read.wait_until_reached();
  RawSqlite other(path());
  other.run(
      "BEGIN; CREATE TABLE more(x); PRAGMA user_version=2;"
      "INSERT INTO turnstile_migration VALUES ('', 2, 'more', 'x', 'now', 1); COMMIT");
  version_read.release();
  EXPECT_EQ(opened.get(), "DB_SCHEMA_TOO_NEW");
}

/// In the middle of a start that does not wait, a database cannot get another file.
class OpenBesideRestore : public OpenBesideWriter {
 protected:
  OpenBesideRestore() {
    Database db = Database::open(path(), steps(1));
    db.backup(path("copy.db"));
    db.lane("late").write([](WriteTx& tx) { tx.execute("INSERT INTO work VALUES (1, 1)"); });
  }
  [[nodiscard]] ChildProcess restore(const std::string& point) const {
    return ChildProcess{actor_path("copy"), point, "restore", path("copy.db"), path()};
  }
};

TEST_F(OpenBesideRestore, KeepsTheFileInItsPlace) {
  let_it_write();
  AtPoint looking("Bootstrap::look_first", 1);
  auto opened = std::async(std::launch::async, [&] { return Database::open(path(), steps(1)); });
  looking.wait_until_reached();
  writer_.must("go");
  writer_.must("close");
  EXPECT_THAT(restore("nowhere").read_line(), StartsWith("failed DB_IN_USE: "));
  looking.release();
  EXPECT_EQ(rows(opened.get()), 2);
}

TEST_F(OpenBesideRestore, WaitsForTheNewFile) {
  for (const char* point : {"Restore:entered", "Restore:aside", "Restore:published"}) {
    ChildProcess restoring = restore(point);
    ASSERT_EQ(restoring.read_line(), std::string("at ") + point);
    Options options = steps(1);
    EXPECT_EQ(thrown<Timeout>([&] { (void)Database::open(path(), options); }).holder().lane,
              "restore");
    options.busy_timeout = patience();
    auto opened =
        std::async(std::launch::async, [&] { return rows(Database::open(path(), options)); });
    restoring.send("go");
    EXPECT_EQ(restoring.read_line(), "done");
    EXPECT_EQ(opened.get(), 0) << point;
    Database::open(path(), options).lane("late").write([](WriteTx& tx) {
      tx.execute("INSERT INTO work VALUES (1, 1)");
    });
  }
}

TEST_F(OpenBesideRestore, LosesNothingAmongManyWhoComeAndGo) {
  constexpr int kProcesses = 3;
  constexpr int kRounds = 25;
  std::vector<std::jthread> threads;
  for (int process = 0; process < kProcesses; ++process) {
    threads.emplace_back([&, process] {
      Actor actor;
      for (int round = 0; round < kRounds; ++round) {
        actor.must("open " + path() + " timeout=60000");
        actor.must("exec INSERT INTO work VALUES (" + std::to_string(process) + ", 0)");
        actor.must("close");
      }
    });
  }
  int done = 0;
  for (int round = 0; round < 10; ++round) {
    ChildProcess restoring = restore("nowhere");
    const std::string said = restoring.read_line();
    done += said == "done" ? 1 : 0;
    EXPECT_THAT(said, AnyOf("done", StartsWith("failed DB_IN_USE: "))) << said;
  }
  threads.clear();
  EXPECT_EQ(restore("nowhere").read_line(), "done");
  EXPECT_EQ(run_raw(path(), "SELECT count(*) FROM work"), "0");
  RecordProperty("restores", done);
}

}  // namespace
}  // namespace turnstile::test
