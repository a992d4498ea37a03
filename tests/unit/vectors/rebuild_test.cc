// Moving items together, and the check that tells whether it went well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using Ids = std::vector<std::string>;

// A thousand items in four partitions, of which three quarters are gone again.
class VectorRebuilds : public testing::TestWithParam<VectorStorage> {
 protected:
  VectorRebuilds() {
    RandomVectors random(5, VectorElement::Float32, 384);
    std::vector<VectorItem> items;
    Ids removed;
    for (int i = 0; i < 1000; ++i) {
      items.push_back({.id = std::to_string(i),
                       .vector = random.next(),
                       .values = {{"part", i % 4}, {"number", i}}});
      if (i % 16 >= 4) removed.push_back(items.back().id);
    }
    things_.upsert(items);
    things_.remove(removed);
  }

  const VectorDatabase db_;
  const VectorCollection things_ =
      db_.create({.dimension = 384,
                  .storage = GetParam(),
                  .partition = VectorColumn{"part", VectorColumnType::Integer},
                  .columns = {{"number", VectorColumnType::Integer}}});
};

TEST_P(VectorRebuilds, LeaveAsManyBlocksAsAreNeeded) {
  const VectorStats before = things_.stats();
  const VectorRebuild result = things_.rebuild();
  const VectorStats after = things_.stats();
  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.moved, 0);
  EXPECT_EQ(result.blocks_before, before.blocks);
  EXPECT_EQ(result.blocks_after, after.blocks);
  EXPECT_EQ(after.items, before.items);
  EXPECT_EQ(after.blocks, 4) << "one for each partition";
  EXPECT_LT(after.free_slots, before.free_slots);
  EXPECT_THAT(things_.check(), IsEmpty());
  EXPECT_EQ(things_.rebuild().moved, 0) << "there is nothing left to do";
}

TEST_P(VectorRebuilds, CanBeStoppedAndGoneOnWith) {
  std::stop_source stop;
  VectorRebuildOptions options;
  options.stop = stop.get_token();
  stop.request_stop();
  EXPECT_FALSE(things_.rebuild(options).complete);
  EXPECT_THAT(things_.check(), IsEmpty());
  EXPECT_TRUE(things_.rebuild().complete);
  EXPECT_EQ(things_.stats().blocks, 4);
}

TEST_P(VectorRebuilds, TellHowFarTheyAre) {
  std::vector<std::int64_t> told;
  VectorRebuildOptions options;
  options.progress = [&](const Progress& progress) { told.push_back(progress.done); };
  const VectorRebuild result = things_.rebuild(options);
  EXPECT_THAT(told, Contains(result.moved));
}

TEST_P(VectorRebuilds, FreePagesOfTheFile) {
  const std::string before = run_raw(db_.file(), "PRAGMA freelist_count");
  things_.rebuild();
  EXPECT_GT(std::stoi(run_raw(db_.file(), "PRAGMA freelist_count")), std::stoi(before));
}

INSTANTIATE_TEST_SUITE_P(In, VectorRebuilds, testing::ValuesIn(vector_storages()),
                         [](const auto& storage) {
                           return storage.param == VectorStorage::Packed ? "Packed" : "SqliteVec";
                         });

TEST(PackedVectors, GetThePlacesOfRemovedOnes) {
  const VectorDatabase db;
  const VectorCollection things = db.create({.dimension = 384});
  RandomVectors random(5, VectorElement::Float32, 384);
  const auto put = [&](int from, int to) {
    std::vector<VectorItem> items;
    for (int i = from; i < to; ++i)
      items.push_back({.id = std::to_string(i), .vector = random.next()});
    things.upsert(items);
  };
  put(0, 160);
  const std::int64_t blocks = things.stats().blocks;
  EXPECT_EQ(things.stats().free_slots, 0);
  Ids removed;
  for (int i = 0; i < 160; i += 2)
    removed.push_back(std::to_string(i));
  things.remove(removed);
  put(1000, 1080);
  EXPECT_EQ(things.stats().blocks, blocks);
  EXPECT_EQ(things.stats().free_slots, 0);
  EXPECT_THAT(things.check(), IsEmpty());
}

TEST(PackedVectors, LeaveNoEmptyBlock) {
  const VectorDatabase db;
  const VectorCollection things = db.create({.dimension = 2});
  things.upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0}}});
  things.remove(Ids{"a"});
  EXPECT_EQ(things.stats().blocks, 0);
}

TEST(PackedVectors, OfManySmallPartitionsTakeLittleSpace) {
  const VectorDatabase db;
  const VectorCollection things =
      db.create({.dimension = 384, .partition = VectorColumn{"tenant"}});
  RandomVectors random(5, VectorElement::Float32, 384);
  std::vector<VectorItem> items;
  for (int i = 0; i < 300; ++i)
    items.push_back({.id = std::to_string(i),
                     .vector = random.next(),
                     .values = {{"tenant", "tenant " + std::to_string(i)}}});
  things.upsert(items);
  EXPECT_LT(std::stoi(run_raw(db.file(), "SELECT sum(length(records)) FROM vector_1_block")),
            300 * 500);
}

// Each damage is found: a check that finds nothing would be worth nothing.
class VectorCheck : public testing::Test {
 protected:
  VectorCheck() {
    RandomVectors random(5, VectorElement::Float32, 16);
    for (const VectorStorage storage : vector_storages()) {
      const VectorCollection things =
          db_.create({.dimension = 16,
                      .metric = VectorMetric::L2,
                      .storage = storage,
                      .partition = VectorColumn{"part", VectorColumnType::Integer},
                      .columns = {{"lang", VectorColumnType::Text}}},
                     to_string(storage));
      std::vector<VectorItem> items;
      for (int i = 0; i < 6; ++i)
        items.push_back({.id = std::to_string(i),
                         .vector = random.next(),
                         .values = {{"part", i % 2}, {"lang", "de"}}});
      things.upsert(items);
    }
  }

  void expect_fault(std::string_view collection, const std::string& damage,
                    const std::string& fault) {
    const VectorCollection things = db_.store().open(collection);
    EXPECT_THAT(things.check(), IsEmpty());
    db_.lane().write([&](WriteTx& tx) { tx.execute_script(damage); });
    EXPECT_THAT(things.check(), Contains(HasSubstr(fault))) << damage;
  }

  const VectorDatabase db_;
};

TEST_F(VectorCheck, FindsAnItemWithoutItsVector) {
  expect_fault("packed",
               "DELETE FROM vector_1_exact WHERE slot = (SELECT slot FROM vector_1_item "
               "WHERE id = '3')",
               "the item '3' in slot");
}
TEST_F(VectorCheck, FindsAVectorWithoutItsItem) {
  expect_fault("packed", "DELETE FROM vector_1_item WHERE id = '3'", "belongs to no item");
}
TEST_F(VectorCheck, FindsAVectorOfAnotherSize) {
  expect_fault("packed",
               "UPDATE vector_1_exact SET vector = x'00' WHERE slot = (SELECT max(slot) "
               "FROM vector_1_exact)",
               "has 1 bytes");
}
TEST_F(VectorCheck, FindsACodeThatIsNotThatOfItsVector) {
  expect_fault(
      "packed",
      "UPDATE vector_1_exact SET vector = (SELECT vector FROM vector_1_exact ORDER BY slot "
      "LIMIT 1) WHERE slot = (SELECT max(slot) FROM vector_1_exact)",
      "the code is not that of the vector");
}
TEST_F(VectorCheck, FindsAPlaceThatIsMarkedAsFree) {
  expect_fault("packed", "UPDATE vector_1_block SET live = zeroblob(length(live)), used = 0",
               "the place is marked as free");
}
TEST_F(VectorCheck, FindsAWrongCount) {
  expect_fault("packed", "UPDATE vector_1_block SET used = used + 1", "and has 3");
}
TEST_F(VectorCheck, FindsABlockThatIsMissing) {
  expect_fault("packed", "DELETE FROM vector_1_block WHERE part = 1",
               "3 items have slots in blocks that are not there");
}
TEST_F(VectorCheck, FindsRecordsThatAreMissing) {
  expect_fault("packed", "UPDATE vector_1_block SET records = x''", "the code is missing");
}
TEST_F(VectorCheck, FindsAnItemInAnotherPartition) {
  expect_fault("packed", "UPDATE vector_1_item SET part = 7 WHERE id = '2'",
               "the item is of another partition");
}

#ifdef TURNSTILE_TEST_VEC0
TEST_F(VectorCheck, FindsARowThatVec0HasLost) {
  expect_fault("sqlite-vec", "DELETE FROM vector_2_vec0 WHERE slot = 2", "has 5 rows for 6 items");
}
TEST_F(VectorCheck, FindsARowThatVec0HasTooMany) {
  expect_fault("sqlite-vec",
               "INSERT INTO vector_2_vec0(slot, vector, part, lang, id) VALUES (99, (SELECT vector "
               "FROM vector_2_exact LIMIT 1), 0, 'de', 'x')",
               "belongs to no item");
}
TEST_F(VectorCheck, FindsAnotherVectorInVec0) {
  expect_fault("sqlite-vec", "UPDATE vector_2_vec0 SET vector = zeroblob(64) WHERE slot = 2",
               "has another vector");
}
TEST_F(VectorCheck, FindsAnotherValueInVec0) {
  expect_fault("sqlite-vec", "UPDATE vector_2_vec0 SET lang = 'en' WHERE slot = 2",
               "has another value in the column lang");
}
#endif

}  // namespace
}  // namespace turnstile::test
