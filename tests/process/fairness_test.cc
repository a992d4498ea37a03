// Several processes with several threads each write through the gate all the time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "database/wal_size.h"
#include "support/actor.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/test_size.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kRivals = 4;

// What each process does: that many threads write, each transaction held open that long.
struct Load {
  int threads = 4;
  milliseconds duration{0};
  milliseconds hold{0};
};

struct Result {
  std::vector<std::int64_t> by_process;  // Commits.
  std::vector<std::int64_t> by_thread;
  std::int64_t committed = 0;
  std::int64_t failed = 0;
  std::int64_t longest_wait_ms = 0;
  std::int64_t rows = 0;
  std::int64_t incomplete_threads = 0;  // Of which one row or more is missing or there twice.
  std::uintmax_t longest_log = 0;       // Bytes.
  std::string first_error;

  void add(const Reply& reply) {
    by_process.push_back(reply.number("committed"));
    std::istringstream counts(reply.text("counts"));
    for (std::string count; std::getline(counts, count, ',');)
      by_thread.push_back(std::stoll(count));
    committed += by_process.back();
    failed += reply.number("failed");
    longest_wait_ms = std::max(longest_wait_ms, reply.number("longest_wait_ms"));
    if (first_error.empty()) first_error = reply.text("error");
  }
};

// 1 when all have the same, 1 / n when one of n has everything (Jain, Chiu and Hawe, 1984).
double jain_index(const std::vector<std::int64_t>& shares) {
  double sum = 0;
  double squares = 0;
  for (const std::int64_t share : shares) {
    sum += static_cast<double>(share);
    squares += static_cast<double>(share) * static_cast<double>(share);
  }
  return sum * sum / (static_cast<double>(shares.size()) * squares);
}

// The highest length of the file until all have answered.
std::uintmax_t watch_log(const std::string& path, std::vector<std::unique_ptr<Actor>>& actors,
                         milliseconds limit) {
  std::uintmax_t longest = 0;
  const bool answered = soon(
      [&] {
        std::error_code none_yet;
        const std::uintmax_t bytes = std::filesystem::file_size(path, none_yet);
        if (!none_yet) longest = std::max(longest, bytes);
        return std::ranges::all_of(actors,
                                   [](const auto& actor) { return actor->process().has_line(); });
      },
      limit);
  EXPECT_TRUE(answered) << "a process does not come to its end";
  return longest;
}

Result run_load(const Load& load) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Options options;
  options.migrations = {
      {1, "work", "CREATE TABLE work(process INTEGER, thread INTEGER, n INTEGER);"}};
  const Database db = Database::open(path, options);
  std::vector<std::unique_ptr<Actor>> actors;
  for (int i = 0; i < kRivals; ++i) {
    actors.push_back(std::make_unique<Actor>());
    actors.back()->must("open " + path);
  }
  for (const auto& actor : actors) {
    actor->send("load " + std::to_string(load.threads) + " " +
                std::to_string(load.duration.count()) + " " +
                std::to_string(microseconds(load.hold).count()));
  }
  Result result;
  result.longest_log = watch_log(path + "-wal", actors, load.duration + patience());
  for (const auto& actor : actors) {
    const Reply reply = actor->reply();
    EXPECT_TRUE(reply.ok()) << reply.line();
    std::cout << reply.line() << '\n';
    result.add(reply);
  }
  for (const auto& actor : actors)
    actor->must("close");
  db.lane("check").read([&](ReadTx& tx) {
    result.rows = tx.query<std::int64_t>("SELECT count(*) FROM work").one();
    // A thread numbers its transactions from 0.
    result.incomplete_threads =
        tx.query<std::int64_t>(
              "SELECT count(*) FROM (SELECT 1 FROM work GROUP BY process, thread "
              "HAVING count(*) <> max(n) + 1 OR count(DISTINCT n) <> count(*))")
            .one();
  });
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
  return result;
}

void expect_nothing_lost(const Result& result) {
  EXPECT_EQ(result.failed, 0) << result.first_error;
  EXPECT_EQ(result.rows, result.committed);
  EXPECT_EQ(result.incomplete_threads, 0);
}

// CORE-12: every thread of every process is served, and all about equally often.
TEST(FourProcessesOfFourThreads, WithTwentyMillisecondTransactionsAllGetTheirTurn) {
  const Result result =
      run_load({.threads = 4, .duration = milliseconds(5000), .hold = milliseconds(20)});
  expect_nothing_lost(result);
  // A perfect round is 320 ms; without the gate, waits of seconds and timeouts are measured.
  EXPECT_LE(result.longest_wait_ms, patience(milliseconds(1500)).count());
  EXPECT_GE(std::ranges::min(result.by_thread), 5);
  EXPECT_GE(jain_index(result.by_thread), 0.95) << testing::PrintToString(result.by_thread);
}

TEST(FourProcessesOfFourThreads, WithShortTransactionsAllGetTheirTurn) {
  const Result result = run_load({.threads = 4, .duration = milliseconds(2000)});
  expect_nothing_lost(result);
  EXPECT_LE(result.longest_wait_ms, patience(milliseconds(1500)).count());
  const auto [least, most] = std::ranges::minmax(result.by_process);
  EXPECT_GE(static_cast<double>(least), 0.4 * static_cast<double>(most))
      << "committed by the processes: from " << least << " to " << most;
}

// What the library promises, all at once. A minute of it is among the slow tests.
TEST(FourProcessesOfSixteenThreads, WriteForLongWithoutAFailure) {
  const seconds duration(test_size("TURNSTILE_TEST_LOAD_SECONDS", 5));
  const Result result = run_load({.threads = 16, .duration = duration});
  std::cout << "committed " << result.committed << ", longest wait " << result.longest_wait_ms
            << " ms, longest log " << result.longest_log << " bytes, fairness "
            << jain_index(result.by_thread) << '\n';
  expect_nothing_lost(result);

  // A round takes 20 ms: each of the four processes has the gate for a millisecond or for one
  // group, in which all of its 16 threads are and which is closed after 5 ms. Once in a while a log
  // of 16 MiB is copied first. 240 ms were measured on two busy cores. The bound leaves the rest to
  // slower ones and is well below the deadline of 5 s, at which each wait would end anyway.
  EXPECT_LE(result.longest_wait_ms, patience(milliseconds(2000)).count());

  // At twice checkpoint_frames the next writer waits until the log is copied and starts it over;
  // what is committed until it is that writer's turn comes on top.
  constexpr std::int64_t kPage = 4096;
  constexpr std::int64_t kOnTop = 256;
  EXPECT_LE(result.longest_log, static_cast<std::uintmax_t>(database::wal_bytes(
                                    2 * Options().checkpoint_frames + kOnTop, kPage)));
}

}  // namespace
}  // namespace turnstile::test
