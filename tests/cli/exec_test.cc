#include "cli/cli_test.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

class CliExec : public CliTest {};

TEST_F(CliExec, TellsWhatItDid) {
  const CliResult inserted =
      run_cli({"exec", db_, "INSERT INTO note(id, title) VALUES (7, 'a'), (8, 'b')"});
  EXPECT_EQ(inserted.status, 0);
  EXPECT_EQ(inserted.err, "");
  EXPECT_EQ(inserted.out, "changes: 2\nlast_insert_rowid: 8\n");
  EXPECT_EQ(
      Json::parse(
          run_cli({"exec", db_, "DELETE FROM note WHERE id = :id", "-p", "id=7", "--json"}).out),
      Json::parse(R"({"changes": 1, "last_insert_rowid": 0})"));
  EXPECT_EQ(ask("SELECT group_concat(id) FROM note"), "8");
}

TEST_F(CliExec, DoesNotCountWhatTriggersDoForOneStatement) {
  exec("CREATE TABLE log(a)");
  exec("CREATE TRIGGER t AFTER INSERT ON note BEGIN INSERT INTO log VALUES (new.id); END");
  const CliResult result = run_cli({"exec", db_, "INSERT INTO note(title) VALUES ('a')", "--json"});
  EXPECT_EQ(Json::parse(result.out).at("changes"), 1);
  EXPECT_EQ(ask("SELECT count(*) FROM log"), 1);
}

TEST_F(CliExec, RunsSeveralStatementsInOneTransaction) {
  const CliResult result = run_cli({"exec", db_,
                                    "INSERT INTO note(title) VALUES ('a'); -- the first\n"
                                    "INSERT INTO note(title) VALUES ('b;c');",
                                    "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out), Json::parse(R"({"changes": 2, "last_insert_rowid": 2})"));

  const CliResult failed =
      run_cli({"exec", db_, "DELETE FROM note; INSERT INTO nowhere VALUES (1);"});
  EXPECT_EQ(failed.status, 3);
  EXPECT_EQ(failed.out, "");
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 2);
}

TEST_F(CliExec, ReadsSqlFromStandardInput) {
  std::string script;
  for (int i = 0; i < 5000; ++i)
    script += "INSERT INTO note(title) VALUES ('number " + std::to_string(i) + "');\n";
  const CliResult result = run_cli({"exec", db_, "-", "--durability", "full"}, script);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "changes: 5000\nlast_insert_rowid: 5000\n");
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 5000);
}

TEST_F(CliExec, TakesParametersForOneStatementOnly) {
  const CliResult result =
      run_cli({"exec", db_, "DELETE FROM note; DELETE FROM note WHERE id = :id", "-p", "id=1"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("several statements"));
}

// CORE-21: the JSON form of an error, as a whole.
TEST_F(CliExec, ReportsAConstraintWithItsCodes) {
  const CliResult result = run_cli({"exec", db_, "INSERT INTO note(id) VALUES (1)", "--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result), Json({{"code", "CONSTRAINT"},
                                    {"message", "NOT NULL constraint failed: note.title"},
                                    {"hint", "Change the data or the schema; nothing was changed."},
                                    {"sqlite_code", 1299},
                                    {"holder", nullptr}}));
}

TEST_F(CliExec, RefusesTransactionControlAndNothingAtAll) {
  EXPECT_EQ(run_cli({"exec", db_, "COMMIT"}).status, 3);
  EXPECT_EQ(run_cli({"exec", db_, "DELETE FROM note; COMMIT; BEGIN"}).status, 3);
  EXPECT_EQ(run_cli({"exec", db_, ""}).status, 3);
  EXPECT_EQ(run_cli({"exec", db_, "-- nothing"}).status, 3);
  EXPECT_EQ(run_cli({"exec", db_, "-"}).status, 3);
}

TEST_F(CliExec, RefusesTextThatIsNoUtf8) {
  EXPECT_EQ(run_cli({"exec", db_, "INSERT INTO note(title) VALUES (:t)", "-p", "t=\xff"}).status,
            3);
  const CliResult sql = run_cli({"exec", db_, "INSERT INTO note(title) VALUES ('\xff')"});
  EXPECT_EQ(sql.status, 3);
  EXPECT_THAT(sql.err, HasSubstr("not UTF-8"));
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 0);
}

// CORE-21: the holder, when there is one.
TEST_F(CliExec, NamesTheProgramThatHoldsTheLockBeyondTheTimeout) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const std::string pid = std::to_string(shell.pid());

  const CliResult text = run_cli({"exec", db_, "DELETE FROM note", "--timeout", "300ms"});
  EXPECT_EQ(text.status, 5);
  EXPECT_EQ(text.out, "");
  EXPECT_THAT(text.err, HasSubstr("process " + pid + " (sqlite3) holds the WAL write lock"));
  EXPECT_THAT(text.err, HasSubstr("hint: Nothing was written"));

  const CliResult json = run_cli({"exec", db_, "DELETE FROM note", "--timeout", "300ms", "--json"});
  EXPECT_EQ(json.status, 5);
  const Json error = error_of(json);
  EXPECT_EQ(error.at("code"), "WRITE_TIMEOUT");
  EXPECT_EQ(error.at("holder").at("kind"), "process");
  EXPECT_EQ(error.at("holder").at("pid"), shell.pid());
  EXPECT_EQ(error.at("holder").at("program"), "sqlite3");
  EXPECT_EQ(error.at("holder").at("lock"), "WAL write lock");
}

TEST_F(CliExec, WaitsForALockThatIsReleasedInTime) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE; INSERT INTO note(title) VALUES ('theirs')"), "");
  CliRun run({"exec", db_, "INSERT INTO note(title) VALUES ('ours')", "--timeout", "1m"});
  EXPECT_EQ(shell.run("COMMIT"), "");
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 2);
}

}  // namespace
}  // namespace turnstile::test
