// turnstile task: commands in queues, and what is said of them.
#include <signal.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/soon.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CliTask : public CliTest {
 protected:
  // Adds a task, and gives its number.
  std::string add(std::vector<std::string> words) {
    words.insert(words.begin(), {"task", "add", db_});
    const CliResult result = run_cli(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return lines_of(result.out).at(0);
  }
  CliResult task(std::vector<std::string> words) {
    words.insert(words.begin(), "task");
    words.insert(words.begin() + 2, db_);
    return run_cli(words);
  }
  Json show(const std::string& id) { return Json::parse(task({"show", id, "--json"}).out); }
  CliResult work_off() { return task({"work", "--until-empty"}); }
  // A command that says in a file that it runs.
  [[nodiscard]] std::string begun_file() const { return directory_.file("begun"); }
  [[nodiscard]] bool begun() const { return std::ifstream(begun_file()).good(); }

  static constexpr const char* kWaits = "echo > \"$0\"; exec sleep 600";
};

TEST_F(CliTask, RunsACommandAndKeepsWhatItPrinted) {
  const std::string id = add({"--", "printf", "%s-%s", "a b", "$HOME"});
  EXPECT_EQ(work_off().status, 0);
  const Json shown = show(id);
  EXPECT_EQ(shown.at("state"), "done");
  EXPECT_EQ(shown.at("result"), "a b-$HOME");
  EXPECT_EQ(Json::parse(shown.at("payload").get<std::string>()),
            Json({"printf", "%s-%s", "a b", "$HOME"}));
}

TEST_F(CliTask, TakesAnotherStatusThanZeroForAFailure) {
  const std::string id = add({"--max-attempts", "1", "--", "sh", "-c", "echo why >&2; exit 7"});
  const CliResult result = work_off();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("failed"));
  const Json shown = show(id);
  EXPECT_EQ(shown.at("state"), "failed");
  EXPECT_EQ(shown.at("error"), "the command ended with status 7\nwhy\n");
  EXPECT_EQ(shown.at("attempt_list").at(0).at("outcome"), "failed");
}

TEST_F(CliTask, TriesAgainUntilItSucceeds) {
  const std::string id =
      add({"--", "sh", "-c", "test -e \"$0\" || { touch \"$0\"; exit 1; }", begun_file()});
  EXPECT_EQ(work_off().status, 0);
  EXPECT_EQ(show(id).at("attempts"), 2);
}

TEST_F(CliTask, FailsWhereThereIsNoSuchProgram) {
  const std::string id = add({"--max-attempts", "1", "--", "no-such-program-anywhere"});
  EXPECT_EQ(work_off().status, 1);
  EXPECT_THAT(show(id).at("error").get<std::string>(), HasSubstr("no-such-program-anywhere"));
}

TEST_F(CliTask, EndsACommandWhoseTimeIsUp) {
  const std::string id = add({"--limit", "200ms", "--max-attempts", "1", "--", "sleep", "600"});
  EXPECT_EQ(work_off().status, 1);
  EXPECT_EQ(show(id).at("attempt_list").at(0).at("outcome"), "timed_out");
}

TEST_F(CliTask, KeepsTheEndOfALongOutput) {
  const std::string id = add({"--", "sh", "-c", "seq 1 100000"});
  EXPECT_EQ(work_off().status, 0);
  const auto result = show(id).at("result").get<std::string>();
  EXPECT_LE(result.size(), 65536U);
  EXPECT_TRUE(result.ends_with("99999\n100000\n"));
}

TEST_F(CliTask, RunsSeveralAtOnce) {
  // sleep: time between two looks, in a shell.
  const std::string script = "touch \"$0.$1\"; until test -e \"$0.$2\"; do sleep 0.01; done";
  add({"--", "sh", "-c", script, begun_file(), "a", "b"});
  add({"--", "sh", "-c", script, begun_file(), "b", "a"});
  EXPECT_EQ(task({"work", "--workers", "2", "--until-empty"}).status, 0);
}

TEST_F(CliTask, WorksOnlyForTheQueuesThatAreNamed) {
  const std::string mail = add({"--queue", "mail", "--", "true"});
  const std::string other = add({"--", "true"});
  EXPECT_EQ(task({"work", "--queue", "mail", "--until-empty"}).status, 0);
  EXPECT_EQ(show(mail).at("state"), "done");
  EXPECT_EQ(show(other).at("state"), "pending");
}

TEST_F(CliTask, TakesPriorityDelayAndOrder) {
  const std::string low = add({"--priority", "-1", "--", "true"});
  const std::string high = add({"--priority", "5", "--", "true"});
  const std::string late = add({"--delay", "200ms", "--priority", "9", "--", "true"});
  const std::string last = add({"--priority", "9", "--after", low, "--", "true"});
  const CliResult result = work_off();
  const auto place = [&](const std::string& id) { return result.out.find("task " + id + " "); };
  EXPECT_LT(place(high), place(low));
  EXPECT_LT(place(low), place(last));
  EXPECT_NE(place(late), std::string::npos);
}

TEST_F(CliTask, ListsByStateAndPage) {
  add({"--", "true"});
  work_off();
  add({"--", "true"});
  add({"--", "true"});
  const auto ids = [](const CliResult& result) {
    std::vector<int> numbers;
    for (const Json& each : Json::parse(result.out))
      numbers.push_back(each.at("id").get<int>());
    return numbers;
  };
  EXPECT_THAT(ids(task({"list", "--json"})), ElementsAre(3, 2, 1));
  EXPECT_THAT(ids(task({"list", "--state", "done", "--json"})), ElementsAre(1));
  EXPECT_THAT(ids(task({"list", "--limit", "1", "--before", "3", "--json"})), ElementsAre(2));
}

TEST_F(CliTask, RetriesAllThatFailed) {
  const std::string a = add({"--max-attempts", "1", "--", "false"});
  const std::string b = add({"--max-attempts", "1", "--", "false"});
  EXPECT_EQ(work_off().status, 1);
  EXPECT_EQ(task({"retry"}).status, 0);
  EXPECT_EQ(show(a).at("state"), "pending");
  EXPECT_EQ(show(b).at("state"), "pending");
  EXPECT_EQ(task({"retry"}).status, 1);
  EXPECT_EQ(task({"retry", a}).status, 1);
}

TEST_F(CliTask, CancelsACommandThatRunsInAnotherProcess) {
  const std::string id = add({"--", "sh", "-c", kWaits, begun_file()});
  CliRun worker({"task", "work", db_, "--until-empty"});
  ASSERT_TRUE(soon([this] { return begun(); }));
  EXPECT_EQ(task({"cancel", id}).status, 0);
  const CliResult result = worker.finish();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(show(id).at("state"), "cancelled");
  EXPECT_EQ(task({"cancel", id}).status, 1);
}

TEST_F(CliTask, CountsByQueue) {
  add({"--queue", "mail", "--", "true"});
  const Json stats = Json::parse(task({"stats", "--json"}).out);
  EXPECT_EQ(stats.at(0).at("queue"), "mail");
  EXPECT_EQ(stats.at(0).at("ready"), 1);
  EXPECT_EQ(stats.at(0).at("paused"), false);
}

TEST_F(CliTask, RemovesWhatIsFinished) {
  add({"--", "true"});
  work_off();
  EXPECT_EQ(Json::parse(task({"prune", "--keep", "0", "--json"}).out), Json({{"removed", 1}}));
}

TEST_F(CliTask, RefusesWhatItDoesNotUnderstand) {
  const auto refused = [&](const std::vector<std::string>& words) { return task(words).status; };
  EXPECT_EQ(refused({"add"}), 3);
  EXPECT_EQ(refused({"add", "--priority", "high", "--", "true"}), 3);
  EXPECT_EQ(refused({"add", "--max-attempts", "0", "--", "true"}), 3);
  EXPECT_EQ(refused({"add", "--delay", "soon", "--", "true"}), 3);
  EXPECT_EQ(refused({"add", "--queue", "", "--", "true"}), 3);
  EXPECT_EQ(refused({"add", "--", "echo", "\xff"}), 3);
  EXPECT_EQ(refused({"show", "x"}), 3);
  EXPECT_EQ(refused({"work", "--workers", "0"}), 3);
  EXPECT_EQ(refused({"retry", "1", "--queue", "q"}), 3);
  EXPECT_EQ(refused({"list", "--state", "odd"}), 3);
}

TEST_F(CliTask, SaysThatThereAreNone) {
  const CliResult result = task({"list"});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("has no tasks"));
  add({"--", "true"});
  EXPECT_EQ(task({"show", "9"}).status, 4);
  EXPECT_EQ(task({"cancel", "9"}).status, 4);
  EXPECT_EQ(task({"retry", "9"}).status, 4);
  EXPECT_EQ(task({"add", "--after", "9", "--", "true"}).status, 4);
}

// LIFE-05: the first interrupt stops gracefully: the command is ended and its task given back.
TEST_F(CliTask, GivesBackWhatRunsAtAnInterrupt) {
  const std::string id = add({"--max-attempts", "1", "--", "sh", "-c", kWaits, begun_file()});
  CliRun worker({"task", "work", db_});
  ASSERT_TRUE(soon([this] { return begun(); }));
  worker.process().signal(SIGINT);
  EXPECT_EQ(worker.process().wait(), 130);
  EXPECT_THAT(worker.finish().out, HasSubstr("interrupted"));
  const Json shown = show(id);
  EXPECT_EQ(shown.at("state"), "pending");
  EXPECT_EQ(shown.at("tries_left"), 1);
  EXPECT_EQ(shown.at("attempt_list").at(0).at("outcome"), "interrupted");
}

// LIFE-05: the second one ends the program at once, and the database is whole.
TEST_F(CliTask, EndsAtOnceAtASecondInterrupt) {
  const std::string id = add({"--", "sh", "-c",
                              "trap 'echo > \"$0.asked\"' TERM; echo > \"$0\";"
                              // sleep: time between two looks, in a shell.
                              " while test -e \"$0\"; do sleep 0.05; done",
                              begun_file()});
  CliRun worker({"task", "work", db_});
  ASSERT_TRUE(soon([this] { return begun(); }));
  worker.process().signal(SIGINT);
  ASSERT_TRUE(soon([this] { return std::ifstream(begun_file() + ".asked").good(); }));
  const auto start = std::chrono::steady_clock::now();
  worker.process().signal(SIGINT);
  EXPECT_EQ(worker.process().wait(), 130);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 1s * TURNSTILE_TEST_SLOWDOWN);
  EXPECT_EQ(show(id).at("state"), "running");
  EXPECT_EQ(run_cli({"checkpoint", db_}).status, 0);  // Takes the log away that it left.
  EXPECT_EQ(run_cli({"verify", db_}).status, 0);
}

TEST_F(CliTask, EndsAnIdleWorkerAtAnInterrupt) {
  add({"--", "true"});
  CliRun worker({"task", "work", db_});
  EXPECT_THAT(worker.process().read_line(), HasSubstr("task 1 done"));
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(), 130);
}

}  // namespace
}  // namespace turnstile::test
