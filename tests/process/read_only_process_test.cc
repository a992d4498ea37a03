// A read-only database beside a process that writes.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/temp_dir.h"
#include "support/test_size.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// RO-07: works beside a live writer process, without an error.
TEST(ReadOnlyProcess, ReadsBesideAProcessThatWrites) {
  const std::int64_t load_ms = test_size("TURNSTILE_TEST_LOAD_MS", 1500);
  const TempDir directory;
  const std::string path = directory.file("app.db");
  Options options;
  options.migrations = {{1, "work", "CREATE TABLE work(process, thread, n)"}};
  Database::open(path, options).close();

  Actor writer;
  writer.must("open " + path);
  writer.send("load 2 " + std::to_string(load_ms) + " 0");
  Options read_only;
  read_only.mode = OpenMode::ReadOnly;
  const Database db = Database::open(path, read_only);
  std::atomic<std::int64_t> reads{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      std::int64_t before = 0;
      while (!done.load()) {
        const auto now = db.lane("reader").read(
            [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
        EXPECT_GE(now, before) << "a commit was seen and then not any more";
        before = now;
        ++reads;
      }
    });
  }
  const Reply load = writer.reply();
  done = true;
  for (std::thread& reader : readers)
    reader.join();
  EXPECT_TRUE(load.ok()) << load.line();
  EXPECT_EQ(load.number("failed"), 0) << load.line();
  EXPECT_GT(load.number("committed"), 0);
  EXPECT_GT(reads.load(), 10);
  std::cout << reads << " reads beside " << load.number("committed") << " commits\n";
}

}  // namespace
}  // namespace turnstile::test
