// Seed 1: entities, embeddings, audit, cron and tasks share one database, and any two of them at
// the same moment gave "database table is locked".
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using Json = nlohmann::json;

// What the state before did in one of its configurations; see seed1_before.py.
Json before(const std::string& configuration) {
  const TempDir dir;
  const ProgramResult result = run_program(
      {TURNSTILE_TEST_PYTHON, std::string(TURNSTILE_TEST_SOURCE_DIR) + "/regress/seed1_before.py",
       configuration, dir.path().string()});
  if (result.status != 0) throw std::runtime_error("seed1_before.py failed; its message is above");
  std::cout << configuration << ": " << result.output;
  return Json::parse(result.output);
}

TEST(Seed1Before, SharedCacheAndOneConnectionWaitForThemselves) {
  const Json result = before("shared_cache_one_connection");
  EXPECT_GT(result["errors"].value("POOL_TIMEOUT", 0), 0);
}

TEST(Seed1Before, ThePublishedFixStillGivesTableIsLocked) {
  const Json result = before("published_fix");
  EXPECT_GT(result["errors"].value("SQLITE_LOCKED_SHAREDCACHE", 0), 0);
}

TEST(Seed1Before, ThePublishedFixWithoutSharedCacheStillGivesDatabaseIsLocked) {
  const Json result = before("published_fix_private_cache");
  EXPECT_GT(result["errors"].value("SQLITE_BUSY_SNAPSHOT", 0), 0);
}

TEST(Seed1Before, TheSameOperationsDoNotFailByThemselves) {
  const Json result = before("private_cache_immediate");
  EXPECT_EQ(result["failed"], 0);
}

constexpr int kJobs = 8;
constexpr int kVectors = 50;
constexpr std::size_t kDimensions = 16;
constexpr int kThreadsEach = 2;
constexpr int kOperationsEach = 1000;  // A thread; five subsystems of two make 10,000.
constexpr int kOfEach = kThreadsEach * kOperationsEach;

const Migrations kSchema = {
    {1, "subsystems",
     "CREATE TABLE entity(id INTEGER PRIMARY KEY, total INTEGER NOT NULL);"
     "INSERT INTO entity VALUES (1, 0);"
     "CREATE TABLE embedding(id INTEGER PRIMARY KEY, vector BLOB NOT NULL, writes INTEGER);"
     "CREATE TABLE audit(id INTEGER PRIMARY KEY, thread INTEGER, n INTEGER,"
     "  UNIQUE(thread, n));"
     "CREATE TABLE job(id INTEGER PRIMARY KEY, runs INTEGER NOT NULL DEFAULT 0);"
     "CREATE TABLE task(id INTEGER PRIMARY KEY, claimed INTEGER NOT NULL DEFAULT 0);"
     "CREATE INDEX task_open ON task(id) WHERE claimed = 0;"
     "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 8)"
     "INSERT INTO job(id) SELECT n FROM c;"}};

// The five subsystems: operation `n` of thread `thread`.
using Operation = std::function<void(const Lane&, int thread, int n)>;

// Read, modify, write.
void change_entity(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write([](WriteTx& tx) {
    const auto total = tx.query<std::int64_t>("SELECT total FROM entity WHERE id = 1").one();
    tx.execute("UPDATE entity SET total = ? WHERE id = 1", total + 1);
  });
}

using Vector = std::array<float, kDimensions>;

void upsert_and_search(const Lane& lane, int thread, int n) {
  Vector vector{};
  vector.fill(static_cast<float>(n));
  lane.write([&](WriteTx& tx) {
    tx.execute(
        "INSERT INTO embedding VALUES (?, ?, 1) ON CONFLICT(id) DO UPDATE "
        "SET vector = excluded.vector, writes = writes + 1",
        (n + thread) % kVectors, vector);
  });
  const auto nearest = lane.read([&](ReadTx& tx) {
    double best = std::numeric_limits<double>::max();
    for (const auto& stored : tx.query<std::vector<float>>("SELECT vector FROM embedding")) {
      double distance = 0;
      for (std::size_t i = 0; i < kDimensions; ++i) {
        const double difference = static_cast<double>(stored.at(i)) - static_cast<double>(n);
        distance += difference * difference;
      }
      best = std::min(best, distance);
    }
    return best;
  });
  if (nearest == std::numeric_limits<double>::max())
    throw std::runtime_error("the search found nothing");
}

void insert_audit(const Lane& lane, int thread, int n) {
  lane.write(
      [&](WriteTx& tx) { tx.execute("INSERT INTO audit(thread, n) VALUES (?, ?)", thread, n); });
}

// Updates each job while the list of jobs is being read.
void run_jobs(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write([](WriteTx& tx) {
    for (const auto id : tx.query<std::int64_t>("SELECT id FROM job ORDER BY id"))
      tx.execute("UPDATE job SET runs = runs + 1 WHERE id = ?", id);
  });
}

void insert_and_claim_task(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write([](WriteTx& tx) { tx.execute("INSERT INTO task DEFAULT VALUES"); });
  lane.write([](WriteTx& tx) {
    const auto claimed = tx.query<std::int64_t>(
                               "UPDATE task SET claimed = 1 WHERE id = (SELECT id FROM task "
                               "WHERE claimed = 0 ORDER BY id LIMIT 1) RETURNING id")
                             .one();
    if (claimed <= 0) throw std::runtime_error("no task");
  });
}

struct Outcome {
  int succeeded = 0;
  std::string failures;
};

// Ten threads through five lanes, all at once.
Outcome run_all_subsystems(const Database& db) {
  const std::vector<std::pair<std::string, Operation>> subsystems = {
      {"entities", change_entity}, {"embeddings", upsert_and_search}, {"audit", insert_audit},
      {"cron", run_jobs},          {"tasks", insert_and_claim_task},
  };
  Outcome outcome;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (const auto& [name, operation] : subsystems) {
    for (int thread = 0; thread < kThreadsEach; ++thread) {
      threads.emplace_back([&, lane = db.lane(name), operation = operation, thread] {
        for (int n = 0; n < kOperationsEach; ++n) {
          std::string failure;
          try {
            operation(lane, thread, n);
          } catch (const std::exception& error) {
            failure = std::string(lane.name()) + ": " + error.what() + "\n";
          }
          const std::lock_guard lock(mutex);
          outcome.succeeded += failure.empty() ? 1 : 0;
          outcome.failures += failure;
        }
      });
    }
  }
  threads.clear();
  return outcome;
}

TEST(Seed1, TenThousandMixedOperationsSucceedAndEachOfThemCounts) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  Options options;
  options.migrations = kSchema;
  const Database db = Database::open(path, options);
  const Outcome outcome = run_all_subsystems(db);
  EXPECT_EQ(outcome.failures, "");
  EXPECT_EQ(outcome.succeeded, 5 * kOfEach);
  const DatabaseInfo info = db.info();
  EXPECT_EQ(info.pool.connections, 4);
  EXPECT_EQ(info.counters.timeouts, 0U);
  EXPECT_EQ(info.counters.engine_waits, 0U);
  EXPECT_EQ(info.counters.rollbacks, 0U);
  const auto number = [&db](const std::string& sql) {
    return db.lane("check").read([&](ReadTx& tx) { return tx.query<std::int64_t>(sql).one(); });
  };
  EXPECT_EQ(number("SELECT total FROM entity"), kOfEach);
  EXPECT_EQ(number("SELECT sum(writes) FROM embedding"), kOfEach);
  EXPECT_EQ(number("SELECT count(*) FROM embedding"), kVectors);
  EXPECT_EQ(number("SELECT count(*) FROM audit"), kOfEach);
  EXPECT_EQ(number("SELECT sum(n) FROM audit"),
            std::int64_t{kThreadsEach} * kOperationsEach * (kOperationsEach - 1) / 2);
  EXPECT_EQ(number("SELECT count(*) FROM job WHERE runs = " + std::to_string(kOfEach)), kJobs);
  EXPECT_EQ(number("SELECT count(*) FROM task WHERE claimed = 1"), kOfEach);
  EXPECT_EQ(number("SELECT count(*) FROM task"), kOfEach);
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

}  // namespace
}  // namespace turnstile::test
