#include <csignal>
#include <filesystem>

#include "cli/cli_test.h"
#include "support/files.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// An empty database and a directory with two steps.
class CliMigrate : public testing::Test {
 protected:
  CliMigrate() {
    EXPECT_EQ(run_cli({"init", db_}).status, 0);
    std::filesystem::create_directory(steps_);
    put("0001_note.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);\n");
    put("0002_title.sql", "ALTER TABLE note ADD COLUMN title TEXT;\n");
  }

  void put(const std::string& name, const std::string& sql) const {
    write_file(std::filesystem::path(steps_) / name, sql);
  }
  [[nodiscard]] CliResult migrate(std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"migrate", db_, steps_});
    return run_cli(flags);
  }
  [[nodiscard]] std::string raw(const std::string& sql) const { return SqliteShell(db_).run(sql); }

  TempDir directory_;
  std::string db_ = directory_.file("app.db");
  std::string steps_ = directory_.file("steps");
};

TEST_F(CliMigrate, RunsWhatIsMissingOnce) {
  const CliResult first = migrate();
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(lines_of(first.out),
              ElementsAre("version  name      ms", HasSubstr("---"), HasSubstr("      1  note "),
                          HasSubstr("      2  title"), db_ + " has schema version 0 -> 2"));
  EXPECT_EQ(raw("SELECT group_concat(name) FROM pragma_table_info('note')"), "id,title\n");
  const CliResult second = migrate();
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.out, db_ + " has schema version 2, nothing to do\n");
}

TEST_F(CliMigrate, TellsProgramsWhatItDid) {
  const Json report = Json::parse(migrate({"--json"}).out);
  EXPECT_EQ(report.at("path"), db_);
  EXPECT_EQ(report.at("found"), 0);
  EXPECT_EQ(report.at("now"), 2);
  EXPECT_EQ(report.at("dry_run"), false);
  EXPECT_EQ(report.at("backup"), nullptr);
  ASSERT_THAT(report.at("steps"), SizeIs(2));
  EXPECT_EQ(report.at("steps").at(1).at("name"), "title");
  EXPECT_GE(report.at("steps").at(1).at("duration_ms"), 0);
}

TEST_F(CliMigrate, CopiesAFileWithDataFirst) {
  (void)migrate();
  (void)raw("INSERT INTO note(title) VALUES ('x')");
  put("0003_drop.sql", "DROP TABLE note;");
  const CliResult result = migrate();
  EXPECT_THAT(result.out, HasSubstr("as it was: " + db_ + ".before-v3\n"));
  EXPECT_EQ(SqliteShell(db_ + ".before-v3").run("SELECT title FROM note"), "x\n");
}

TEST_F(CliMigrate, GoesWithoutACopyWhenAsked) {
  (void)migrate();
  (void)raw("INSERT INTO note(title) VALUES ('x')");
  put("0003_drop.sql", "DROP TABLE note;");
  EXPECT_EQ(Json::parse(migrate({"--no-backup", "--json"}).out).at("backup"), nullptr);
  EXPECT_FALSE(std::filesystem::exists(db_ + ".before-v3"));
}

TEST_F(CliMigrate, ShowsWhatADryRunWouldDo) {
  const CliResult result = migrate({"--dry-run"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(db_ + " would get schema version 0 -> 2\n"));
  EXPECT_EQ(raw("SELECT count(*) FROM sqlite_schema"), "0\n");
  EXPECT_EQ(Json::parse(migrate({"--dry-run", "--json"}).out).at("dry_run"), true);
}

TEST_F(CliMigrate, FindsAMistakeInADryRun) {
  put("0003_wrong.sql", "CREATE TABLE x(y);\nCREATE TABL z(y);\n");
  const CliResult result = migrate({"--dry-run"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("schema step 3 (wrong) failed"),
                                HasSubstr("line 2, column 8"), HasSubstr("  CREATE TABL z(y);\n")));
}

TEST_F(CliMigrate, HasAStatusForEachStep) {
  (void)migrate();
  put("0003_tag.sql", "CREATE TABLE tag(name);");
  const CliResult pending = migrate({"--status"});
  EXPECT_EQ(pending.status, 1) << "a step is missing";
  const auto lines = lines_of(pending.out);
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(lines[0], "version  name   state    applied at");
  EXPECT_THAT(lines[2], HasSubstr("      1  note   applied  20"));
  EXPECT_EQ(lines[4], "      3  tag    pending");
  EXPECT_EQ(raw("PRAGMA user_version"), "2\n") << "it only asked";
  (void)migrate();
  EXPECT_EQ(migrate({"--status"}).status, 0);
}

TEST_F(CliMigrate, HasAStatusForPrograms) {
  (void)migrate();
  put("0001_note.sql", "CREATE TABLE note(id);\n");
  put("0003_tag.sql", "CREATE TABLE tag(name);");
  const CliResult result = migrate({"--status", "--json"});
  EXPECT_EQ(result.status, 2) << "a step was edited";
  const Json status = Json::parse(result.out);
  EXPECT_EQ(status.at("schema_version"), 2);
  const Json& steps = status.at("steps");
  EXPECT_EQ(steps.at(0).at("state"), "edited");
  EXPECT_NE(steps.at(0).at("checksum"), steps.at(0).at("recorded_checksum"));
  EXPECT_EQ(steps.at(1).at("state"), "applied");
  EXPECT_EQ(steps.at(2).at("state"), "pending");
  EXPECT_EQ(steps.at(2).at("applied_at"), nullptr);
}

TEST_F(CliMigrate, RefusesAnEditedStepAndLeavesTheFileAlone) {
  (void)migrate();
  put("0002_title.sql", "ALTER TABLE note ADD COLUMN caption TEXT;\n");
  const std::string before = read_file(db_);
  const CliResult result = migrate({"--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "MIGRATION_EDITED");
  EXPECT_EQ(read_file(db_), before);
}

TEST_F(CliMigrate, SaysHowToAdoptAFileOfSomebodyElse) {
  (void)raw("CREATE TABLE note(id INTEGER PRIMARY KEY)");
  const CliResult refused = migrate({"--json"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_EQ(error_of(refused).at("code"), "DB_SCHEMA_UNKNOWN");
  EXPECT_THAT(error_of(refused).at("hint").get<std::string>(), HasSubstr("--adopt VERSION"));
  EXPECT_EQ(migrate({"--adopt", "1"}).status, 0);
  EXPECT_EQ(raw("SELECT group_concat(name) FROM pragma_table_info('note')"), "id,title\n");
}

TEST_F(CliMigrate, RefusesWhatItCannotUnderstand) {
  for (const std::vector<std::string>& flags :
       std::vector<std::vector<std::string>>{{"--status", "--dry-run"},
                                             {"--adopt", "x"},
                                             {"--adopt", "-1"},
                                             {"--adopt", "3"},
                                             {"--adopt", ""}}) {
    (void)raw("CREATE TABLE IF NOT EXISTS foreign_one(x)");
    EXPECT_EQ(migrate(flags).status, 3) << flags.back();
  }
  put("schema.sql", "SELECT 1;");
  EXPECT_THAT(migrate().err, HasSubstr("schema.sql"));
  EXPECT_EQ(migrate().status, 3);
}

TEST_F(CliMigrate, SaysWhatIsNotThere) {
  const CliResult no_steps = run_cli({"migrate", db_, directory_.file("nowhere"), "--json"});
  EXPECT_EQ(no_steps.status, 4);
  EXPECT_EQ(error_of(no_steps).at("code"), "MIGRATION_UNREADABLE");
  for (const char* flag : {"--json", "--dry-run", "--status"}) {
    const CliResult no_file = run_cli({"migrate", directory_.file("no.db"), steps_, flag});
    EXPECT_EQ(no_file.status, 4) << flag;
  }
  EXPECT_FALSE(std::filesystem::exists(directory_.file("no.db")));
}

// RO-06: a status command says why it cannot answer, and what it does know with the rest unknown.
TEST_F(CliMigrate, PrintsTheReasonForAStatusThatCannotBeRead) {
  write_file(directory_.file("text.db"), std::string(5000, 'x'));
  const CliResult result = run_cli({"migrate", directory_.file("text.db"), steps_, "--status"});
  EXPECT_EQ(result.status, 6);
  EXPECT_THAT(result.err, HasSubstr("is not a SQLite database"));
}

// RO-06: a count that cannot be had is shown as that, and the status stays 0.
TEST_F(CliMigrate, LetsInfoShowWhatIsUnavailable) {
  (void)raw("PRAGMA journal_mode=DELETE");
  const CliResult result = run_cli({"info", db_});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("free pages      unavailable\n"));
  EXPECT_EQ(Json::parse(run_cli({"info", db_, "--json"}).out).at("free_pages"), nullptr);
}

TEST_F(CliMigrate, CanBeInterrupted) {
  put("0003_long.sql",
      "CREATE TABLE t(x); INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM c) SELECT i FROM c;");
  CliRun run({"migrate", db_, steps_});
  SqliteShell shell(db_);
  // Until it holds the write lock, which it does for good.
  while (shell.run("BEGIN IMMEDIATE; COMMIT;").empty()) {
  }
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(raw("PRAGMA user_version"), "0\n");
}

}  // namespace
}  // namespace turnstile::test
