#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/cli_test.h"
#include "support/place_of.h"
#include "support/soon.h"
#include "text.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kEndless =
    "INSERT INTO note(title, score) VALUES ('secret', (WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL "
    "SELECT i + 1 FROM c) SELECT max(i) FROM c))";

class CliTop : public CliTest {
 protected:
  [[nodiscard]] Json look() const {
    const CliResult result = run_cli({"top", db_, "--once", "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  }

  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST_F(CliTop, ShowsWhatAProcessDoes) {
  CliRun run({"exec", db_, std::string(kEndless)});
  ASSERT_TRUE(soon([&] {
    const Json processes = look().at("processes");
    return !processes.empty() && !processes.at(0).at("calls").empty() &&
           processes.at(0).at("calls").at(0).at("sql").is_string();
  }));
  const Json view = look();
  const Json process = view.at("processes").at(0);
  EXPECT_EQ(process.at("pid"), run.process().pid());
  EXPECT_EQ(process.at("program"), "turnstile");
  EXPECT_EQ(process.at("writer"), "writing");
  const Json call = process.at("calls").at(0);
  EXPECT_EQ(call.at("kind"), "write");
  EXPECT_EQ(call.at("lane"), "cli");
  EXPECT_EQ(call.at("thread"), run.process().pid());
  EXPECT_GE(call.at("since_ms"), 0);
  EXPECT_THAT(call.at("sql").get<std::string>(), HasSubstr("VALUES (?, (WITH RECURSIVE"));
  EXPECT_EQ(view.at("lanes").at(0).at("name"), "cli");
  const auto& locks = view.at("locks");
  EXPECT_TRUE(std::any_of(locks.begin(), locks.end(),
                          [](const Json& lock) { return lock.at("lock") == "WRITE"; }));
  EXPECT_GT(view.at("file_bytes"), 0);
}

TEST_F(CliTop, CountsWhoWaits) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  CliRun run({"exec", db_, "DELETE FROM note", "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return look().at("totals").at("waiting_writes") == 1; }));
  const Json view = look();
  EXPECT_EQ(view.at("processes").at(0).at("writer"), "lock");
  EXPECT_EQ(view.at("processes").at(0).at("waiting_writes"), 1);
  EXPECT_EQ(view.at("strangers"), Json({{{"pid", shell.pid()}, {"program", "sqlite3"}}}));
  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(run.finish().status, 0);
}

TEST_F(CliTop, ShowsQueuesAndSchedulesWhileSomebodyHasTheDatabaseOpen) {
  ASSERT_EQ(run_cli({"task", "add", db_, "--queue", "mail", "--", "true"}).status, 0);
  ASSERT_EQ(run_cli({"cron", "add", db_, "nightly", "0 3 * * *", "--", "true"}).status, 0);
  EXPECT_EQ(look().at("no_queues_because"), "nobody has the database open");
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN; SELECT count(*) FROM note"), "0\n");
  const Json view = look();
  EXPECT_EQ(view.at("no_queues_because"), nullptr);
  EXPECT_EQ(view.at("queues").at(0).at("queue"), "mail");
  EXPECT_EQ(view.at("queues").at(0).at("ready"), 1);
  EXPECT_EQ(view.at("jobs").at(0).at("name"), "nightly");
  EXPECT_TRUE(view.at("jobs").at(0).at("next_run").is_string());
}

TEST_F(CliTop, FitsInto80Columns) {
  exec("INSERT INTO note(title) VALUES ('x')");
  ASSERT_EQ(run_cli({"task", "add", db_, "--queue", std::string(70, 'q'), "--", "true"}).status, 0);
  ASSERT_EQ(run_cli({"cron", "add", db_, std::string(70, 'c'), "0 3 * * *", "--", "true"}).status,
            0);
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  CliRun run({"exec", db_, std::string(kEndless), "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return look().at("totals").at("waiting_writes") == 1; }));
  const CliResult result = run_cli({"top", db_, "--once"});
  EXPECT_EQ(result.status, 0) << result.err;
  for (const std::string& line : lines_of(result.out))
    EXPECT_LE(cli::display_width(line), 80U) << line;
  for (const std::string heading : {"LANE", "PROGRAM", "LOCK", "QUEUE", "SCHEDULE"})
    EXPECT_THAT(result.out, HasSubstr(heading));
  EXPECT_THAT(result.out, HasSubstr("WRITE "));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

TEST_F(CliTop, GivesOneObjectALine) {
  CliRun run({"top", db_, "--json", "--interval", "100ms"});
  const Json first = Json::parse(run.process().read_line());
  const Json second = Json::parse(run.process().read_line());
  EXPECT_LT(first.at("time"), second.at("time"));
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(result.err, "");
}

// A terminal of its own: what is drawn is drawn in place, and taken back at the end.
TEST_F(CliTop, LeavesTheTerminalAsItWas) {
  const std::string before = directory_.file("before");
  const std::string after = directory_.file("after");
  ChildProcess terminal({"script", "-q", "-c",
                         "stty cols 80 rows 24; stty -g >" + before + "; trap : INT; " +
                             place_of::cli() + " top " + db_ +
                             " --interval 100ms; echo status=$?; stty -g >" + after,
                         "/dev/null"});
  std::string seen;
  const auto looks = [&] {
    std::size_t count = 0;
    for (std::size_t at = seen.find("\x1b[H"); at != seen.npos; at = seen.find("\x1b[H", at + 1))
      ++count;
    return count;
  };
  while (looks() < 3)
    seen += terminal.read_line() + "\n";
  terminal.send("\x03");  // Ctrl-C
  for (auto line = terminal.next_line(); line; line = terminal.next_line())
    seen += *line + "\n";
  EXPECT_THAT(seen, HasSubstr("status=130"));
  EXPECT_THAT(seen, HasSubstr("\x1b[?1049h\x1b[?25l"));
  EXPECT_THAT(seen, Not(HasSubstr("\x1b[2J")));
  const std::size_t end = seen.find("\x1b[?25h\x1b[?1049l");
  ASSERT_NE(end, seen.npos) << seen;
  EXPECT_EQ(seen.find("\x1b[H", end), seen.npos);
  EXPECT_NE(content(before), "");
  EXPECT_EQ(content(before), content(after));
}

// A terminal that knows no escape sequences gets lines, as a pipe does.
TEST_F(CliTop, WritesLinesWhereTheTerminalCannotBeDrawnOn) {
  ChildProcess terminal({"script", "-q", "-c",
                         "TERM=dumb " + place_of::cli() + " top " + db_ + " --interval 100ms",
                         "/dev/null"});
  std::string seen = terminal.read_line();
  terminal.send("\x03");  // Ctrl-C
  for (auto line = terminal.next_line(); line; line = terminal.next_line())
    seen += *line + "\n";
  EXPECT_THAT(seen, HasSubstr("app.db"));
  EXPECT_THAT(seen, Not(HasSubstr("\x1b")));
}

TEST_F(CliTop, MakesNoFile) {
  const std::string path = directory_.file("plain.db");
  std::ofstream(path).close();
  ASSERT_EQ(run_cli({"top", path, "--once"}).status, 0);
  for (const std::string side : {"-wal", "-shm", "-gate", "-journal"})
    EXPECT_FALSE(std::filesystem::exists(path + side)) << side;
}

TEST_F(CliTop, SaysWhatIsWrongWithItsWords) {
  const CliResult missing = run_cli({"top", directory_.file("nowhere.db"), "--once", "--json"});
  EXPECT_EQ(missing.status, 4);
  EXPECT_EQ(error_of(missing).at("code"), "DB_NOT_FOUND");
  const CliResult fast = run_cli({"top", db_, "--interval", "1ms", "--json"});
  EXPECT_EQ(fast.status, 3);
  EXPECT_EQ(error_of(fast).at("code"), "USAGE");
}

}  // namespace
}  // namespace turnstile::test
