// sqlite-vec tables, used by several threads and processes at once.
#ifdef TURNSTILE_TEST_VEC0
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/place_of.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

constexpr int kNearest = 5;
constexpr std::array<float, 4> kOrigin{0, 0, 0, 0};

Options with_vectors() {
  Options options;
  options.extensions.push_back({.path = place_of::vec0(), .entry_point = ""});
  options.migrations = {
      {1, "items", "CREATE VIRTUAL TABLE item USING vec0(id INTEGER PRIMARY KEY, v float[4]);"}};
  return options;
}

// Distances of the nearest items to the origin, in the order in which they come.
std::vector<double> nearest(ReadTx& tx) {
  std::vector<double> distances;
  for (const auto [id, distance] : tx.query<std::int64_t, double>(
           "SELECT id, distance FROM item WHERE v MATCH ? AND k = ? ORDER BY distance", kOrigin,
           kNearest)) {
    distances.push_back(distance);
  }
  return distances;
}

TEST(Vec0, AnswersReadersWhileThreadsAndProcessesInsert) {
  constexpr int kProcesses = 2;
  constexpr int kThreads = 2;
  constexpr int kInserts = 200;
  const TempDir dir;
  const std::string path = dir.file("app.db");
  std::vector<std::unique_ptr<Actor>> actors;
  for (int i = 0; i < kProcesses; ++i)
    actors.push_back(std::make_unique<Actor>());
  const Database db = Database::open(path, with_vectors());
  const Lane embeddings = db.lane("embeddings");
  // At distances 1, 2, 3, 4, 5; what is inserted later is further away.
  embeddings.write([](WriteTx& tx) {
    for (int i = 1; i <= kNearest; ++i) {
      tx.execute("INSERT INTO item(v) VALUES (?)",
                 std::array<float, 4>{static_cast<float>(i), 0, 0, 0});
    }
  });
  for (const auto& actor : actors) {
    actor->must("open " + path + " vec0=" + place_of::vec0());
    actor->send("repeat " + std::to_string(kInserts) +
                " INSERT INTO item(v) VALUES ('[10, 20, 30, 40]')");
  }

  int searches = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < kThreads; ++i) {
      writers.emplace_back([&embeddings] {
        for (int n = 0; n < kInserts; ++n) {
          embeddings.write([](WriteTx& tx) {
            tx.execute("INSERT INTO item(v) VALUES (?)", std::array<float, 4>{10, 20, 30, 40});
          });
        }
      });
    }
    const std::jthread searcher([&](const std::stop_token& stop) {
      const std::vector<double> expected{1, 2, 3, 4, 5};
      do {
        ++searches;
        EXPECT_EQ(db.lane("search").read(nearest), expected) << "search " << searches;
      } while (!stop.stop_requested() && !testing::Test::HasFailure());
    });
    for (auto& writer : writers)
      writer.join();
    for (const auto& actor : actors) {
      const Reply reply = actor->reply();
      EXPECT_TRUE(reply.ok()) << reply.line();
    }
  }
  EXPECT_GT(searches, 0);
  EXPECT_EQ(embeddings.read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM item").one();
  }),
            kNearest + (kProcesses + kThreads) * kInserts);
  EXPECT_EQ(db.info().counters.timeouts, 0U);
  EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n");
}

}  // namespace
}  // namespace turnstile::test
#endif
