// Seed 1: entities, embeddings, audit, cron and tasks share one database, and any two of them at
// the same moment gave "database table is locked".
#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "support/five_subsystems.h"
#include "support/place_of.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using Json = nlohmann::json;

// What the state before did in one of its configurations; see seed1_before.py.
Json before(const std::string& configuration) {
  const TempDir dir;
  const ProgramResult result =
      run_program({place_of::python(), place_of::tests() + "/regress/seed1_before.py",
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

constexpr int kThreadsEach = 2;
constexpr int kOperationsEach = 1000;  // A thread; five subsystems of two make 10,000.
constexpr int kOfEach = kThreadsEach * kOperationsEach;

const Migrations kSchema = {{1, "subsystems", kSubsystemTables}};

// The five subsystems: operation `n` of thread `thread`.
using Operation = std::function<void(const Lane&, int thread, int n)>;

void use_entities(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write(change_entity);
}

void use_embeddings(const Lane& lane, int thread, int n) {
  lane.write([&](WriteTx& tx) { upsert_embedding(tx, thread, n); });
  lane.read([&](ReadTx& tx) { return nearest_embedding(tx, n); });
}

void use_audit(const Lane& lane, int thread, int n) {
  lane.write([&](WriteTx& tx) { insert_audit(tx, thread, n); });
}

void use_cron(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write(run_jobs);
}

void use_tasks(const Lane& lane, int /*thread*/, int /*n*/) {
  lane.write(insert_task);
  lane.write(claim_task);
}

struct Outcome {
  int succeeded = 0;
  std::string failures;
};

// Ten threads through five lanes, all at once.
Outcome run_all_subsystems(const Database& db) {
  const std::vector<std::pair<std::string, Operation>> subsystems = {
      {"entities", use_entities}, {"embeddings", use_embeddings}, {"audit", use_audit},
      {"cron", use_cron},         {"tasks", use_tasks},
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

// As SQLite answers now, for the connection of `tx`.
std::string settings_in_force(ReadTx& tx) {
  std::string answers = tx.query<std::string>("SELECT journal_mode FROM pragma_journal_mode").one();
  for (const std::string setting :
       {"synchronous", "foreign_keys", "query_only", "wal_autocheckpoint"}) {
    answers +=
        ", " + setting + " " + std::to_string(tx.query<std::int64_t>("PRAGMA " + setting).one());
  }
  return answers;
}

// CORE-01: what the bootstrap settled is in force after all subsystems have worked.
// CORE-04: the mix of the five, without an error and exact to the last operation.
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
  EXPECT_EQ(db.lane("check").write(settings_in_force),
            "wal, synchronous 1, foreign_keys 1, query_only 0, wal_autocheckpoint 0");
  EXPECT_EQ(db.lane("check").read(settings_in_force),
            "wal, synchronous 1, foreign_keys 1, query_only 1, wal_autocheckpoint 0");
  const auto number = [&db](const std::string& sql) {
    return db.lane("check").read([&](ReadTx& tx) { return tx.query<std::int64_t>(sql).one(); });
  };
  EXPECT_EQ(number("SELECT total FROM entity"), kOfEach);
  EXPECT_EQ(number("SELECT sum(writes) FROM embedding"), kOfEach);
  EXPECT_EQ(number("SELECT count(*) FROM embedding"), kEmbeddings);
  EXPECT_EQ(number("SELECT count(*) FROM audit"), kOfEach);
  EXPECT_EQ(number("SELECT sum(n) FROM audit"),
            std::int64_t{kThreadsEach} * kOperationsEach * (kOperationsEach - 1) / 2);
  EXPECT_EQ(number("SELECT count(*) FROM job WHERE runs = " + std::to_string(kOfEach)), kCronJobs);
  EXPECT_EQ(number("SELECT count(*) FROM task WHERE claimed = 1"), kOfEach);
  EXPECT_EQ(number("SELECT count(*) FROM task"), kOfEach);
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

}  // namespace
}  // namespace turnstile::test
