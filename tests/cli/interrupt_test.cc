#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>

#include "cli/cli_test.h"
#include "support/soon.h"
#include "turnstile/diagnose.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// What a person who presses Ctrl-C takes for at once; the waits that it ends are of minutes.
constexpr std::chrono::milliseconds kQuick = 5s;

constexpr const char* kForEver =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT ";

class CliInterrupt : public CliTest {
 protected:
  bool holds(const std::string& lock, pid_t pid) const {
    for (const LockInfo& held : locks(db_))
      if (held.lock == lock && held.pid == pid) return true;
    return false;
  }

  bool waits(pid_t pid) const {
    for (const LockInfo& held : locks(db_))
      if (std::find(held.waiters.begin(), held.waiters.end(), pid) != held.waiters.end())
        return true;
    return false;
  }

  // It blocks what its watcher waits for. Before, a signal just kills it; and a thread that makes
  // another one blocks all signals for a moment.
  static bool has_signals_in_hand(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (!line.starts_with("SigBlk:")) continue;
      const auto blocked = std::stoull(line.substr(7), nullptr, 16);
      const auto has = [&](int signal) { return (blocked >> (signal - 1) & 1) != 0; };
      return has(SIGINT) && !has(SIGUSR2);
    }
    return false;
  }

  static CliResult interrupt(CliRun& run, int signal) {
    run.process().signal(signal);
    EXPECT_EQ(run.process().wait(patience(kQuick)), 130);
    return run.finish();
  }
};

TEST_F(CliInterrupt, EndsAWaitForAForeignLock) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CliRun run({"exec", db_, "INSERT INTO note(title) VALUES ('x')", "--timeout", "10m"});
    ASSERT_TRUE(soon([&] { return holds("writer turn", run.process().pid()); }));
    const CliResult result = interrupt(run, signal);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("turnstile: interrupted\nhint: "));
  }
  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 0);
}

TEST_F(CliInterrupt, EndsAWaitForTheTurn) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  CliRun first({"exec", db_, "INSERT INTO note(title) VALUES ('first')", "--timeout", "10m"});
  ASSERT_TRUE(soon([&] { return holds("writer turn", first.process().pid()); }));
  CliRun second(
      {"exec", db_, "INSERT INTO note(title) VALUES ('second')", "--timeout", "10m", "--json"});
  ASSERT_TRUE(soon([&] { return waits(second.process().pid()); }));
  const CliResult result = interrupt(second, SIGINT);
  EXPECT_EQ(error_of(result).at("code"), "INTERRUPTED");
  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(first.finish().status, 0);
  EXPECT_EQ(ask("SELECT group_concat(title) FROM note"), "first");
}

TEST_F(CliInterrupt, UndoesARunningTransaction) {
  CliRun run({"exec", db_,
              "INSERT INTO note(title) VALUES ('half'); CREATE TABLE endless AS " +
                  std::string(kForEver) + "i FROM c"});
  ASSERT_TRUE(soon([&] { return holds("WAL write lock", run.process().pid()); }));
  interrupt(run, SIGINT);
  EXPECT_EQ(ask("SELECT count(*) FROM note"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE name = 'endless'"), 0);
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(CliInterrupt, EndsARunningQuery) {
  CliRun run({"query", db_, std::string(kForEver) + "count(*) FROM c"});
  ASSERT_TRUE(soon([&] { return holds("WAL index lock", run.process().pid()); }));
  EXPECT_EQ(interrupt(run, SIGINT).out, "");
}

TEST_F(CliInterrupt, EndsAQueryWhoseOutputNobodyReads) {
  CliRun run({"query", db_, std::string(kForEver) + "i FROM c", "--format", "csv"});
  EXPECT_EQ(run.process().read_line(), "i\r");
  run.process().signal(SIGINT);
  EXPECT_EQ(run.process().wait(patience(kQuick)), 130);
}

TEST_F(CliInterrupt, EndsAWaitForStandardInput) {
  CliRun run({"exec", db_, "-"});
  run.process().send("DELETE FROM note;");
  ASSERT_TRUE(soon([&] { return has_signals_in_hand(run.process().pid()); }));
  interrupt(run, SIGINT);
}

}  // namespace
}  // namespace turnstile::test
