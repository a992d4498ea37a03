#include "turnstile/doctor.h"

#include <filesystem>

#include "cli/cli_test.h"
#include "doctor/findings.h"
#include "support/files.h"
#include "support/pages.h"
#include "support/raw_sqlite.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

DoctorReport one_of_each() {
  Finding pass{.id = "header", .title = "it is a SQLite database"};
  Finding skip{.id = "embeddings", .status = CheckStatus::Skip, .title = "nothing to compare"};
  Finding warn{.id = "sidecars",
               .status = CheckStatus::Warn,
               .title = "a log was left",
               .evidence = {"1 page"},
               .cure = "Open it.",
               .cause = "recovery-after-crash",
               .fix = "open it once"};
  Finding fail{.id = "integrity", .status = CheckStatus::Fail, .title = "the file is damaged"};
  return {.path = "app.db", .findings = {pass, skip, warn, fail}};
}

// DOC-01: one finding of each status, and what each is made of.
TEST(Findings, AreWrittenAsJson) {
  const auto json = cli::to_json(one_of_each(), {});
  EXPECT_EQ(json.dump(),
            R"({"path":"app.db","findings":[)"
            R"({"id":"header","severity":"pass","title":"it is a SQLite database","evidence":[],)"
            R"("cure":null,"cause":null,"fixable":false,"fix":null},)"
            R"({"id":"embeddings","severity":"skip","title":"nothing to compare","evidence":[],)"
            R"("cure":null,"cause":null,"fixable":false,"fix":null},)"
            R"({"id":"sidecars","severity":"warn","title":"a log was left","evidence":["1 page"],)"
            R"("cure":"Open it.","cause":"recovery-after-crash","fixable":true,)"
            R"("fix":"open it once"},)"
            R"({"id":"integrity","severity":"fail","title":"the file is damaged","evidence":[],)"
            R"("cure":null,"cause":null,"fixable":false,"fix":null}],)"
            R"("summary":{"pass":1,"skip":1,"warn":1,"fail":1},"fixed":[]})");
}

// DOC-01: the worst finding decides the exit status.
TEST(Findings, DecideTheExitStatus) {
  DoctorReport report = one_of_each();
  EXPECT_EQ(cli::exit_code_of(report), cli::ExitCode::Findings);
  report.findings.pop_back();
  EXPECT_EQ(cli::exit_code_of(report), cli::ExitCode::No);
  report.findings.pop_back();
  EXPECT_EQ(cli::exit_code_of(report), cli::ExitCode::Done);
}

// DOC-01: as text, in columns.
TEST(Findings, AreWrittenInLinesThatAlign) {
  testing::internal::CaptureStdout();
  cli::Output output;
  cli::print(one_of_each(), {{"location", "made the directory"}}, output);
  output.flush();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "fixed location    made the directory\n"
            "pass  header      it is a SQLite database\n"
            "skip  embeddings  nothing to compare\n"
            "warn  sidecars    a log was left\n"
            "                  1 page\n"
            "                  cure: Open it.\n"
            "                  see: turnstile explain recovery-after-crash\n"
            "                  --fix would open it once\n"
            "fail  integrity   the file is damaged\n"
            "app.db: 1 passed, 1 skipped, 1 warnings, 1 failures\n");
}

class CliDoctor : public CliTest {
 protected:
  [[nodiscard]] static Json finding(const CliResult& result, const std::string& id) {
    const Json report = Json::parse(result.out);
    for (const Json& each : report.at("findings"))
      if (each.at("id") == id) return each;
    return Json::object();
  }
  void leave_a_log() const {
    SqliteShell shell(db_);
    shell.run("INSERT INTO note(title) VALUES ('left')");
    shell.process().kill();
  }
};

TEST_F(CliDoctor, FindsNothingWrongWithAHealthyDatabase) {
  const CliResult result = run_cli({"doctor", db_, "--json"});
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_EQ(Json::parse(result.out).at("summary").at("warn"), 0);
}

TEST_F(CliDoctor, PrintsLinesThatFitATerminal) {
  leave_a_log();
  const CliResult result = run_cli({"doctor", db_});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("\nwarn  sidecars "));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("\x1b")));
}

TEST_F(CliDoctor, FailsWithADamagedFile) {
  write_file(db_, "no database");
  const CliResult result = run_cli({"doctor", db_, "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(finding(result, "header").at("severity"), "fail");
}

// What docs/guide/operations.md has for every day.
TEST_F(CliDoctor, RaisesTheAlarmOfTheGuideWhenThereIsAReason) {
  const auto blocks = blocks_of(read_source("docs/guide/operations.md"), "sh");
  ASSERT_EQ(blocks.size(), 1U);
  const auto said = [&] {
    return run_in_shell(directory_.path().string(), "alarm() { echo alarm; }\n" + blocks[0]).output;
  };
  EXPECT_EQ(said(), "");
  leave_a_log();
  EXPECT_EQ(said(), "");
  write_file(db_, "no database");
  EXPECT_EQ(said(), "alarm\n");
  std::filesystem::remove(db_);
  EXPECT_EQ(said(), "alarm\n");
}

TEST_F(CliDoctor, TakesAUri) {
  EXPECT_EQ(run_cli({"doctor", "file:" + db_}).status, 0);
}

// DOC-09: what is fixed is said.
TEST_F(CliDoctor, FixesWhatItMay) {
  leave_a_log();
  const CliResult result = run_cli({"doctor", db_, "--fix", "--yes", "--json"});
  EXPECT_EQ(finding(result, "sidecars").at("severity"), "pass");
  const Json fixed = Json::parse(result.out).at("fixed");
  ASSERT_EQ(fixed.size(), 1U);
  EXPECT_EQ(fixed[0].at("id"), "sidecars");
  EXPECT_EQ(ask("SELECT title FROM note"), "left");
}

// The log of another database, which has the same page size and none of the first pages.
TEST_F(CliDoctor, FixesNothingWithALogThatIsNotTheFilesOwn) {
  const std::string rows =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 240) ";
  // Several rows a page here and one there, so that pages of the other file do not fit in.
  run_raw(db_, rows + "INSERT INTO note(title) SELECT hex(zeroblob(400)) FROM n");
  const std::string other = directory_.file("other.db");
  run_raw(other, "PRAGMA journal_mode=wal; CREATE TABLE big(id INTEGER PRIMARY KEY, data); " +
                     rows + "INSERT INTO big SELECT i, zeroblob(3500) FROM n");
  {
    SqliteShell shell(other);
    shell.run("UPDATE big SET data = randomblob(3500) WHERE id BETWEEN 23 AND 28");
    shell.process().kill();
  }
  std::filesystem::copy_file(other + "-wal", db_ + "-wal");
  const std::string before = fingerprint(db_);
  const CliResult result = run_cli({"doctor", db_, "--fix", "--yes", "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(finding(result, "sidecars").at("cause"), "leftover-log");
  EXPECT_EQ(Json::parse(result.out).at("fixed"), Json::array());
  EXPECT_EQ(fingerprint(db_), before);
}

// DOC-09: nobody is there to be asked.
TEST_F(CliDoctor, FixesNothingWithoutBeingToldTo) {
  leave_a_log();
  const std::string before = fingerprint(db_ + "-wal");
  const CliResult result = run_cli({"doctor", db_, "--fix"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("--yes"));
  EXPECT_EQ(fingerprint(db_ + "-wal"), before);
}

// DOC-09: a damaged database.
TEST_F(CliDoctor, LeavesADamagedDatabaseAlone) {
  write_file(db_, "no database");
  const CliResult result = run_cli({"doctor", db_, "--fix", "--yes", "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(finding(result, "header").at("fixable"), false);
  EXPECT_EQ(Json::parse(result.out).at("fixed"), Json::array());
  EXPECT_EQ(read_file(db_), "no database");
}

TEST_F(CliDoctor, ComparesAnEmbedding) {
  ASSERT_EQ(run_cli({"vec", "create", db_, "notes", "--dim", "128"}).status, 0);
  EXPECT_EQ(run_cli({"doctor", db_, "--embedding", "notes=128"}).status, 0);
  const CliResult result = run_cli({"doctor", db_, "--embedding", "notes=768", "--json"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(finding(result, "embeddings").at("severity"), "fail");
}

TEST_F(CliDoctor, RefusesAnEmbeddingWithoutANumber) {
  for (const char* wrong : {"notes", "notes=", "=3", "notes=many"})
    EXPECT_EQ(run_cli({"doctor", db_, "--embedding", wrong}).status, 3) << wrong;
}

}  // namespace
}  // namespace turnstile::test
