#include <filesystem>

#include "cli/cli_test.h"
#include "support/files.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class CliInit : public testing::Test {
 protected:
  [[nodiscard]] CliResult init(std::vector<std::string> flags) const {
    flags.insert(flags.begin(), {"init", db_});
    return run_cli(flags);
  }

  std::string write_schema(std::string_view name, std::string_view sql) {
    write_file(directory_.file(name), sql);
    return directory_.file(name);
  }

  TempDir directory_;
  std::string db_ = directory_.file("app.db");
};

TEST_F(CliInit, MakesADatabaseAndLeavesItAloneTheSecondTime) {
  const CliResult first = init({});
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, db_ + " is ready: schema version 0, page size 4.0 KiB\n");
  const std::string before = read_file(db_);
  EXPECT_EQ(init({}).status, 0);
  EXPECT_EQ(read_file(db_), before);
  EXPECT_EQ(SqliteShell(db_).run("PRAGMA journal_mode"), "wal\n");
}

TEST_F(CliInit, RunsTheSchemaFilesInTheirOrderOnce) {
  const std::string one = write_schema("1_note.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);");
  const std::string two = write_schema("2_title.sql", "ALTER TABLE note ADD COLUMN title TEXT;");
  const Json first = Json::parse(init({"--schema", one, "--json"}).out);
  EXPECT_EQ(first.at("schema_version"), 1);
  EXPECT_EQ(first.at("schema_changed"), true);
  const Json both = Json::parse(init({"--schema", one, "--schema", two, "--json"}).out);
  EXPECT_EQ(both.at("schema_version"), 2);
  EXPECT_EQ(both.at("schema_changed"), true);
  const Json again = Json::parse(init({"--schema", one, "--schema", two, "--json"}).out);
  EXPECT_EQ(again.at("schema_version"), 2);
  EXPECT_EQ(again.at("schema_changed"), false);

  const CliResult older = init({"--schema", one, "--json"});
  EXPECT_EQ(older.status, 3);
  EXPECT_EQ(error_of(older).at("code"), "DB_SCHEMA_TOO_NEW");
}

TEST_F(CliInit, SaysWhichPageSizesThereAre) {
  const CliResult result = init({"--page-size", "777"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.err,
            "turnstile: '777' is no size for --page-size\n"
            "hint: Write a power of two from 512 to 65536, such as 4096.\n");
  EXPECT_FALSE(std::filesystem::exists(db_));
  for (const std::string wrong : {"511", "65537", "0", "4k"})
    EXPECT_EQ(init({"--page-size", wrong}).status, 3) << wrong;
  EXPECT_EQ(init({"--page-size", "65536"}).status, 0);
}

TEST_F(CliInit, KeepsNothingOfASchemaThatFails) {
  const std::string one = write_schema("1_note.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);");
  const std::string bad = write_schema("2_bad.sql", "CREATE TABL wrong(a);");
  const CliResult result = init({"--schema", one, "--schema", bad});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("schema step 2 (2_bad) failed"));
  EXPECT_EQ(run_cli({"query", db_, "SELECT count(*) AS n FROM sqlite_schema", "--json"}).out,
            "[{\"n\":0}]\n");
}

TEST_F(CliInit, SaysWhichSchemaFileIsMissing) {
  const CliResult result = init({"--schema", directory_.file("nowhere.sql")});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("nowhere.sql"));
  EXPECT_FALSE(std::filesystem::exists(db_));
}

TEST_F(CliInit, SetsThePageSizeOfANewFileAndWarnsForAnOldOne) {
  const Json made = Json::parse(init({"--page-size", "8192", "--json"}).out);
  EXPECT_EQ(made.at("page_size_bytes"), 8192);
  const CliResult other = init({"--page-size", "4096", "--json"});
  EXPECT_EQ(other.status, 0);
  EXPECT_EQ(Json::parse(other.out).at("page_size_bytes"), 8192);
  EXPECT_EQ(Json::parse(other.err).at("warning").at("code"), "PAGE_SIZE_KEPT");
  for (const char* wrong : {"0", "-4096", "1000", "131072", "4k", ""})
    EXPECT_EQ(init({"--page-size", wrong}).status, 3) << wrong;
}

TEST_F(CliInit, WantsADirectoryThatExists) {
  const CliResult result = run_cli({"init", directory_.file("nowhere/app.db"), "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DB_NO_DIRECTORY");
}

class CliInfo : public CliTest {};

TEST_F(CliInfo, TellsHowTheDatabaseIsSetUp) {
  const CliResult result = run_cli({"info", db_, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const Json info = Json::parse(result.out);
  EXPECT_EQ(info.at("path"), db_);
  EXPECT_EQ(info.at("schema_version"), 0);
  EXPECT_EQ(info.at("page_size_bytes"), 4096);
  EXPECT_EQ(info.at("file_bytes"), std::filesystem::file_size(db_));
  EXPECT_GE(info.at("wal_bytes"), 0);
  EXPECT_GE(info.at("free_pages"), 0);
  EXPECT_EQ(info.at("pool").at("connections"), 2);
  EXPECT_THAT(info.at("engine").at("version").get<std::string>(), StartsWith("3."));

  std::vector<std::string> phases;
  for (const Json& phase : info.at("phases")) {
    phases.push_back(phase.at("name").get<std::string>());
    EXPECT_GE(phase.at("duration_ms"), 0);
    EXPECT_TRUE(phase.at("detail").is_string());
  }
  EXPECT_THAT(phases, ElementsAre("locate", "gate", "initialise", "migrate", "pool", "start"));
  const Json journal = info.at("settings").at(0);
  EXPECT_EQ(journal, Json::parse(R"({"name": "journal_mode", "asked": "wal", "in_force": "wal"})"));
}

TEST_F(CliInfo, PrintsTheSameForPeople) {
  const CliResult result = run_cli({"info", db_});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("path            " + db_ + "\n"));
  EXPECT_THAT(result.out, HasSubstr("journal_mode        wal      wal\n"));
  EXPECT_THAT(result.out, HasSubstr("\nlocate "));
}

TEST_F(CliInfo, ShowsTheMetricsOfItsOwnProcess) {
  const Json metrics = Json::parse(run_cli({"info", db_, "--json"}).out).at("metrics");
  EXPECT_EQ(metrics.at("lanes").at(0).at("name"), "cli");
  EXPECT_EQ(metrics.at("lanes").at(0).at("write_wait").at("count"), 0);
  EXPECT_EQ(metrics.at("lanes").at(0).at("write_hold").at("max_ms"), 0.0);
  for (const char* key :
       {"engine_waits", "repaired_connections", "replaced_connections", "gate_bypasses"}) {
    EXPECT_EQ(metrics.at(key), 0) << key;
  }
  EXPECT_EQ(metrics.at("groups").at("commits"), 0);
  EXPECT_EQ(metrics.at("wal").at("last_checkpoint"), nullptr);
}

TEST_F(CliInfo, PrintsTheMetricsForCollectors) {
  const CliResult result = run_cli({"info", db_, "--metrics"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("# TYPE turnstile_lane_reads counter\n"));
  EXPECT_THAT(result.out, HasSubstr("turnstile_lane_writes_total{lane=\"cli\"} 0\n"));
  EXPECT_THAT(result.out, HasSubstr("\nturnstile_wal_file_bytes "));
  EXPECT_TRUE(result.out.ends_with("# EOF\n"));
}

TEST_F(CliInfo, MakesNoFile) {
  const CliResult result = run_cli({"info", directory_.file("nowhere.db")});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("nowhere.db"));
  EXPECT_THAT(result.err, HasSubstr("hint: Check the path; `turnstile init DB`"));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("nowhere.db")));
}

TEST_F(CliInfo, AnswersWhileSomebodyWrites) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  EXPECT_EQ(run_cli({"info", db_, "--timeout", "0ms"}).status, 0);
}

TEST_F(CliInfo, TellsDirectoriesAndOtherFilesFromDatabases) {
  const CliResult directory = run_cli({"info", directory_.path().string(), "--json"});
  EXPECT_EQ(directory.status, 3);
  EXPECT_EQ(error_of(directory).at("code"), "DB_IS_DIRECTORY");

  write_file(directory_.file("text.db"), std::string(5000, 'x'));
  const std::string path = directory_.file("text.db");
  const std::vector<std::vector<std::string>> runs = {{"info", path, "--json"},
                                                      {"exec", path, "DELETE FROM note", "--json"},
                                                      {"init", path, "--json"}};
  for (const std::vector<std::string>& arguments : runs) {
    const CliResult text = run_cli(arguments);
    EXPECT_EQ(text.status, 6);
    EXPECT_EQ(error_of(text).at("code"), "DB_NOT_A_DATABASE");
  }
  EXPECT_EQ(read_file(directory_.file("text.db")), std::string(5000, 'x'));
}

}  // namespace
}  // namespace turnstile::test
