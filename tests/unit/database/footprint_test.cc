// What a database that nobody uses at the moment costs in memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// Memory of this process that is there, shared and mapped included.
std::int64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
  }
  return 0;
}

void use(const Lane& lane) {
  lane.write([](WriteTx& tx) { tx.execute("CREATE TABLE IF NOT EXISTS t(x)"); });
  lane.submit([](WriteTx& tx) { tx.execute("INSERT INTO t VALUES (1)"); }).get();
  ASSERT_EQ(lane.read([](ReadTx& tx) { return tx.query<int>("SELECT count(*) FROM t").one(); }), 1);
}

// DESIGN: an idle database of four connections takes less than 3 MiB beyond SQLite's page caches,
// which are hardly filled here, and are counted.
TEST(IdleDatabase, TakesLessThanThreeMebibytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr std::int64_t kFactor = 8;  // They keep shadows of memory, and what is freed.
#else
  constexpr std::int64_t kFactor = 1;
#endif
  constexpr int kDatabases = 16;
  const TempDir directory;
  std::vector<Database> databases;
  const auto open = [&](const std::string& name) {
    databases.push_back(Database::open(directory.file(name)));
    use(databases.back().lane("test"));
  };
  open("first.db");  // What the library and SQLite need once.
  const std::int64_t before = resident_kib();
  ASSERT_GT(before, 0);
  for (int i = 0; i < kDatabases; ++i)
    open(std::to_string(i) + ".db");
  const std::int64_t each = (resident_kib() - before) / kDatabases;
  RecordProperty("resident_kib", std::to_string(each));
  EXPECT_LT(each, 3 * 1024 * kFactor) << "KiB for each of " << kDatabases << " databases";
  EXPECT_GT(each, 16) << "that was not measured";
}

}  // namespace
}  // namespace turnstile::test
