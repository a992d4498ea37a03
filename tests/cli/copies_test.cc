// backup, restore, verify, checkpoint, optimize, vacuum.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/actor.h"
#include "support/files.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class CliCopies : public CliTest {
 protected:
  CliCopies() { exec("INSERT INTO note(title) VALUES ('one'), ('two')"); }
  [[nodiscard]] std::string copy() const { return copies_.file("copy.db"); }
  [[nodiscard]] CliResult backup(std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"backup", db_, copy()});
    return run_cli(flags);
  }

  TempDir copies_;
};

using CliBackup = CliCopies;
using CliRestore = CliCopies;
using CliVerify = CliCopies;
using CliMaintenance = CliCopies;

TEST_F(CliBackup, MakesACheckedCopy) {
  const CliResult result = backup({"--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_EQ(report.at("path"), copy());
  EXPECT_EQ(report.at("tables"), Json::parse(R"({"note": 2})"));
  EXPECT_EQ(report.at("sha256").get<std::string>().size(), 64U);
  EXPECT_EQ(SqliteShell(copy()).run("SELECT title FROM note ORDER BY id"), "one\ntwo\n");
}

TEST_F(CliBackup, ShowsNoBarWhereThereIsNoTerminal) {
  EXPECT_EQ(backup().err, "");
}

TEST_F(CliBackup, RefusesANameThatIsTaken) {
  ASSERT_EQ(backup().status, 0);
  const CliResult again = backup({"--json"});
  EXPECT_EQ(again.status, 3);
  EXPECT_EQ(error_of(again).at("code"), "BACKUP_EXISTS");
  EXPECT_EQ(backup({"--overwrite", "--compact", "--quick", "--no-manifest"}).status, 0);
  EXPECT_THAT(names_in(copies_.path()), ElementsAre("copy.db"));
}

TEST_F(CliBackup, TellsAMissingDatabaseFromAMissingFolder) {
  EXPECT_EQ(run_cli({"backup", directory_.file("none.db"), copy()}).status, 4);
  EXPECT_EQ(run_cli({"backup", db_, copies_.file("none/copy.db")}).status, 4);
}

TEST_F(CliBackup, ThatIsInterruptedLeavesNothingBehind) {
  exec(
      "INSERT INTO note(title, data) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
      " WHERE n < 20000) SELECT 'x', zeroblob(4000) FROM c");
  CliRun run({"backup", db_, copy(), "--compact"});
  // It has begun once there is a file in the making.
  while (names_in(copies_.path()).empty()) {
  }
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_THAT(names_in(copies_.path()), IsEmpty());
}

TEST_F(CliRestore, PutsTheCopyBackAndKeepsTheFormerDatabase) {
  ASSERT_EQ(backup().status, 0);
  exec("DELETE FROM note");
  const CliResult result = run_cli({"restore", copy(), db_, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_EQ(report.at("path"), db_);
  EXPECT_THAT(report.at("old_path").get<std::string>(), StartsWith(db_ + ".before-restore-"));
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 2);
  const CliResult again = run_cli({"restore", copy(), db_, "--delete-old", "--json"});
  EXPECT_EQ(Json::parse(again.out).at("old_path"), nullptr);
}

TEST_F(CliRestore, NamesWhoHasTheDatabaseOpen) {
  ASSERT_EQ(backup().status, 0);
  Actor actor;
  actor.must("open " + db_);
  const CliResult result = run_cli({"restore", copy(), db_, "--timeout", "200ms", "--json"});
  EXPECT_EQ(result.status, 5);
  EXPECT_EQ(error_of(result).at("code"), "DB_IN_USE");
  EXPECT_EQ(error_of(result).at("holder").at("pid"), actor.pid());
}

TEST_F(CliRestore, RefusesWhatIsNoBackup) {
  write_file(copy(), "no database");
  const CliResult result = run_cli({"restore", copy(), db_, "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(error_of(result).at("code"), "BACKUP_INVALID");
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 2);
}

TEST_F(CliVerify, TellsByItsStatusHowAFileIs) {
  ASSERT_EQ(backup().status, 0);
  const CliResult good = run_cli({"verify", copy(), "--json"});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_EQ(Json::parse(good.out).at("ok"), true);
  EXPECT_EQ(Json::parse(good.out).at("has_manifest"), true);

  fs::remove(copy() + ".manifest");
  SqliteShell(copy()).run(
      "CREATE TABLE child(parent REFERENCES note(id));"
      "INSERT INTO child VALUES (99)");
  const CliResult orphans = run_cli({"verify", copy(), "--json"});
  EXPECT_EQ(orphans.status, 1);
  EXPECT_EQ(Json::parse(orphans.out).at("warnings").size(), 1U);

  fs::resize_file(copy(), 5000);
  const CliResult damaged = run_cli({"verify", copy(), "--json"});
  EXPECT_EQ(damaged.status, 2);
  EXPECT_EQ(Json::parse(damaged.out).at("ok"), false);
  EXPECT_EQ(run_cli({"verify", copies_.file("none.db")}).status, 4);
}

TEST_F(CliMaintenance, EmptiesTheLog) {
  Actor actor;  // Keeps the log from going with the last connection.
  actor.must("open " + db_);
  actor.must("exec INSERT INTO note(title) VALUES ('three')");
  ASSERT_GT(fs::file_size(db_ + "-wal"), 0U);
  const CliResult result = run_cli({"checkpoint", db_, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out).at("complete"), true);
  EXPECT_EQ(fs::file_size(db_ + "-wal"), 0U);
}

TEST_F(CliMaintenance, SaysThatAReaderKeepsTheLog) {
  SqliteShell reader(db_);
  reader.run("BEGIN; SELECT * FROM note");
  exec("INSERT INTO note(title) VALUES ('three')");
  const CliResult result = run_cli({"checkpoint", db_, "--timeout", "100ms"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("readers keep the rest in the log"));
}

TEST_F(CliMaintenance, VacuumGivesSpaceBack) {
  exec(
      "INSERT INTO note(title, data) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
      " WHERE n < 500) SELECT 'x', zeroblob(4000) FROM c");
  exec("DELETE FROM note WHERE title = 'x'");
  const Json report = Json::parse(run_cli({"vacuum", db_, "--json"}).out);
  EXPECT_EQ(report.at("free_pages"), 0);
  EXPECT_LT(report.at("file_bytes"), report.at("file_bytes_before"));
}

TEST_F(CliMaintenance, IncrementalVacuumWantsAFileThatWasMadeForIt) {
  const CliResult result = run_cli({"vacuum", db_, "--incremental", "--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "AUTO_VACUUM_OFF");
  const std::string other = directory_.file("incremental.db");
  SqliteShell(other).run(
      "PRAGMA auto_vacuum=INCREMENTAL; CREATE TABLE t(a);"
      "INSERT INTO t VALUES (zeroblob(100000)); DELETE FROM t");
  const CliResult some = run_cli({"vacuum", other, "--incremental", "--pages", "5", "--json"});
  EXPECT_EQ(some.status, 0) << some.err;
  const Json all = Json::parse(run_cli({"vacuum", other, "--incremental", "--json"}).out);
  EXPECT_GT(Json::parse(some.out).at("free_pages"), 0);
  EXPECT_EQ(all.at("free_pages"), 0);
  EXPECT_EQ(run_cli({"vacuum", db_, "--pages", "5"}).status, 3);
  EXPECT_EQ(run_cli({"vacuum", db_, "--incremental", "--pages", "x"}).status, 3);
}

TEST_F(CliMaintenance, OptimizesADatabase) {
  EXPECT_EQ(run_cli({"optimize", db_}).out, db_ + " is optimized\n");
  EXPECT_EQ(run_cli({"optimize", directory_.file("none.db")}).status, 4);
}

}  // namespace
}  // namespace turnstile::test
