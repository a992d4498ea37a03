#include <csignal>
#include <string>

#include "cli/cli_test.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;

constexpr const char* kTime = "20[0-9-]+T[0-9:.]+Z";

class CliWatch : public CliTest {
 protected:
  // A run that has begun to watch: its standard error, which says so, is the test's to read.
  static ChildProcess start(std::vector<std::string> arguments) {
    std::vector<std::string> words{
        "sh",   "-c", "exec env --default-signal=INT,TERM,HUP \"$@\" 2>&1", "sh", place_of::cli(),
        "watch"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    ChildProcess run(std::move(words));
    EXPECT_THAT(run.read_line(), HasSubstr("watching"));
    return run;
  }
};

TEST_F(CliWatch, PrintsALineForACommitOfAnotherProcess) {
  ChildProcess run = start({db_});
  exec("INSERT INTO note(title) VALUES ('x')");
  EXPECT_THAT(run.read_line(), MatchesRegex(std::string(kTime) + "  1 commit  note"));
}

TEST_F(CliWatch, PrintsALineForACommitOfAStranger) {
  ChildProcess run = start({db_, "note"});
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("INSERT INTO note(title) VALUES ('x')"), "");
  EXPECT_THAT(run.read_line(), MatchesRegex(std::string(kTime) + "  1 commit  tables not known"));
}

TEST_F(CliWatch, PrintsOnlyCommitsThatTouchTheTables) {
  exec("CREATE TABLE tag(name TEXT); CREATE TABLE other(x)");
  ChildProcess run = start({db_, "tag", "NOTE"});
  exec("INSERT INTO other VALUES (1)");
  exec("INSERT INTO tag VALUES ('x'); INSERT INTO note(title) VALUES ('x')");
  EXPECT_THAT(run.read_line(), MatchesRegex(std::string(kTime) + "  1 commit  NOTE tag"));
}

TEST_F(CliWatch, PrintsOneObjectALineWithJson) {
  ChildProcess run = start({db_, "--json"});
  exec("INSERT INTO note(title) VALUES ('x')");
  const Json line = Json::parse(run.read_line());
  EXPECT_EQ(line.at("commits"), 1);
  EXPECT_THAT(line.at("tables"), ElementsAre("note"));
  EXPECT_THAT(line.at("time").get<std::string>(), MatchesRegex(kTime));
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("INSERT INTO note(title) VALUES ('y')"), "");
  EXPECT_TRUE(Json::parse(run.read_line()).at("tables").is_null());
}

TEST_F(CliWatch, PrintsNoLineTwice) {
  ChildProcess run = start({db_, "--json"});
  constexpr int kCommits = 50;
  SqliteShell shell(db_);
  for (int i = 0; i < kCommits; ++i)
    ASSERT_EQ(shell.run("INSERT INTO note(title) VALUES ('x')"), "");
  exec("CREATE TABLE fence(x)");
  int commits = 0;
  while (commits < kCommits + 1)
    commits += Json::parse(run.read_line()).at("commits").get<int>();
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
  EXPECT_EQ(commits, kCommits + 1);
  EXPECT_EQ(run.read_all(), "");
}

TEST_F(CliWatch, EndsWith130AtASignal) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ChildProcess run = start({db_});
    run.signal(signal);
    EXPECT_EQ(run.wait(patience(5s)), 130);
    EXPECT_EQ(run.read_all(), "");
  }
}

TEST_F(CliWatch, RefusesATableThatIsNotThere) {
  const CliResult result = run_cli({"watch", db_, "nota"});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("there is no table 'nota'\nhint: Did you mean note?"));
  EXPECT_EQ(result.out, "");
}

TEST_F(CliWatch, RefusesAFileThatIsNotThere) {
  EXPECT_EQ(run_cli({"watch", directory_.file("nothing.db")}).status, 4);
}

}  // namespace
}  // namespace turnstile::test
