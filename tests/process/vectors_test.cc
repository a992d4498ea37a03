// Vectors of one file in several processes, and processes that are killed in the middle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/place_of.h"
#include "support/sqlite_shell.h"
#include "support/told.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;

class VectorProcesses : public testing::TestWithParam<VectorStorage> {
 protected:
  static constexpr int kDimension = 32;
  static constexpr int kBatch = 10;

  [[nodiscard]] std::unique_ptr<ChildProcess> start(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {actor_path("vectors"), db_.file(), std::string(to_string(GetParam()))});
    auto process = std::make_unique<ChildProcess>(std::move(words));
    EXPECT_EQ(process->read_line(), "ready");
    return process;
  }

  // The rounds that a process has acknowledged until it is killed after so many.
  int kill_after(ChildProcess& process, int rounds) {
    for (int round = 0; round < rounds; ++round)
      EXPECT_EQ(process.read_line(), "ack " + std::to_string(round));
    process.kill();
    while (process.next_line())
      ++rounds;
    return rounds;
  }

  void expect_rounds(const std::string& process, int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const std::string name = process + "-" + std::to_string(round) + "-";
      for (int i = 0; i < kBatch; ++i)
        ASSERT_TRUE(things_.get(name + std::to_string(i))) << name << i;
    }
  }

  // Every batch is there as a whole or not at all.
  void expect_whole_batches() {
    EXPECT_EQ(db_.lane().read([](ReadTx& tx) {
      return tx.query<std::int64_t>("SELECT count(*) FROM vector_1_item WHERE id NOT LIKE 'gap%'")
                 .one() %
             kBatch;
    }),
              0);
  }

  const VectorDatabase db_;
  const VectorCollection things_ = db_.create({.dimension = kDimension, .storage = GetParam()});
};

TEST_P(VectorProcesses, UpsertAndSearchTheSameCollection) {
  const auto first = start({"upsert", "1"});
  const auto second = start({"upsert", "2"});
  const std::vector<float> query(kDimension, 1);
  std::size_t most = 0;
  for (int round = 0; round < 40; ++round) {
    EXPECT_EQ(first->read_line(), "ack " + std::to_string(round));
    EXPECT_EQ(second->read_line(), "ack " + std::to_string(round));
    most = std::max(most, things_.search(query, {.limit = 1000}).size());
  }
  first->kill();
  second->kill();
  EXPECT_GE(most, 2U * 40 * kBatch - 2 * kBatch);
  expect_rounds("1", 40);
  expect_rounds("2", 40);
  EXPECT_THAT(things_.check(), IsEmpty());
}

TEST_P(VectorProcesses, KilledInAnUpsertLeaveAWholeCollection) {
  for (int victim = 1; victim <= 4; ++victim) {
    const auto process = start({"upsert", std::to_string(victim)});
    const int rounds = kill_after(*process, 3 * victim);
    expect_rounds(std::to_string(victim), rounds);
    expect_whole_batches();
    ASSERT_THAT(things_.check(), IsEmpty()) << "victim " << victim;
  }
  EXPECT_EQ(SqliteShell(db_.file()).run("PRAGMA quick_check"), "ok\n");
}

TEST_P(VectorProcesses, KilledInARebuildLeaveAWholeCollection) {
  const auto writer = start({"upsert", "9"});
  for (int victim = 1; victim <= 4; ++victim) {
    const auto process = start({"rebuild"});
    kill_after(*process, victim);
    EXPECT_EQ(writer->read_line(), "ack " + std::to_string(victim - 1));
    ASSERT_THAT(things_.check(), IsEmpty()) << "victim " << victim;
  }
  writer->kill();
  EXPECT_TRUE(things_.rebuild().complete);
  EXPECT_THAT(things_.check(), IsEmpty());
}

TEST_P(VectorProcesses, EmbedMarkedContentsTogether) {
  const auto first = start({"embed"});
  const auto second = start({"embed"});
  constexpr int kMarks = 300;
  db_.lane().write([&](WriteTx& tx) {
    for (int i = 0; i < kMarks; ++i)
      (void)things_.mark_pending(tx, std::to_string(i));
  });
  Told<std::int64_t> pending;
  const Observation observation = db_.lane().observe(
      {"vector_pending"}, [&](const Change&) { pending.add(things_.stats().pending); });
  // For the case that all was done before.
  pending.add(things_.stats().pending);
  pending.wait_until([](const auto& told) { return std::ranges::count(told, 0) > 0; });
  const int stored = std::stoi(first->ask("")) + std::stoi(second->ask(""));
  EXPECT_EQ(stored, kMarks);
  EXPECT_EQ(things_.stats().items, kMarks);
}

INSTANTIATE_TEST_SUITE_P(In, VectorProcesses, testing::ValuesIn(vector_storages()),
                         [](const auto& storage) {
                           return storage.param == VectorStorage::Packed ? "Packed" : "SqliteVec";
                         });

#ifdef TURNSTILE_TEST_VEC0
// What sqlite-vec tables are for: a program that knows nothing of this library.
TEST(SqliteVecVectors, AreFoundByAnotherProgram) {
  const VectorDatabase db;
  const VectorCollection things =
      db.create({.dimension = 2,
                 .storage = VectorStorage::SqliteVec,
                 .partition = VectorColumn{"tenant", VectorColumnType::Integer},
                 .columns = {{"lang", VectorColumnType::Text}}});
  const auto item = [](const char* id, std::vector<float> vector, const char* lang) {
    return VectorItem{
        .id = id, .vector = std::move(vector), .values = {{"tenant", 1}, {"lang", lang}}};
  };
  things.upsert(std::vector<VectorItem>{item("east", {1, 0}, "en"), item("north", {0, 1}, "de"),
                                        item("west", {-1, 0}, "de")});
  SqliteShell shell(db.file());
  // Not with .load, which would take the semicolon at its end for a part of the name.
  ASSERT_EQ(shell.run("SELECT load_extension('" + place_of::vec0() + "')"), "\n");
  EXPECT_EQ(shell.run("SELECT id, lang FROM vector_1_vec0 WHERE vector MATCH '[1, 0.1]' AND k = 2 "
                      "AND tenant = 1 AND lang = 'de'"),
            "north|de\nwest|de\n");
}
#endif

}  // namespace
}  // namespace turnstile::test
