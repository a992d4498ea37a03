// Several processes with several threads each write through the gate all the time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/actor.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

constexpr int kProcesses = 4;
constexpr int kThreads = 4;

struct Result {
  std::int64_t committed = 0;
  std::int64_t failed = 0;
  std::int64_t longest_wait_ms = 0;
  std::int64_t least = INT64_MAX;  // Of a process.
  std::int64_t most = 0;
  std::int64_t rows = 0;
  std::string first_error;
};

// kProcesses times kThreads threads write for `duration_ms`, `hold_us` a transaction.
Result run_load(int duration_ms, int hold_us) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Options options;
  options.migrations = {
      {1, "work", "CREATE TABLE work(process INTEGER, thread INTEGER, n INTEGER);"}};
  const Database db = Database::open(path, options);
  std::vector<std::unique_ptr<Actor>> actors;
  for (int i = 0; i < kProcesses; ++i) {
    actors.push_back(std::make_unique<Actor>());
    actors.back()->must("open " + path);
  }
  for (const auto& actor : actors) {
    actor->send("load " + std::to_string(kThreads) + " " + std::to_string(duration_ms) + " " +
                std::to_string(hold_us));
  }
  Result result;
  for (const auto& actor : actors) {
    const Reply reply = actor->reply();
    EXPECT_TRUE(reply.ok()) << reply.line();
    std::cout << reply.line() << '\n';
    const std::int64_t committed = reply.number("committed");
    result.committed += committed;
    result.failed += reply.number("failed");
    result.longest_wait_ms = std::max(result.longest_wait_ms, reply.number("longest_wait_ms"));
    result.least = std::min(result.least, committed);
    result.most = std::max(result.most, committed);
    result.first_error += reply.text("error");
  }
  for (const auto& actor : actors)
    actor->must("close");
  result.rows = db.lane("check").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
  return result;
}

TEST(FourProcessesOfFourThreads, WithFiveMillisecondTransactionsAllGetTheirTurn) {
  const Result result = run_load(3000, 5000);
  EXPECT_EQ(result.failed, 0) << result.first_error;
  EXPECT_EQ(result.rows, result.committed);
  // A perfect round is 80 ms; without the gate, waits of seconds and timeouts are measured.
  EXPECT_LE(result.longest_wait_ms, patience(std::chrono::milliseconds(1500)).count());
  EXPECT_GE(static_cast<double>(result.least), 0.5 * static_cast<double>(result.most))
      << "committed by the processes: from " << result.least << " to " << result.most;
}

TEST(FourProcessesOfFourThreads, WithShortTransactionsAllGetTheirTurn) {
  const Result result = run_load(2000, 0);
  EXPECT_EQ(result.failed, 0) << result.first_error;
  EXPECT_EQ(result.rows, result.committed);
  EXPECT_LE(result.longest_wait_ms, patience(std::chrono::milliseconds(1500)).count());
  EXPECT_GE(static_cast<double>(result.least), 0.4 * static_cast<double>(result.most))
      << "committed by the processes: from " << result.least << " to " << result.most;
}

}  // namespace
}  // namespace turnstile::test
