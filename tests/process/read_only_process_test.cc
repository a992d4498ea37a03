// A read-only database beside a process that writes.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// RO-07: works beside a live writer process, without an error.
TEST(ReadOnlyProcess, ReadsBesideAProcessThatWrites) {
  constexpr std::int64_t kLoadMs = 1500;
  const TempDir directory;
  const std::string path = directory.file("app.db");
  Options options;
  options.migrations = {{1, "work", "CREATE TABLE work(process, thread, n)"}};
  Database::open(path, options).close();

  Actor writer;
  writer.must("open " + path);
  writer.send("load 2 " + std::to_string(kLoadMs) + " 0");
  Options read_only;
  read_only.mode = OpenMode::ReadOnly;
  read_only.connections = 2;
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
}

}  // namespace
}  // namespace turnstile::test
