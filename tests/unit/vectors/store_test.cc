// Collections: made, opened, compared with what the program asks for, begun anew, dropped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

const VectorDefinition kNotes{
    .dimension = 4,
    .model = "model-a",
    .partition = VectorColumn{"tenant", VectorColumnType::Integer},
    .columns = {{"lang", VectorColumnType::Text}, {"score", VectorColumnType::Real}}};

std::string why_invalid(const VectorDatabase& db, const VectorDefinition& definition) {
  const auto error = thrown<MisuseError>([&] { db.store().create("x", definition); });
  EXPECT_EQ(error.code(), "VECTOR_COLLECTION_INVALID");
  EXPECT_THAT(db.store().names(), IsEmpty());
  return std::string(error.message());
}

// VEC-06: the metric is stored, and cosine unless another one is asked for.
TEST(VectorStore, OpensWhatItHasMade) {
  const VectorDatabase db;
  VectorDefinition wanted = kNotes;
  EXPECT_EQ(db.create(wanted, "notes").definition().metric, VectorMetric::Cosine);
  wanted.metric = VectorMetric::Cosine;
  EXPECT_EQ(db.store().open("notes").definition(), wanted);
  EXPECT_EQ(db.store().open("notes").name(), "notes");
}

TEST(VectorStore, KeepsEveryPartOfADefinition) {
  const VectorDatabase db;
  VectorDefinition definition{.dimension = 16,
                              .model = "m\xC3\xBCller/v2, 'quoted'",
                              .metric = VectorMetric::Hamming,
                              .element = VectorElement::Bit};
  db.create(definition, "bits");
  EXPECT_EQ(db.store().open("bits").definition(), definition);
  definition = {
      .dimension = 16384, .metric = VectorMetric::InnerProduct, .codes = VectorCodes::Bit};
  db.create(definition, "long");
  EXPECT_EQ(db.store().open("long").definition(), definition);
  EXPECT_THAT(db.store().names(), ElementsAre("bits", "long"));
}

TEST(VectorStore, GivesBitsTheHammingMetric) {
  const VectorDatabase db;
  EXPECT_EQ(db.create({.dimension = 8, .element = VectorElement::Bit}).definition().metric,
            VectorMetric::Hamming);
}

TEST(VectorStore, MakesACollectionOnce) {
  const VectorDatabase db;
  db.create(kNotes, "notes");
  EXPECT_EQ(thrown<MisuseError>([&] { db.create(kNotes, "notes"); }).code(),
            "VECTOR_COLLECTION_EXISTS");
  EXPECT_NO_THROW(db.store().open_or_create("notes", kNotes));
}

TEST(VectorStore, DoesNotOpenWhatIsNotThere) {
  const VectorDatabase db;
  EXPECT_EQ(thrown<Error>([&] { (void)db.store().open("notes"); }).code(),
            "VECTOR_COLLECTION_UNKNOWN");
}

// VEC-07: another dimension or model is an error that names both sides and the way out.
TEST(VectorStore, NamesBothSidesOfADifference) {
  const VectorDatabase db;
  db.store().open_or_create("notes", {.dimension = 128, .model = "small"});
  const auto error = thrown<Error>([&] {
    db.store().open_or_create("notes",
                              {.dimension = 768, .model = "large", .metric = VectorMetric::L2});
  });
  EXPECT_EQ(error.code(), "VECTOR_COLLECTION_DIFFERS");
  EXPECT_EQ(error.message(),
            "the collection 'notes' has another definition than is asked for: dimension 128, not "
            "768; model 'small', not 'large'; metric cosine, not l2");
  EXPECT_THAT(error.hint(), HasSubstr("VectorStore::redefine"));
  EXPECT_EQ(db.store().open("notes").definition().dimension, 128);
}

TEST(VectorStore, NoticesEveryDifference) {
  const VectorDatabase db;
  db.create(kNotes, "notes");
  const auto differs = [&](auto change) {
    VectorDefinition wanted = kNotes;
    change(wanted);
    EXPECT_EQ(thrown<Error>([&] { db.store().open_or_create("notes", wanted); }).code(),
              "VECTOR_COLLECTION_DIFFERS");
  };
  differs([](auto& d) { d.element = VectorElement::Int8; });
  differs([](auto& d) { d.codes = VectorCodes::Bit; });
  differs([](auto& d) { d.partition.reset(); });
  differs([](auto& d) { d.partition->type = VectorColumnType::Text; });
  differs([](auto& d) { d.columns.pop_back(); });
  differs([](auto& d) { d.columns.front().name = "language"; });
  differs([](auto& d) { d.columns.front().type = VectorColumnType::Integer; });
#ifdef TURNSTILE_TEST_VEC0
  differs([](auto& d) { d.storage = VectorStorage::SqliteVec; });
#endif
}

TEST(VectorStore, RefusesDefinitionsThatCannotBe) {
  const VectorDatabase db;
  EXPECT_THAT(why_invalid(db, {.dimension = 0}), HasSubstr("is not from 1 to 16384"));
  EXPECT_THAT(why_invalid(db, {.dimension = 16385}), HasSubstr("is not from 1 to 16384"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8193, .storage = VectorStorage::SqliteVec}),
              HasSubstr("is not from 1 to 8192"));
  EXPECT_THAT(why_invalid(db, {.dimension = 12, .element = VectorElement::Bit}),
              HasSubstr("no multiple of 8"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .metric = VectorMetric::Hamming}),
              HasSubstr("hamming is for bits"));
  EXPECT_THAT(
      why_invalid(db,
                  {.dimension = 8, .metric = VectorMetric::Cosine, .element = VectorElement::Bit}),
      HasSubstr("bits are for hamming"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8,
                               .metric = VectorMetric::InnerProduct,
                               .storage = VectorStorage::SqliteVec}),
              HasSubstr("no inner product"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = {{"a b"}}}), HasSubstr("'a b'"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = {{"1a"}}}), HasSubstr("'1a'"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = {{""}}}), HasSubstr("''"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = {{"Slot"}}}), HasSubstr("is taken"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = {{"a"}, {"A"}}}),
              HasSubstr("is there twice"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .partition = VectorColumn{"a"}, .columns = {{"a"}}}),
              HasSubstr("is there twice"));
  EXPECT_THAT(
      why_invalid(db, {.dimension = 8, .partition = VectorColumn{"a", VectorColumnType::Real}}),
      HasSubstr("not by real numbers"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .columns = std::vector<VectorColumn>(17)}),
              HasSubstr("17 columns are too many"));
  EXPECT_THAT(why_invalid(db, {.dimension = 8, .model = std::string(256, 'x')}),
              HasSubstr("longer than 255"));
}

TEST(VectorStore, RefusesNamesThatCannotBe) {
  const VectorDatabase db;
  for (const std::string& name : {std::string(), std::string("a b"), std::string("x'; DROP"),
                                  std::string(65, 'x'), std::string("\xC3\xA4")}) {
    EXPECT_EQ(thrown<MisuseError>([&] { db.store().create(name, kNotes); }).code(),
              "VECTOR_COLLECTION_INVALID");
    EXPECT_EQ(thrown<MisuseError>([&] { db.store().open_or_create(name, kNotes); }).code(),
              "VECTOR_COLLECTION_INVALID");
  }
}

#ifdef TURNSTILE_TEST_VEC0
// BOOT-12 asks for this of an optional subsystem.
TEST(VectorStore, SaysWhatIsMissingWithoutTheExtension) {
  const VectorDatabase db{Options{}};
  const VectorDefinition definition{.dimension = 4, .storage = VectorStorage::SqliteVec};
  const auto error = thrown<Error>([&] { db.create(definition); });
  EXPECT_EQ(error.code(), "VECTOR_EXTENSION_MISSING");
  EXPECT_THAT(error.hint(), HasSubstr("Options::extensions"));
  EXPECT_THAT(db.store().names(), IsEmpty());
}

TEST(VectorStore, SaysSoOfACollectionThatIsThere) {
  VectorDatabase db;
  db.create({.dimension = 4, .storage = VectorStorage::SqliteVec}, "vec");
  db.database().close();
  const Database plain = Database::open(db.file());
  const VectorStore store(plain.lane("plain"));
  const auto code = [](const auto& call) { return std::string(thrown<Error>(call).code()); };
  EXPECT_EQ(code([&] { (void)store.open("vec"); }), "VECTOR_EXTENSION_MISSING");
  EXPECT_EQ(code([&] { store.drop("vec"); }), "VECTOR_EXTENSION_MISSING");
  EXPECT_EQ(code([&] { store.redefine("vec", {.dimension = 8}); }), "VECTOR_EXTENSION_MISSING");
}
#endif

// VEC-07: the way out.
TEST(VectorStore, BeginsACollectionAnewWithEveryIdMarked) {
  const VectorDatabase db;
  const VectorCollection former = db.create({.dimension = 2, .model = "small"}, "notes");
  former.upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0}, .version = 7},
                                        {.id = "b", .vector = {0, 1}}});
  db.lane().write([&](WriteTx& tx) { (void)former.mark_pending(tx, "b", 9); });
  const VectorCollection anew = db.store().redefine("notes", {.dimension = 3, .model = "large"});
  EXPECT_EQ(anew.stats().items, 0);
  EXPECT_EQ(anew.stats().pending, 2);
  EXPECT_EQ(
      run_raw(db.file(),
              "SELECT group_concat(id || version) FROM (SELECT * FROM vector_pending ORDER BY 3)"),
      "a7,b9");
  EXPECT_EQ(thrown<Error>([&] {
              (void)former.search(std::vector<float>{1, 0});
            }).code(),
            "VECTOR_COLLECTION_UNKNOWN");
  EXPECT_EQ(
      anew.upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0, 0}, .version = 7}}).inserted,
      1);
  EXPECT_EQ(anew.stats().pending, 1);
}

TEST(VectorStore, DropsACollectionWithAllThatIsInIt) {
  for (const VectorStorage storage : vector_storages()) {
    const VectorDatabase db;
    VectorDefinition definition = kNotes;
    definition.storage = storage;
    const VectorCollection notes = db.create(definition, "notes");
    db.lane().write([&](WriteTx& tx) { (void)notes.mark_pending(tx, "a"); });
    EXPECT_TRUE(db.store().drop("notes"));
    EXPECT_FALSE(db.store().drop("notes"));
    EXPECT_EQ(run_raw(db.file(),
                      "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = "
                      "'table' AND name LIKE 'vector%' ORDER BY name)"),
              "vector_collection,vector_pending");
    EXPECT_EQ(run_raw(db.file(), "SELECT count(*) FROM vector_pending"), "0");
    EXPECT_EQ(thrown<Error>([&] { (void)notes.get("a"); }).code(), "VECTOR_COLLECTION_UNKNOWN");
  }
}

// VEC-01: a lane is all that the store has, and the pool stays as it was made.
TEST(VectorStore, LeavesThePoolAsItIs) {
  VectorDatabase db;
  const auto settings = [&] {
    std::vector<std::string> all;
    for (const Setting& setting : db.database().info().settings)
      all.push_back(setting.name + "=" + setting.in_force);
    return all;
  };
  const auto before = settings();
  const VectorCollection things = db.create({.dimension = 2});
  things.upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0}}});
  (void)things.search(std::vector<float>{1, 0});
  things.rebuild();
  EXPECT_EQ(settings(), before);
  EXPECT_EQ(db.database().info().pool.connections, 4);
}

TEST(VectorStore, WritesNothingWhereItFindsItsTables) {
  const VectorDatabase db;
  (void)db.store();
  RawSqlite other(db.file());
  const std::string version = other.run("PRAGMA data_version");
  (void)db.store();
  EXPECT_EQ(other.run("PRAGMA data_version"), version);
  db.create({.dimension = 2});
  EXPECT_NE(other.run("PRAGMA data_version"), version);
}

TEST(VectorStore, ReadsAFileThatMayNotBeWritten) {
  VectorDatabase db;
  db.create({.dimension = 2}, "notes")
      .upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0}}});
  db.database().close();
  const Database read_only = Database::open(db.file(), {.mode = OpenMode::ReadOnly});
  const VectorStore store(read_only.lane("reader"));
  EXPECT_THAT(ids_of(store.open("notes").search(std::vector<float>{1, 0})), ElementsAre("a"));
  EXPECT_EQ(thrown<MisuseError>([&] { store.create("x", {.dimension = 2}); }).code(),
            "DB_READ_ONLY");
}

TEST(VectorStore, FindsNothingInAReadOnlyFileThatNeverHadOne) {
  VectorDatabase db;
  db.lane().write([](WriteTx& tx) { tx.execute("CREATE TABLE t(x)"); });
  db.database().close();
  const Database read_only = Database::open(db.file(), {.mode = OpenMode::ReadOnly});
  const VectorStore store(read_only.lane("reader"));
  EXPECT_THAT(store.names(), IsEmpty());
  EXPECT_EQ(thrown<Error>([&] { (void)store.open("notes"); }).code(), "VECTOR_COLLECTION_UNKNOWN");
}

TEST(VectorStore, WorksInMemory) {
  const Database db = Database::open("vectors", {.mode = OpenMode::Memory});
  const VectorCollection notes = VectorStore(db.lane("v")).create("notes", {.dimension = 2});
  notes.upsert(std::vector<VectorItem>{{.id = "a", .vector = {1, 0}}});
  EXPECT_THAT(ids_of(notes.search(std::vector<float>{1, 0})), ElementsAre("a"));
}

}  // namespace
}  // namespace turnstile::test
