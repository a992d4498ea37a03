#include <algorithm>
#include <csignal>

#include "cli/cli_test.h"
#include "support/soon.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

class CliLocks : public CliTest {
 protected:
  [[nodiscard]] Json locks() const {
    const CliResult result = run_cli({"locks", db_, "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  }

  [[nodiscard]] Json find(const std::string& lock) const {
    for (const Json& entry : locks())
      if (entry.at("lock") == lock) return entry;
    return Json::object();
  }
};

TEST_F(CliLocks, TellsThatThereAreNone) {
  const CliResult result = run_cli({"locks", db_});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "no locks\n");
  EXPECT_EQ(locks(), Json::array());
}

TEST_F(CliLocks, NamesAForeignProgram) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const Json lock = find("WAL write lock");
  EXPECT_EQ(lock, Json({{"lock", "WAL write lock"},
                        {"kind", "write"},
                        {"pid", shell.pid()},
                        {"program", "sqlite3"},
                        {"thread", nullptr},
                        {"lane", nullptr},
                        {"since_ms", nullptr},
                        {"sql", nullptr},
                        {"waiters", Json::array()}}));
  const CliResult table = run_cli({"locks", db_});
  EXPECT_THAT(table.out, HasSubstr("WAL write lock"));
  EXPECT_THAT(table.out, HasSubstr(std::to_string(shell.pid()) + "  sqlite3"));
}

TEST_F(CliLocks, NamesTheLaneAndThoseWhoWaitForTheTurn) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  // The first one has the turn and waits for the shell; the second waits for the turn.
  CliRun first({"exec", db_, "DELETE FROM note", "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return find("writer turn")["lane"] == "cli"; }));
  CliRun second({"exec", db_, "DELETE FROM note", "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return !find("writer turn")["waiters"].empty(); }));

  const Json turn = find("writer turn");
  EXPECT_EQ(turn.at("kind"), "write");
  EXPECT_EQ(turn.at("pid"), first.process().pid());
  EXPECT_EQ(turn.at("program"), "turnstile");
  EXPECT_EQ(turn.at("thread"), first.process().pid());
  EXPECT_GE(turn.at("since_ms"), 0);
  EXPECT_EQ(turn.at("waiters"), Json::array({second.process().pid()}));

  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(first.finish().status, 0);
  EXPECT_EQ(second.finish().status, 0);
}

TEST_F(CliLocks, SaysWhichFileIsMissing) {
  const CliResult result = run_cli({"locks", directory_.file("nowhere.db"), "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DB_NOT_FOUND");
}

TEST_F(CliLocks, WatchesUntilItIsInterrupted) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  CliRun run({"locks", "file:" + db_, "--watch", "--json"});
  const Json first = Json::parse(run.process().read_line());
  EXPECT_FALSE(first.at("locks").empty());
  EXPECT_THAT(first.at("time").get<std::string>(),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                    "\\.[0-9]{6}Z"));
  EXPECT_EQ(shell.run("COMMIT"), "");
  // The next looks find that the shell has let go of what keeps others out; what it shares stays
  // for as long as it has the file open.
  const auto is_exclusive = [](const Json& lock) { return lock.at("kind") == "write"; };
  Json locks = first.at("locks");
  while (std::any_of(locks.begin(), locks.end(), is_exclusive))
    locks = Json::parse(run.process().read_line()).at("locks");
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace turnstile::test
