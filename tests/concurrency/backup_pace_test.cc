// How long a backup takes while somebody writes.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>

#include "support/child_process.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPacedBackups = 5;
constexpr milliseconds kBetweenWrites{5};  // 200 a second.

/// The shortest of some: what else the machine does makes one longer, and none shorter.
milliseconds shortest_backup(const Database& db, const std::string& copy) {
  auto shortest = steady_clock::duration::max();
  for (int i = 0; i < kPacedBackups; ++i) {
    BackupOptions options;
    options.overwrite = true;
    const auto start = steady_clock::now();
    static_cast<void>(db.backup(copy, options));
    shortest = std::min(shortest, steady_clock::now() - start);
  }
  return std::chrono::ceil<milliseconds>(shortest);
}

// VBK-03: less than twice as long as without anybody. One that began anew with each commit would
// never end.
TEST(BackupDuringWrites, TakesLessThanTwiceAsLong) {
  const TempDir folder;
  Options options;
  options.migrations = {
      {1, "rows",
       "CREATE TABLE row(id INTEGER PRIMARY KEY, content BLOB);"
       "INSERT INTO row WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n"
       " < 20000) SELECT n, randomblob(3000) FROM c;"}};
  const Database db = Database::open(folder.file("app.db"), options);
  const std::string copy = folder.file("copy.db");
  const milliseconds idle = shortest_backup(db, copy);
  std::atomic<std::int64_t> writes{0};
  milliseconds busy{0};
  {
    const std::jthread writer([&](const std::stop_token& stop) {
      const Lane lane = db.lane("writer");
      for (auto next = steady_clock::now(); !stop.stop_requested(); next += kBetweenWrites) {
        std::this_thread::sleep_until(next);  // sleep: the pace is what is given
        lane.write({.timeout = patience()}, [&](WriteTx& tx) {
          tx.execute("UPDATE row SET content = randomblob(3000) WHERE id = ?", ++writes % 20000);
        });
      }
    });
    busy = shortest_backup(db, copy);
  }
  std::cout << idle.count() << " ms alone, " << busy.count() << " ms beside " << writes
            << " writes\n";
  EXPECT_GT(writes, 0);
  EXPECT_LT(busy, 2 * idle);
  EXPECT_TRUE(verify_file(copy).ok());
}

}  // namespace
}  // namespace turnstile::test
