// What a collection does, with either storage: items in, items out, searches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Items = std::vector<VectorItem>;
using Floats = std::vector<float>;
using Ids = std::vector<std::string>;

class VectorItems : public testing::TestWithParam<VectorStorage> {
 protected:
  [[nodiscard]] VectorCollection create(VectorDefinition definition,
                                        std::string_view name = "things") const {
    definition.storage = GetParam();
    return db_.create(definition, name);
  }
  // Four directions in the plane, by the names of the points of the compass.
  [[nodiscard]] VectorCollection compass() const {
    VectorCollection things = create({.dimension = 2});
    things.upsert(Items{{.id = "north", .vector = {0, 1}},
                        {.id = "east", .vector = {1, 0}},
                        {.id = "south", .vector = {0, -1}},
                        {.id = "west", .vector = {-1, 0}}});
    return things;
  }
  static std::string refusal(const VectorCollection& things, const Items& items) {
    const auto before = things.stats().items;
    const auto error = thrown<MisuseError>([&] { things.upsert(items); });
    EXPECT_EQ(error.code(), "VECTOR_INVALID");
    EXPECT_EQ(things.stats().items, before);
    EXPECT_THAT(things.check(), IsEmpty());
    return std::string(error.message());
  }

  const VectorDatabase db_;
};

// VEC-02: what is stored comes back bit for bit, with any payload.
TEST_P(VectorItems, ComeBackAsTheyWereGiven) {
  for (const int dimension : {4, 1536}) {
    const VectorCollection things = create({.dimension = dimension,
                                            .columns = {{"title", VectorColumnType::Text},
                                                        {"year", VectorColumnType::Integer},
                                                        {"score", VectorColumnType::Real}}},
                                           "of-" + std::to_string(dimension));
    RandomVectors random(17, VectorElement::Float32, dimension);
    VectorItem item{.id = "\xC3\x9C 1",
                    .vector = random.next(),
                    .values = {{"title", "\xC3\xA9t\xC3\xA9"},
                               {"year", std::numeric_limits<std::int64_t>::min()},
                               {"score", -0.125}},
                    .payload = "{\"schl\xC3\xBCssel\": \"wert\", \"k2\": \"\"}",
                    .version = -3};
    item.vector[0] = std::nextafter(1.0F, 2.0F);
    item.vector[1] = -0.0F;
    item.vector[2] = std::numeric_limits<float>::denorm_min();
    things.upsert(Items{item});
    const auto there = things.get(item.id);
    ASSERT_TRUE(there);
    EXPECT_EQ(*there, item);
    EXPECT_EQ(std::memcmp(there->vector.data(), item.vector.data(), 4 * item.vector.size()), 0);
    EXPECT_EQ(things.get("1"), std::nullopt);
  }
}

// VEC-03: all or nothing, and an empty batch is nothing.
TEST_P(VectorItems, AreReplacedByTheirIds) {
  const VectorCollection things = create({.dimension = 2});
  EXPECT_EQ(things.upsert(Items{}), VectorUpsert{});
  EXPECT_EQ(things.upsert(Items{{.id = "a", .vector = {1, 0}}, {.id = "b", .vector = {0, 1}}}),
            (VectorUpsert{.inserted = 2}));
  EXPECT_EQ(things.upsert(Items{{.id = "b", .vector = {-1, 0}, .payload = "new"},
                                {.id = "c", .vector = {0, 1}}}),
            (VectorUpsert{.inserted = 1, .replaced = 1}));
  EXPECT_EQ(things.stats().items, 3);
  EXPECT_EQ(things.get("b")->payload, "new");
  EXPECT_THAT(ids_of(things.search(Floats{-1, 0.1F}, {.limit = 1})), ElementsAre("b"));
  EXPECT_THAT(things.check(), IsEmpty());
}

// VEC-03: one item that cannot be stored keeps the others out.
TEST_P(VectorItems, AreStoredAllOrNone) {
  const VectorCollection things = create({.dimension = 3});
  Items batch;
  for (int i = 0; i < 32; ++i)
    batch.push_back({.id = "id " + std::to_string(i), .vector = {1, 2, 3}});
  batch[20].vector.pop_back();
  EXPECT_EQ(refusal(things, batch),
            "the item 'id 20' (index 20) of the collection 'things' has a vector that has 2 "
            "numbers, and the collection's have 3");
  EXPECT_EQ(things.stats().items, 0);
}

TEST_P(VectorItems, OfABatchWinOverEarlierOnes) {
  const VectorCollection things = create({.dimension = 2});
  EXPECT_EQ(things.upsert(Items{{.id = "a", .vector = {1, 0}}, {.id = "a", .vector = {0, 1}}}),
            (VectorUpsert{.inserted = 1, .replaced = 1}));
  EXPECT_EQ(things.get("a")->vector, (Floats{0, 1}));
  EXPECT_THAT(things.check(), IsEmpty());
}

// VEC-11: each is refused with the id and the index.
TEST_P(VectorItems, ThatCannotBeComparedAreRefused) {
  const VectorCollection things = create({.dimension = 2});
  using Float = std::numeric_limits<float>;
  EXPECT_EQ(refusal(things, {{.id = "ok", .vector = {1, 1}},
                             {.id = "bad", .vector = {1, Float::quiet_NaN()}}}),
            "the item 'bad' (index 1) of the collection 'things' has a vector that has a number 1 "
            "that is NaN");
  EXPECT_THAT(refusal(things, {{.id = "bad", .vector = {Float::infinity(), 1}}}),
              HasSubstr("'bad' (index 0)"));
  EXPECT_THAT(refusal(things, {{.id = "bad", .vector = {0, 0}}}), HasSubstr("zero vector"));
}

TEST_P(VectorItems, WithIdsPayloadsAndColumnsThatCannotBeAreRefused) {
  const VectorCollection things =
      create({.dimension = 1,
              .columns = {{"lang", VectorColumnType::Text}, {"year", VectorColumnType::Integer}}});
  const auto with = [](auto change) {
    VectorItem item{.id = "a", .vector = {1}, .values = {{"lang", "de"}, {"year", 1}}};
    change(item);
    return Items{item};
  };
  EXPECT_THAT(refusal(things, with([](auto& i) { i.id.clear(); })), HasSubstr("an empty id"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.id.assign(513, 'x'); })),
              HasSubstr("longer than 512"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.id = "\xff"; })), HasSubstr("not UTF-8"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.payload = "\xff"; })),
              HasSubstr("a payload that is not UTF-8"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.values.erase("year"); })),
              HasSubstr("has no value for the column 'year'"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.values["jahr"] = 1; })),
              HasSubstr("has a value for 'jahr', which is no column"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.values["year"] = "1"; })),
              HasSubstr("has a text in the column 'year', which is of type integer"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.values["lang"] = Value(); })),
              HasSubstr("has no value in the column 'lang'"));
  EXPECT_THAT(refusal(things, with([](auto& i) { i.values["lang"] = "\xff"; })),
              HasSubstr("a text that is not UTF-8"));
}

TEST_P(VectorItems, DoNotReplaceThoseOfAHigherVersion) {
  const VectorCollection things = create({.dimension = 1});
  things.upsert(Items{{.id = "a", .vector = {1}, .version = 5}});
  EXPECT_EQ(things.upsert(Items{{.id = "a", .vector = {2}, .version = 4}}),
            (VectorUpsert{.stale = 1}));
  EXPECT_EQ(things.get("a")->vector, Floats{1});
  EXPECT_EQ(things.upsert(Items{{.id = "a", .vector = {3}, .version = 5}}),
            (VectorUpsert{.replaced = 1}));
}

TEST_P(VectorItems, AreWrittenWithTheCallersTransaction) {
  const VectorCollection things = create({.dimension = 1});
  EXPECT_THROW(db_.lane().write([&](WriteTx& tx) {
    things.upsert(tx, Items{{.id = "a", .vector = {1}}});
    EXPECT_THAT(ids_of(things.search(tx, Floats{1})), ElementsAre("a"));
    EXPECT_TRUE(things.get(tx, "a"));
    EXPECT_EQ(things.remove(tx, Ids{"a"}), 1);
    EXPECT_THAT(things.search(tx, Floats{1}), IsEmpty());
    things.upsert(tx, Items{{.id = "b", .vector = {1}}});
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_EQ(things.stats().items, 0);
  EXPECT_THAT(things.check(), IsEmpty());
}

// VEC-09: any number of ids in one call, with their marks.
TEST_P(VectorItems, AreRemovedByTheirIds) {
  const VectorCollection things = create({.dimension = 4});
  RandomVectors random(3, VectorElement::Float32, 4);
  Items batch;
  Ids ids;
  for (int i = 0; i < 10'000; ++i) {
    ids.push_back(std::to_string(i));
    batch.push_back({.id = ids.back(), .vector = random.next()});
  }
  batch.push_back({.id = "rest", .vector = random.next()});
  things.upsert(batch);
  db_.lane().write([&](WriteTx& tx) { (void)things.mark_pending(tx, "17"); });
  ids.push_back("never there");
  EXPECT_EQ(things.remove(ids), 10'000);
  EXPECT_EQ(things.remove(ids), 0);
  EXPECT_EQ(things.remove(Ids{}), 0);
  EXPECT_EQ(things.stats().items, 1);
  EXPECT_EQ(things.stats().pending, 0);
  EXPECT_THAT(ids_of(things.search(random.next(), {.limit = 9})), ElementsAre("rest"));
  EXPECT_THAT(things.check(), IsEmpty());
}

// VEC-09: content and vector go together, or stay together.
TEST_P(VectorItems, AreRemovedWithTheirContent) {
  const VectorCollection things = create({.dimension = 1});
  const Lane lane = db_.lane();
  lane.write([](WriteTx& tx) { tx.execute("CREATE TABLE note(id TEXT PRIMARY KEY)"); });
  Items batch;
  for (int i = 0; i < 100; ++i)
    batch.push_back({.id = std::to_string(i), .vector = {1}});
  lane.write([&](WriteTx& tx) {
    for (const VectorItem& item : batch)
      tx.execute("INSERT INTO note VALUES (?)", item.id);
    things.upsert(tx, batch);
  });
  lane.write([&](WriteTx& tx) {
    const auto old = tx.query<std::string>("SELECT id FROM note WHERE id < '5'").all();
    tx.execute("DELETE FROM note WHERE id < '5'");
    things.remove(tx, old);
  });
  EXPECT_EQ(run_raw(db_.file(),
                    "SELECT count(*) FROM vector_1_item WHERE id NOT IN (SELECT id FROM note)"),
            "0");
  EXPECT_EQ(things.stats().items, std::stoi(run_raw(db_.file(), "SELECT count(*) FROM note")));
}

// VEC-04: nearest first, five by default, with distance, columns and payload.
TEST_P(VectorItems, AreFoundNearestFirst) {
  const VectorCollection things = compass();
  const auto found = things.search(Floats{1, 0.5F});
  EXPECT_THAT(ids_of(found), ElementsAre("east", "north", "south", "west"));
  EXPECT_NEAR(found[0].distance, 1 - 1 / std::sqrt(1.25), 1e-12);
  EXPECT_NEAR(found[3].distance, 1 + 1 / std::sqrt(1.25), 1e-12);
  EXPECT_EQ(VectorSearch().limit, 5);
}

TEST_P(VectorItems, AreFoundWithAllThatBelongsToThem) {
  const VectorCollection things =
      create({.dimension = 1,
              .partition = VectorColumn{"tenant", VectorColumnType::Integer},
              .columns = {{"lang", VectorColumnType::Text}, {"score", VectorColumnType::Real}}});
  things.upsert(Items{{.id = "a",
                       .vector = {2},
                       .values = {{"tenant", 7}, {"lang", "de"}, {"score", 3}},
                       .payload = "[1]"}});
  const auto found = things.search(Floats{1});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].payload, "[1]");
  EXPECT_THAT(found[0].values,
              UnorderedElementsAre(Pair("tenant", Value(7)), Pair("lang", Value("de")),
                                   Pair("score", Value(3.0))));
}

// VEC-06: cosine does not know lengths.
TEST_P(VectorItems, OfOneDirectionAreEquallyFarUnderCosine) {
  const VectorCollection things = create({.dimension = 3});
  things.upsert(Items{{.id = "short", .vector = {1e-20F, 2e-20F, 2e-20F}},
                      {.id = "long", .vector = {1e18F, 2e18F, 2e18F}}});
  for (const VectorMatch& match : things.search(Floats{3, 6, 6}))
    EXPECT_LT(match.distance, 1e-6) << match.id;
}

TEST_P(VectorItems, AreMeasuredByTheMetricOfTheirCollection) {
  const VectorCollection things = create({.dimension = 2, .metric = VectorMetric::L2});
  things.upsert(Items{{.id = "far", .vector = {10, 0}}, {.id = "near", .vector = {0, 1}}});
  const auto found = things.search(Floats{1, 0});
  EXPECT_THAT(ids_of(found), ElementsAre("near", "far"));
  EXPECT_EQ(found[1].distance, 9);
}

TEST_P(VectorItems, ThatAreEquallyFarComeInTheOrderOfTheirIds) {
  const VectorCollection things = create({.dimension = 8, .metric = VectorMetric::L2});
  Items batch;
  for (int i = 0; i < 500; ++i)
    batch.push_back({.id = std::to_string((i * 37) % 500), .vector = Floats(8, 1)});
  things.upsert(batch);
  EXPECT_THAT(ids_of(things.search(Floats(8, 0), {.limit = 4})),
              ElementsAre("0", "1", "10", "100"));
}

TEST_P(VectorItems, BeyondTheLargestDistanceAreNotFound) {
  const VectorCollection things = compass();
  EXPECT_THAT(ids_of(things.search(Floats{1, 0}, {.max_distance = 1})),
              ElementsAre("east", "north", "south"));
  EXPECT_THAT(ids_of(things.search(Floats{1, 0}, {.max_distance = 0})), ElementsAre("east"));
  EXPECT_THAT(things.search(Floats{1, 0}, {.max_distance = -1}), IsEmpty());
}

// VEC-05: the filter comes before the limit, however far those are that it lets through.
TEST_P(VectorItems, AreFilteredBeforeTheyAreCounted) {
  const VectorCollection things =
      create({.dimension = 2, .columns = {{"kind", VectorColumnType::Text}}});
  Items batch;
  for (int i = 0; i < 1000; ++i) {
    const bool rare = i % 100 == 0;
    batch.push_back({.id = std::to_string(i),
                     .vector = {rare ? -1.0F : 1.0F, static_cast<float>(i) / 1000},
                     .values = {{"kind", rare ? "rare" : "common"}}});
  }
  things.upsert(batch);
  EXPECT_EQ(things.search(Floats{1, 0}, {.where = VectorFilter().equal("kind", "rare")}).size(),
            5U);
  EXPECT_EQ(
      things.search(Floats{1, 0}, {.limit = 50, .where = VectorFilter().equal("kind", "rare")})
          .size(),
      10U);
  EXPECT_THAT(things.search(Floats{1, 0}, {.where = VectorFilter().equal("kind", "none")}),
              IsEmpty());
}

TEST_P(VectorItems, OfNoValueAreFoundByNoFilter) {
  const VectorCollection things =
      create({.dimension = 1, .columns = {{"kind", VectorColumnType::Text}}});
  things.upsert(Items{{.id = "a", .vector = {1}, .values = {{"kind", "x"}}}});
  EXPECT_THAT(things.search(Floats{1}, {.where = VectorFilter().one_of("kind", {})}), IsEmpty());
}

TEST_P(VectorItems, MoveWithTheirPartition) {
  const VectorCollection things =
      create({.dimension = 1, .partition = VectorColumn{"tenant", VectorColumnType::Text}});
  const auto in = [&](const char* tenant) {
    return ids_of(things.search(Floats{1}, {.where = VectorFilter().equal("tenant", tenant)}));
  };
  things.upsert(Items{{.id = "a", .vector = {1}, .values = {{"tenant", "one"}}},
                      {.id = "b", .vector = {1}, .values = {{"tenant", "two"}}}});
  EXPECT_THAT(in("one"), ElementsAre("a"));
  things.upsert(Items{{.id = "a", .vector = {1}, .values = {{"tenant", "two"}}}});
  EXPECT_THAT(in("one"), IsEmpty());
  EXPECT_THAT(in("two"), ElementsAre("a", "b"));
  EXPECT_THAT(things.check(), IsEmpty());
}

TEST_P(VectorItems, AreSearchedByWhatFitsOnly) {
  const VectorCollection things = compass();
  const auto code = [&](const Floats& query, const VectorSearch& search) {
    return std::string(thrown<MisuseError>([&] { (void)things.search(query, search); }).code());
  };
  EXPECT_EQ(code({1}, {}), "VECTOR_INVALID");
  EXPECT_EQ(code({0, 0}, {}), "VECTOR_INVALID");
  EXPECT_EQ(code({1, NAN}, {}), "VECTOR_INVALID");
  EXPECT_EQ(code({1, 0}, {.limit = 0}), "OPTION_INVALID");
  EXPECT_EQ(code({1, 0}, {.limit = 10001}), "OPTION_INVALID");
  EXPECT_EQ(code({1, 0}, {.max_distance = NAN}), "OPTION_INVALID");
  EXPECT_EQ(code({1, 0}, {.rerank = 0}), "OPTION_INVALID");
  EXPECT_EQ(code({1, 0}, {.where = VectorFilter().equal("x", 1)}), "VECTOR_FILTER_INVALID");
}

TEST_P(VectorItems, AreFilteredByColumnsOfTheRightTypeOnly) {
  const VectorCollection things =
      create({.dimension = 1,
              .columns = {{"lang", VectorColumnType::Text}, {"year", VectorColumnType::Integer}}});
  const auto refusal = [&](const VectorFilter& filter) {
    const auto error =
        thrown<MisuseError>([&] { (void)things.search(Floats{1}, {.where = filter}); });
    EXPECT_EQ(error.code(), "VECTOR_FILTER_INVALID");
    return std::string(error.message()) + " " + std::string(error.hint());
  };
  EXPECT_THAT(refusal(VectorFilter().equal("yeer", 1)),
              HasSubstr("no column 'yeer' It has lang, year."));
  EXPECT_THAT(refusal(VectorFilter().equal("year", "1")), HasSubstr("is compared with a text"));
  EXPECT_THAT(refusal(VectorFilter().equal("year", 1.5)), HasSubstr("with a real number"));
  EXPECT_THAT(refusal(VectorFilter().one_of("lang", {"a", 1})), HasSubstr("with an integer"));
  EXPECT_THAT(refusal(VectorFilter().one_of("year", std::vector<Value>(1001, 1))),
              HasSubstr("1001 values"));
}

TEST_P(VectorItems, OfAnEmptyCollectionAreNone) {
  const VectorCollection things = create({.dimension = 2});
  EXPECT_THAT(things.search(Floats{1, 0}), IsEmpty());
  EXPECT_EQ(things.get("a"), std::nullopt);
  EXPECT_THAT(things.check(), IsEmpty());
  EXPECT_EQ(things.rebuild().moved, 0);
}

INSTANTIATE_TEST_SUITE_P(In, VectorItems, testing::ValuesIn(vector_storages()),
                         [](const auto& storage) {
                           return storage.param == VectorStorage::Packed ? "Packed" : "SqliteVec";
                         });

}  // namespace
}  // namespace turnstile::test
