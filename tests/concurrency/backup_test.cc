// Backups while sixteen threads write: each is one moment of the database, whole.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// Each write moves an amount between two accounts and notes it, so that every moment can be
// checked.
Options accounts() {
  Options options;
  options.checkpoint_frames = 100;
  options.migrations = {
      {1, "accounts",
       "CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);"
       "CREATE TABLE transfer(id INTEGER PRIMARY KEY, source INTEGER, target INTEGER);"
       "INSERT INTO account WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n"
       " < 400) SELECT n, 1000 FROM c;"}};
  return options;
}

// VBK-03: a hundred backups of a hundred, without stopping anybody.
TEST(BackupDuringWrites, IsAWholeMomentEachTime) {
  constexpr int kWriters = 16;
  constexpr int kBackups = 100;
  const TempDir folder;
  Database db = Database::open(folder.file("app.db"), accounts());
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> writes{0};
  std::vector<std::jthread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      const Lane lane = db.lane("writer " + std::to_string(i));
      for (std::int64_t n = i; !stop; ++n) {
        const std::int64_t source = n % 400 + 1;
        const std::int64_t target = (n * 7 + 13) % 400 + 1;
        lane.write({.timeout = patience()}, [&](WriteTx& tx) {
          tx.execute("UPDATE account SET amount = amount - 1 WHERE id = ?", source);
          tx.execute("UPDATE account SET amount = amount + 1 WHERE id = ?", target);
          tx.execute("INSERT INTO transfer(source, target) VALUES (?, ?)", source, target);
        });
        ++writes;
      }
    });
  }
  BackupOptions options;
  options.overwrite = true;
  options.pages_per_step = 2;
  const std::string copy = folder.file("copy.db");
  std::int64_t last = 0;
  for (int i = 0; i < kBackups; ++i) {
    const std::int64_t before = writes;
    const BackupReport report = db.backup(copy, options);
    ASSERT_TRUE(verify_file(copy).ok()) << "backup " << i;
    ASSERT_EQ(run_raw(copy, "SELECT sum(amount) FROM account"), "400000") << "backup " << i;
    const std::int64_t transfers = std::stoll(run_raw(copy, "SELECT count(*) FROM transfer"));
    ASSERT_GE(transfers, before) << "backup " << i << " lacks what was committed before it";
    ASSERT_GE(transfers, last);
    EXPECT_EQ(report.tables.at(1).table, "transfer");
    EXPECT_EQ(report.tables.at(1).rows, transfers);
    last = transfers;
  }
  stop = true;
  writers.clear();
  EXPECT_GT(last, 0);
  std::cout << kBackups << " backups beside " << writes << " commits by " << kWriters
            << " threads\n";
  EXPECT_EQ(db.metrics().repaired_connections, 0U);
}

}  // namespace
}  // namespace turnstile::test
