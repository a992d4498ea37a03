#include <csignal>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class CliCron : public CliTest {
 protected:
  CliResult cron(std::vector<std::string> words) const {
    words.insert(words.begin(), "cron");
    return run_cli(words);
  }
  CliResult must(std::vector<std::string> words) const {
    CliResult result = cron(std::move(words));
    EXPECT_EQ(result.status, 0) << result.err;
    return result;
  }
  Json json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    return Json::parse(must(std::move(words)).out);
  }
  // A job that is due at once, and only once.
  void add_due(const std::string& name, std::vector<std::string> what) const {
    std::vector<std::string> words{"add", db_, name, "@at 2020-01-01"};
    words.insert(words.end(), what.begin(), what.end());
    (void)must(std::move(words));
  }
};

TEST_F(CliCron, AddsAJobAndSaysWhenItIsDue) {
  const CliResult result =
      must({"add", db_, "backup", "@at 2100-07-01 12:00", "--zone", "Europe/Berlin", "--", "true"});
  EXPECT_EQ(result.out, "backup: next run 2100-07-01T12:00:00+02:00\n");
}

TEST_F(CliCron, ListsWhatWasAdded) {
  (void)must({"add",
              db_,
              "tidy",
              "0 3 * * SUN",
              "--zone",
              "Europe/Berlin",
              "--missed",
              "all",
              "--missed-limit",
              "7",
              "--overlap",
              "queue",
              "--job-timeout",
              "10m",
              "--jitter",
              "30s",
              "--",
              "find",
              ".",
              "-name",
              "*.tmp"});
  const Json jobs = json({"list", db_});
  ASSERT_THAT(jobs, SizeIs(1));
  const Json& job = jobs[0];
  EXPECT_EQ(job["name"], "tidy");
  EXPECT_EQ(job["schedule"], "0 3 * * SUN");
  EXPECT_EQ(job["zone"], "Europe/Berlin");
  EXPECT_EQ(job["kind"], "shell");
  EXPECT_EQ(Json::parse(job["payload"].get<std::string>()),
            Json::parse(R"(["find", ".", "-name", "*.tmp"])"));
  EXPECT_EQ(job["missed"], "all");
  EXPECT_EQ(job["missed_limit"], 7);
  EXPECT_EQ(job["overlap"], "queue");
  EXPECT_EQ(job["timeout_ms"], 600'000);
  EXPECT_EQ(job["jitter_ms"], 30'000);
  EXPECT_EQ(job["enabled"], true);
  EXPECT_EQ(job["last_run"], nullptr);
  EXPECT_THAT(must({"list", db_}).out, AllOf(HasSubstr("next run"), HasSubstr("tidy")));
}

TEST_F(CliCron, ChangesAJobOfTheSameName) {
  (void)must({"add", db_, "a", "@daily", "--sql", "SELECT 1"});
  const Json before = json({"list", db_})[0];
  (void)must({"add", db_, "a", "@daily", "--sql", "SELECT 2"});
  const Json after = json({"list", db_});
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0]["id"], before["id"]);
  EXPECT_EQ(after[0]["next_run"], before["next_run"]);
  EXPECT_EQ(after[0]["payload"], "SELECT 2");
}

TEST_F(CliCron, NeedsAProgramOrSql) {
  EXPECT_EQ(cron({"add", db_, "a", "@daily"}).status, 3);
  EXPECT_EQ(cron({"add", db_, "a", "@daily", "--sql", "SELECT 1", "--", "true"}).status, 3);
}

TEST_F(CliCron, RefusesAnExpressionWithThePlace) {
  const CliResult result = cron({"add", db_, "a", "0 25 * * *", "--", "true"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("hour '25' at character 3 of '0 25 * * *'"));
  EXPECT_THAT(result.err, HasSubstr("An hour is 0 to 23"));
}

TEST_F(CliCron, RefusesAZoneWithTheOneThatWasMeant) {
  const CliResult result = cron({"next", "@daily", "--zone", "Europe/Berln"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("Did you mean Europe/Berlin?"));
}

TEST_F(CliCron, TellsWhenAnExpressionIsDueWithoutADatabase) {
  EXPECT_EQ(
      must({"next", "30 2 * * *", "--zone", "Europe/Berlin", "--from", "2026-03-28", "-n", "3"})
          .out,
      "2026-03-28T02:30:00+01:00\n2026-03-29T03:00:00+02:00\n2026-03-30T02:30:00+02:00\n");
  EXPECT_EQ(
      json({"next", "30 2 * * *", "--zone", "Europe/Berlin", "--from", "2026-03-28", "-n", "2"}),
      Json::parse(R"(["2026-03-28T01:30:00.000000Z", "2026-03-29T01:00:00.000000Z"])"));
}

TEST_F(CliCron, TellsWhenAnExpressionIsDueNoMore) {
  const CliResult result = cron({"next", "@at 2020-01-01"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
}

TEST_F(CliCron, PausesResumesAndRemoves) {
  (void)must({"add", db_, "a", "@daily", "--sql", "SELECT 1"});
  (void)must({"pause", db_, "a"});
  EXPECT_EQ(json({"list", db_})[0]["enabled"], false);
  EXPECT_THAT(json({"list", db_, "--enabled"}), IsEmpty());
  (void)must({"resume", db_, "a"});
  EXPECT_THAT(json({"list", db_, "--enabled"}), SizeIs(1));
  (void)must({"remove", db_, "a"});
  EXPECT_THAT(json({"list", db_}), IsEmpty());
}

TEST_F(CliCron, PrintsWhatItChangedAsOneJsonValue) {
  const Json added = json({"add", db_, "a", "@daily", "--sql", "SELECT 1"});
  const Json paused = json({"pause", db_, "a"});
  EXPECT_EQ(paused["id"], added["id"]);
  EXPECT_EQ(paused["enabled"], false);
  EXPECT_EQ(paused, json({"list", db_})[0]);
  const Json resumed = json({"resume", db_, "a"});
  EXPECT_EQ(resumed, json({"list", db_})[0]);
  EXPECT_EQ(json({"remove", db_, "a"}), Json::parse(R"({"name": "a"})"));
}

TEST_F(CliCron, SaysNothingOfAChangeToPeople) {
  (void)must({"add", db_, "a", "@daily", "--sql", "SELECT 1"});
  for (const std::string command : {"pause", "resume", "remove"})
    EXPECT_EQ(must({command, db_, "a"}).out, "") << command;
}

TEST_F(CliCron, NamesTheJobThatWasMeant) {
  (void)must({"add", db_, "backup", "@daily", "--sql", "SELECT 1"});
  for (const std::string command : {"pause", "resume", "remove", "history"}) {
    const CliResult result = cron({command, db_, "bakup"});
    EXPECT_EQ(result.status, 4) << command;
    EXPECT_THAT(result.err, HasSubstr("Did you mean backup?")) << command;
  }
}

// What only looks makes no tables.
TEST_F(CliCron, FindsNoJobsInADatabaseWithoutAny) {
  EXPECT_EQ(must({"list", db_}).out, "no jobs\n");
  EXPECT_EQ(must({"history", db_}).out, "no runs\n");
  EXPECT_EQ(cron({"pause", db_, "a"}).status, 4);
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'cron%'"), 0);
}

TEST_F(CliCron, RunsWhatIsDueOnce) {
  const std::string file = directory_.file("told");
  add_due("program",
          {"--", "sh", "-c", "echo $TURNSTILE_JOB $TURNSTILE_DUE > " + file + "; echo hi"});
  add_due("sql", {"--sql", "INSERT INTO note(title) VALUES ('from cron')"});
  const CliResult result = must({"run", db_, "--once"});
  EXPECT_EQ(read_file(file), "program 2020-01-01T00:00:00.000000Z\n");
  EXPECT_EQ(ask("SELECT title FROM note"), "from cron");
  EXPECT_THAT(result.out, AllOf(HasSubstr("program  running"), HasSubstr("program  done"),
                                HasSubstr("sql  done")));
  EXPECT_EQ(json({"history", db_, "program"})[0]["text"], "hi");
}

TEST_F(CliCron, EndsWithOneWhenARunFailed) {
  add_due("bad", {"--", "sh", "-c", "echo oh no >&2; exit 3"});
  const CliResult result = cron({"run", db_, "--once", "--json"});
  EXPECT_EQ(result.status, 1);
  const auto lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(Json::parse(lines[0])["status"], "running");
  EXPECT_EQ(Json::parse(lines[1])["status"], "failed");
  EXPECT_EQ(Json::parse(lines[1])["text"], "exit status 3: oh no");
}

TEST_F(CliCron, SaysThatAProgramIsNotThere) {
  add_due("lost", {"--", "no-such-program"});
  EXPECT_EQ(cron({"run", db_, "--once"}).status, 1);
  EXPECT_THAT(json({"history", db_})[0]["text"].get<std::string>(), HasSubstr("no-such-program"));
}

TEST_F(CliCron, StopsProgramsThatTakeTooLong) {
  add_due("slow", {"--job-timeout", "100ms", "--", "sleep", "60"});
  EXPECT_EQ(cron({"run", db_, "--once"}).status, 1);
  EXPECT_EQ(json({"history", db_})[0]["status"], "timed_out");
}

TEST_F(CliCron, EndsWithCtrlCAndTheRunsWithIt) {
  add_due("long", {"--", "sleep", "60"});
  CliRun run({"cron", "run", db_});
  EXPECT_THAT(run.process().read_line(), HasSubstr("long  running"));
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130);
  EXPECT_THAT(result.out, HasSubstr("long  interrupted"));
  EXPECT_EQ(json({"history", db_})[0]["status"], "interrupted");
}

TEST_F(CliCron, EndsAtTheTimeThatIsGiven) {
  EXPECT_EQ(must({"run", db_, "--until", "2020-01-01"}).out, "");
}

// A scheduler that runs hears of jobs and pauses that other processes make.
TEST_F(CliCron, RunsJobsThatAreAddedMeanwhile) {
  CliRun run({"cron", "run", db_});
  add_due("late", {"--", "sleep", "60"});
  EXPECT_THAT(run.process().read_line(), HasSubstr("late  running"));
  (void)must({"pause", db_, "late"});
  EXPECT_THAT(run.process().read_line(), HasSubstr("late  cancelled"));
  run.process().signal(SIGTERM);
  EXPECT_EQ(run.finish().status, 130);
}

}  // namespace
}  // namespace turnstile::test
