// The tables of described records in a file: made, extended, and never changed otherwise.
#include "turnstile/records/record_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/interleaving.h"
#include "support/raw_sqlite.h"
#include "support/run_script.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/records.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

// What a program called a document in its first version, and in its second.

struct OldDocument {
  std::int64_t id = 0;
  std::string title;

  bool operator==(const OldDocument&) const = default;
};

struct UniqueDocument {
  std::int64_t id = 0;
  std::string title;
};

struct Document {
  std::int64_t id = 0;
  std::string title;
  std::optional<std::string> meta;
  std::int32_t size = 0;
  std::optional<std::int64_t> parent;
  std::optional<std::string> slug;
  std::int64_t version = 0;

  bool operator==(const Document&) const = default;
};

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::OldDocument> {
  using Document = turnstile::test::OldDocument;
  static constexpr auto table() {
    return turnstile::table("document", column<&Document::id>("id").primary_key(),
                            column<&Document::title>("title"));
  }
};

template <>
struct turnstile::Describe<turnstile::test::UniqueDocument> {
  using Document = turnstile::test::UniqueDocument;
  static constexpr auto table() {
    return turnstile::table("document", column<&Document::id>("id").primary_key(),
                            column<&Document::title>("title").unique());
  }
};

template <>
struct turnstile::Describe<turnstile::test::Document> {
  using Document = turnstile::test::Document;
  static constexpr auto table() {
    return turnstile::table(
        "document", column<&Document::id>("id").primary_key(), column<&Document::title>("title"),
        column<&Document::meta>("meta").json(),
        column<&Document::size>("size").default_to(0).check("size >= 0"),
        column<&Document::parent>("parent").references<Document>(OnDelete::SetNull),
        column<&Document::slug>("slug").unique(), column<&Document::version>("version").version(),
        index<&Document::title, &Document::size>("document_by_title").where("size > 0"),
        check("slug <> title"));
  }
};

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

std::vector<std::string> clauses(const std::vector<SchemaDifference>& differences) {
  std::vector<std::string> list;
  for (const SchemaDifference& each : differences)
    list.push_back(each.describe());
  return list;
}

class RecordSchemas : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("a.db"); }
  [[nodiscard]] std::string run(const std::string& sql) const { return run_raw(path(), sql); }

  TempDir directory_;
  Database database_ = Database::open(path());
  Lane lane_ = database_.lane("documents");
  const RecordSchema old_ = RecordSchema::of<OldDocument>();
  const RecordSchema new_ = RecordSchema::of<Document>();
};

TEST_F(RecordSchemas, MakeTheTableAndFindNothingMoreToDo) {
  EXPECT_TRUE(new_.ensure(lane_));
  const RecordSchemaPlan plan = new_.plan(lane_);
  EXPECT_THAT(clauses(plan.additions), IsEmpty());
  EXPECT_THAT(clauses(plan.conflicts), IsEmpty());
  EXPECT_THAT(clauses(plan.leftovers), IsEmpty());
  EXPECT_EQ(plan.sql, "");
  EXPECT_NO_THROW(new_.require(lane_));
}

TEST_F(RecordSchemas, WriteNothingWhenThereIsNothingToDo) {
  new_.ensure(lane_);
  RawSqlite other(path());
  const std::string before = other.run("PRAGMA data_version");
  EXPECT_FALSE(new_.ensure(lane_));
  const Records<Document> documents(lane_);
  EXPECT_EQ(other.run("PRAGMA data_version"), before);
  documents.insert({.title = "a"});
  EXPECT_NE(other.run("PRAGMA data_version"), before);
}

TEST_F(RecordSchemas, LeaveARecordOfWhatTheyDid) {
  new_.ensure(lane_);
  EXPECT_THAT(run("SELECT component FROM turnstile_migration"), testing::StartsWith("records."));
  EXPECT_EQ(run("SELECT name FROM turnstile_migration"), "document");
}

TEST_F(RecordSchemas, AddWhatAnOldFileLacks) {
  const Records<OldDocument> before(lane_);
  before.insert({.title = "a"});
  EXPECT_TRUE(new_.ensure(lane_));
  const Records<Document> after(lane_, {.tables = RecordTables::Require});
  Document document = *after.get(1);
  EXPECT_EQ(document, (Document{.id = 1, .title = "a", .version = 1}));
  document.parent = 1;
  document.slug = "b";
  EXPECT_EQ(after.update(document), UpdateResult::Updated);
  EXPECT_THAT(after.get(1), Optional(document));
}

TEST_F(RecordSchemas, ComeToTheSameByAdditionAsByCreation) {
  old_.ensure(lane_);
  new_.ensure(lane_);
  const TempDir other;
  const Database fresh = Database::open(other.file("a.db"));
  new_.ensure(fresh.lane("documents"));
  EXPECT_THAT(clauses(database_.compare_schema(new_.sql(), ExtraObjects::Report)), IsEmpty());
  EXPECT_THAT(clauses(fresh.compare_schema(new_.sql(), ExtraObjects::Report)), IsEmpty());
}

TEST_F(RecordSchemas, EnforceInAddedColumnsWhatIsDescribed) {
  old_.ensure(lane_);
  const Records<Document> documents(lane_);
  EXPECT_THROW(documents.insert({.title = "a", .meta = "no JSON"}), ConstraintError);
  EXPECT_THROW(documents.insert({.title = "a", .size = -1}), ConstraintError);
  EXPECT_THROW(documents.insert({.title = "a", .parent = 17}), ConstraintError);
  EXPECT_THROW(documents.insert({.title = "a", .slug = "a"}), ConstraintError);
  documents.insert({.title = "a", .slug = "x"});
  EXPECT_THROW(documents.insert({.title = "b", .slug = "x"}), ConstraintError);
}

TEST_F(RecordSchemas, GiveAStepThatCanBeSavedAndRun) {
  old_.ensure(lane_);
  const RecordSchemaPlan plan = new_.plan(lane_);
  EXPECT_THAT(plan.sql, AllOf(HasSubstr("ALTER TABLE \"document\" ADD COLUMN \"meta\" TEXT"),
                              HasSubstr("CREATE UNIQUE INDEX \"document_slug_unique\"")));
  lane_.migrate("documents", {plan.step(1, "more columns")});
  EXPECT_NO_THROW(new_.require(lane_));
}

TEST_F(RecordSchemas, GiveNoStepWhereThereIsNothingToAdd) {
  new_.ensure(lane_);
  const RecordSchemaPlan plan = new_.plan(lane_);
  EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(plan.step(1, "nothing")); }).code(),
            "MIGRATION_INVALID");
}

TEST_F(RecordSchemas, LeaveColumnsOfANewerProgramAlone) {
  new_.ensure(lane_);
  EXPECT_FALSE(old_.ensure(lane_));
  EXPECT_THAT(clauses(old_.plan(lane_).leftovers), SizeIs(9));
  const Records<OldDocument> documents(lane_);
  documents.insert({.title = "a"});
  EXPECT_THAT(Records<Document>(lane_).get(1),
              Optional(Document{.id = 1, .title = "a", .version = 1}));
}

struct Destruction {
  std::string name;
  std::string file;
  std::string clause;
};

class DestructiveDifferences : public RecordSchemas,
                               public testing::WithParamInterface<Destruction> {};

TEST_P(DestructiveDifferences, AreNamedAndNeverMade) {
  static_cast<void>(run(GetParam().file));
  const std::string before = run("SELECT group_concat(sql) FROM sqlite_schema");
  const auto error = thrown<MigrationError>([&] { Records<Document> documents(lane_); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_DIFFERS");
  EXPECT_THAT(error.what(), HasSubstr(GetParam().clause));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
  EXPECT_THAT(clauses(new_.plan(lane_).conflicts), testing::Contains(GetParam().clause));
  EXPECT_EQ(run("SELECT group_concat(sql) FROM sqlite_schema"), before);
}

INSTANTIATE_TEST_SUITE_P(
    RecordSchemas, DestructiveDifferences,
    testing::Values(
        Destruction{"OtherType",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title BLOB NOT NULL) STRICT",
                    "column document.title: expected TEXT NOT NULL, found BLOB NOT NULL"},
        Destruction{"NotNullMissing",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT) STRICT",
                    "column document.title: expected TEXT NOT NULL, found TEXT"},
        Destruction{"NotNullWithoutADefault",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY) STRICT",
                    "column document.title: expected TEXT NOT NULL, found nothing"},
        Destruction{"KeyMissing", "CREATE TABLE document(title TEXT NOT NULL) STRICT",
                    "column document.id: expected INTEGER, found nothing"},
        Destruction{"NotStrict",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT NOT NULL)",
                    "table document, options: expected STRICT, found none"},
        Destruction{"ColumnThatMustBeGiven",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT NOT NULL, more TEXT "
                    "NOT NULL) STRICT",
                    "column document.more: expected nothing, found TEXT NOT NULL"},
        Destruction{"CheckTooMany",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT NOT NULL, CHECK "
                    "(title <> '')) STRICT",
                    "table document, check (title < > ''): expected nothing, found CHECK (title < "
                    "> '')"},
        Destruction{"CheckMissing",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT NOT NULL, size "
                    "INTEGER NOT NULL DEFAULT 0) STRICT",
                    "table document, check (size > = 0): expected CHECK (size > = 0), found "
                    "nothing"},
        Destruction{"OtherIndex",
                    "CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT; "
                    "CREATE INDEX document_by_title ON document(title)",
                    "index document_by_title: expected on document ( title , size ) where size > "
                    "0, found ON document (title)"},
        Destruction{"OtherKey",
                    "CREATE TABLE document(id INTEGER NOT NULL, title TEXT NOT NULL, PRIMARY KEY "
                    "(id, title)) STRICT",
                    "table document, primary key: expected (id), found (id, title)"}),
    [](const auto& test) { return test.param.name; });

TEST_F(RecordSchemas, RequireNamesWhatIsMissingAndMakesNothing) {
  old_.ensure(lane_);
  const auto error = thrown<MigrationError>(
      [&] { const Records<Document> documents(lane_, {.tables = RecordTables::Require}); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_DIFFERS");
  EXPECT_THAT(error.what(), HasSubstr("column document.meta: expected TEXT, found nothing"));
  EXPECT_NO_THROW(old_.require(lane_));
}

TEST_F(RecordSchemas, TrustDoesNotLook) {
  const Records<Document> documents(lane_, {.tables = RecordTables::Trust});
  EXPECT_EQ(thrown<Error>([&] { static_cast<void>(documents.get(1)); }).code(), "SQL_ERROR");
}

TEST_F(RecordSchemas, AreCheckedInAFileThatIsOnlyRead) {
  new_.ensure(lane_);
  database_.close();
  const Database reader = Database::open(path(), {.mode = OpenMode::ReadOnly});
  const Records<Document> documents(reader.lane("documents"));
  EXPECT_EQ(documents.select().count(), 0);
}

TEST_F(RecordSchemas, AreNotMadeInAFileThatIsOnlyRead) {
  lane_.write([](WriteTx& tx) { tx.execute_script("CREATE TABLE other(x)"); });
  database_.close();
  const Database reader = Database::open(path(), {.mode = OpenMode::ReadOnly});
  EXPECT_THROW(new_.ensure(reader.lane("documents")), Error);
}

TEST_F(RecordSchemas, LeaveTheTableAsItIsWhenAnAdditionFails) {
  const Records<OldDocument> documents(lane_);
  documents.insert_all(std::vector<OldDocument>{{.title = "a"}, {.title = "a"}});
  const std::string before = run("SELECT group_concat(sql) FROM sqlite_schema");
  const auto error =
      thrown<MigrationError>([&] { RecordSchema::of<UniqueDocument>().ensure(lane_); });
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("UNIQUE constraint failed: document.title"));
  EXPECT_EQ(run("SELECT group_concat(sql) FROM sqlite_schema"), before);
}

TEST_F(RecordSchemas, DoNotReplaceAViewOfTheName) {
  static_cast<void>(run("CREATE VIEW document AS SELECT 1 AS id"));
  EXPECT_EQ(thrown<MigrationError>([&] { new_.ensure(lane_); }).code(), "MIGRATION_FAILED");
  EXPECT_EQ(run("SELECT type FROM sqlite_schema WHERE name = 'document'"), "view");
}

TEST_F(RecordSchemas, DoNotBringBackWhatSomebodyRemoved) {
  new_.ensure(lane_);
  run_script(lane_, "DROP INDEX document_by_title");
  const auto error = thrown<MigrationError>([&] { new_.ensure(lane_); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_DIFFERS");
  EXPECT_THAT(error.what(), HasSubstr("index document_by_title"));
}

// Another thread, or process, adds the same between the look and the turn.
TEST_F(RecordSchemas, AreMadeOnceByThoseThatComeAtTheSameTime) {
  AtPoint inside("migrate:began", 1);
  std::jthread first([&] { EXPECT_TRUE(new_.ensure(lane_)); });
  inside.wait_until_reached();
  std::jthread second([&] { EXPECT_FALSE(new_.ensure(lane_)); });
  std::jthread third([&] { EXPECT_FALSE(old_.ensure(lane_)); });
  inside.release();
  first.join();
  second.join();
  third.join();
  EXPECT_NO_THROW(new_.require(lane_));
}

}  // namespace
}  // namespace turnstile::test
