// Seed 2: four pooled connections, or four processes, set the journal mode and migrate a fresh file
// at the same moment, and some of them got "database is locked".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/child_process.h"
#include "support/counted_migrations.h"
#include "support/place_of.h"
#include "support/sql_trace.h"
#include "support/sqlite_shell.h"
#include "support/starting_gun.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

constexpr int kAtOnce = 4;
constexpr int kStarts = 200;
constexpr int kSteps = 3;

// ---- The state before ----

// Four connections of a pool come to the same place: all have a read lock, all want to write. They
// meet at a barrier there, so that they do so every time.
class MeetingBeforeTheWriteLock {
 public:
  // Of a connection that has not run anything yet.
  static void arrange(sqlite3* connection) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    const std::lock_guard lock(mutex_);
    // Once: the others may be using them already.
    if (original_ == nullptr) {
      original_ = file->pMethods;
      methods_ = *original_;
      methods_.xLock = &lock_after_meeting;
    }
    file->pMethods = &methods_;
  }

 private:
  static int lock_after_meeting(sqlite3_file* file, int level) {
    if (level == SQLITE_LOCK_RESERVED) barrier_.arrive_and_wait();
    return original_->xLock(file, level);
  }

  static inline std::mutex mutex_;
  static inline std::barrier<> barrier_{kAtOnce};
  static inline const sqlite3_io_methods* original_ = nullptr;
  static inline sqlite3_io_methods methods_{};
};

// As the seed's pool did it for each connection, with the timeout set first, which it was not
// always. Returns SQLite's result.
int acquire_with_wal_pragma(const std::string& path) {
  sqlite3* connection = nullptr;
  sqlite3_open(path.c_str(), &connection);
  sqlite3_busy_timeout(connection, 5000);
  MeetingBeforeTheWriteLock::arrange(connection);
  const int result = sqlite3_exec(
      connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
      nullptr, nullptr, nullptr);
  sqlite3_close(connection);
  return result;
}

TEST(Seed2Before, FourPooledConnectionsThatEachSetWalOnAFreshFileFail) {
  constexpr int kTrials = 20;
  const TempDir dir;
  // SQLite's own start looks at its flags without a barrier when several threads come first at the
  // same moment, which is not what is to be shown here.
  sqlite3_initialize();
  int failed_trials = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::array<int, kAtOnce> results{};
    {
      std::vector<std::jthread> pool;
      for (int& result : results) {
        pool.emplace_back(
            [&] { result = acquire_with_wal_pragma(dir.file(std::to_string(trial) + ".db")); });
      }
    }
    const auto busy = std::count(results.begin(), results.end(), SQLITE_BUSY);
    failed_trials += busy > 0 ? 1 : 0;
    EXPECT_EQ(busy + std::count(results.begin(), results.end(), SQLITE_OK), kAtOnce)
        << testing::PrintToString(results);
  }
  std::cout << failed_trials << " of " << kTrials << " starts failed\n";
  EXPECT_EQ(failed_trials, kTrials);
}

// See seed2_before.py.
nlohmann::json start_processes_as_before(const std::string& kind) {
  const TempDir dir;
  const ProgramResult result =
      run_program({place_of::python(), place_of::tests() + "/regress/seed2_before.py", kind, "20",
                   dir.path().string()});
  if (result.status != 0) throw std::runtime_error("seed2_before.py failed; its message is above");
  std::cout << kind << ": " << result.output;
  return nlohmann::json::parse(result.output);
}

TEST(Seed2Before, FourProcessesThatEachMigrateAFreshFileFail) {
  const nlohmann::json report = start_processes_as_before("deferred");
  EXPECT_GT(report["failed_trials"], 0);
  EXPECT_GT(report["errors"].value("SQLITE_BUSY", 0), 0);
}

TEST(Seed2Before, FourProcessesThatTakeTheWriteLockFirstDoNotFail) {
  EXPECT_EQ(start_processes_as_before("immediate")["failed_trials"], 0);
}

// ---- With Turnstile ----

Options start_options() {
  Options options;
  options.migrations = counted_migrations(kSteps);
  options.busy_timeout = patience();
  return options;
}

// From outside: the journal mode, that each step ran once, and that every starter's row is there.
void expect_started(const std::string& path) {
  EXPECT_EQ(SqliteShell(path).run("PRAGMA journal_mode; PRAGMA user_version;"
                                  "SELECT count(*), count(DISTINCT step) FROM step_log;"
                                  "SELECT count(*) FROM made_by_step_1; PRAGMA quick_check"),
            "wal\n3\n3|3\n4\nok\n")
      << path;
}

TEST(Seed2, FourThreadsStartAtOnce) {
  const TempDir dir;
  std::barrier together(kAtOnce);
  std::mutex mutex;
  std::vector<std::string> failures;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kAtOnce; ++thread) {
    threads.emplace_back([&] {
      for (int start = 0; start < kStarts; ++start) {
        together.arrive_and_wait();
        try {
          const Database db =
              Database::open(dir.file(std::to_string(start) + ".db"), start_options());
          db.lane("start").write(
              [](WriteTx& tx) { tx.execute("INSERT INTO made_by_step_1 DEFAULT VALUES"); });
        } catch (const std::exception& error) {
          const std::lock_guard lock(mutex);
          failures.push_back("start " + std::to_string(start) + ": " + error.what());
        }
      }
    });
  }
  threads.clear();
  EXPECT_THAT(failures, testing::IsEmpty());
  for (int start = 0; start < kStarts; ++start)
    expect_started(dir.file(std::to_string(start) + ".db"));
}

// WAL-05: 200 fresh files, and no start fails.
TEST(Seed2, FourProcessesStartAtOnce) {
  const TempDir dir;
  const StartingGun gun;
  std::vector<std::unique_ptr<Actor>> actors;
  for (int i = 0; i < kAtOnce; ++i)
    actors.push_back(std::make_unique<Actor>(gun.descriptor()));
  const std::string options =
      " timeout=" + std::to_string(patience().count()) + " steps=" + std::to_string(kSteps);
  for (int start = 0; start < kStarts && !testing::Test::HasFailure(); ++start) {
    const std::string path = dir.file(std::to_string(start) + ".db");
    for (const auto& actor : actors)
      actor->must("start " + path + options);
    gun.fire(actors.size());
    for (const auto& actor : actors) {
      const Reply opened = actor->reply();
      EXPECT_TRUE(opened.ok()) << "start " << start << ": " << opened.line();
      EXPECT_EQ(opened.text("journal_mode"), "wal");
    }
    // Not one after the other: writing and closing are to meet each other too.
    for (const std::string command : {"exec INSERT INTO made_by_step_1 DEFAULT VALUES", "close"}) {
      for (const auto& actor : actors)
        actor->send(command);
      for (const auto& actor : actors) {
        const Reply reply = actor->reply();
        EXPECT_TRUE(reply.ok()) << "start " << start << ", " << command << ": " << reply.line();
      }
    }
    expect_started(path);
  }
}

// ---- How ----

void use_every_connection(const Database& db) {
  std::barrier together(kAtOnce - 1);
  std::vector<std::jthread> readers;
  for (int i = 0; i < kAtOnce - 1; ++i) {
    readers.emplace_back([&] {
      db.lane("reader").read([&](ReadTx& tx) {
        together.arrive_and_wait();
        return tx.query<std::int64_t>("SELECT count(*) FROM step_log").one();
      });
    });
  }
  db.lane("writer").write(
      [](WriteTx& tx) { tx.execute("INSERT INTO made_by_step_1 DEFAULT VALUES"); });
}

// WAL-02: of all SQL on all connections. The rules of the tree look at the sources.
TEST(Seed2, TheJournalModeIsSetByOneStatementOnOneConnection) {
  const TempDir dir;
  const SqlTrace trace;
  Database db = Database::open(dir.file("app.db"), start_options());
  use_every_connection(db);
  db.close();
  EXPECT_EQ(SqlTrace::matching(kSetsJournalMode).size(), 1U);
}

// WAL-03: the mode is asked for first.
TEST(Seed2, TheJournalModeIsNotSetWhereItIsRightAlready) {
  const TempDir dir;
  Database::open(dir.file("app.db"), start_options()).close();
  const SqlTrace trace;
  Database db = Database::open(dir.file("app.db"), start_options());
  use_every_connection(db);
  db.close();
  EXPECT_EQ(SqlTrace::matching(kSetsJournalMode).size(), 0U);
}

TEST(Seed2, TheJournalModeAndTheSchemaComeBeforeTheOtherConnections) {
  const TempDir dir;
  const SqlTrace trace;
  Database db = Database::open(dir.file("app.db"), start_options());
  db.close();
  const auto all = SqlTrace::matching("");
  ASSERT_FALSE(all.empty());
  bool others_began = false;
  for (const SqlTrace::Entry& entry : all) {
    others_began = others_began || entry.connection != all.front().connection;
    const bool is_for_the_file = std::regex_search(
        entry.sql, std::regex("journal_mode|CREATE TABLE|user_version", std::regex::icase));
    EXPECT_FALSE(others_began && is_for_the_file && entry.sql.find('=') != std::string::npos)
        << entry.sql;
  }
  EXPECT_TRUE(others_began);
}

TEST(Seed2, EveryPooledConnectionHasItsOwnSettings) {
  const TempDir dir;
  const Database db = Database::open(dir.file("app.db"), start_options());
  const auto settings = [](ReadTx& tx) {
    return tx.query<std::string>("SELECT journal_mode FROM pragma_journal_mode").one() +
           ", foreign_keys " + std::to_string(tx.query<int>("PRAGMA foreign_keys").one()) +
           ", synchronous " + std::to_string(tx.query<int>("PRAGMA synchronous").one());
  };
  const std::string expected = "wal, foreign_keys 1, synchronous 1";
  EXPECT_EQ(db.lane("writer").write(settings), expected);
  // All readers at once, so that each is asked.
  std::barrier together(kAtOnce - 1);
  std::mutex mutex;
  std::vector<std::jthread> readers;
  for (int i = 0; i < kAtOnce - 1; ++i) {
    readers.emplace_back([&] {
      const auto found = db.lane("reader").read([&](ReadTx& tx) {
        together.arrive_and_wait();
        return settings(tx);
      });
      const std::lock_guard lock(mutex);
      EXPECT_EQ(found, expected);
    });
  }
}

}  // namespace
}  // namespace turnstile::test
