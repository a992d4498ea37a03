// Comparing a file's schema with what the program needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "database/migration/sql_tokens.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using database::normalised;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The differences between what two scripts make, one clause each.
std::vector<std::string> differences(const std::string& expected, const std::string& found,
                                     ExtraObjects extra = ExtraObjects::Ignore) {
  const TempDir directory;
  static_cast<void>(run_raw(directory.file("a.db"), found));
  const Database db = Database::open(directory.file("a.db"));
  std::vector<std::string> clauses;
  for (const SchemaDifference& each : db.compare_schema(expected, extra))
    clauses.push_back(each.describe());
  return clauses;
}

TEST(SchemaText, IsTheSameWithoutBlanksCommentsAndQuotes) {
  EXPECT_EQ(normalised("CREATE  TABLE \"Note\"(\n id -- the key\n, [Text] /* of it */)"),
            normalised("create table note(ID,`text`)"));
}

TEST(SchemaText, KeepsWhatIsInStrings) {
  EXPECT_NE(normalised("SELECT 'a  b'"), normalised("SELECT 'a b'"));
  EXPECT_NE(normalised("SELECT 'A'"), normalised("SELECT 'a'"));
  EXPECT_EQ(normalised("SELECT 'it''s -- no comment'"), "select 'it''s -- no comment'");
}

TEST(SchemaText, EndsWithItsTextWhateverIsLeftOpen) {
  for (const char* sql : {"'open", "\"open", "[open", "/* open", "-- open", "''", "'", "[", "("})
    EXPECT_LE(normalised(sql).size(), 10U) << sql;
}

TEST(CompareSchema, FindsNoDifferenceBetweenTheSameTables) {
  const std::string sql =
      "CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE,"
      " size INT CHECK (size > 0), twice INT AS (size * 2), UNIQUE(name, size)) STRICT;"
      "CREATE TABLE c(p INTEGER REFERENCES p(id) ON DELETE CASCADE, PRIMARY KEY(p)) WITHOUT ROWID;"
      "CREATE INDEX by_name ON p(name DESC) WHERE size > 3; CREATE VIEW v AS SELECT * FROM p;"
      "CREATE TRIGGER t AFTER INSERT ON p BEGIN DELETE FROM c; END;"
      "CREATE VIRTUAL TABLE f USING fts5(body);";
  EXPECT_THAT(differences(sql, sql), IsEmpty());
}

TEST(CompareSchema, TakesAlteredTablesForWhatTheyAre) {
  EXPECT_THAT(differences("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT, at INTEGER)",
                          "CREATE TABLE old(id integer primary key, body text);"
                          "ALTER TABLE old RENAME TO note; ALTER TABLE note ADD at INTEGER;"
                          "ALTER TABLE note RENAME COLUMN body TO \"text\""),
              IsEmpty());
}

// VSC-04: what is missing is named, and nothing else.
TEST(CompareSchema, NamesEachTableThatIsMissing) {
  EXPECT_THAT(differences("CREATE TABLE a(x); CREATE TABLE b(x)", "CREATE TABLE b(x)"),
              ElementsAre("table a: expected the table, found nothing"));
}

TEST(CompareSchema, NamesColumnsThatAreMissingOtherOrTooMany) {
  EXPECT_THAT(differences("CREATE TABLE a(x TEXT NOT NULL, y INT, w TEXT)",
                          "CREATE TABLE a(x TEXT, z REAL DEFAULT 1, w VARCHAR(9))"),
              ElementsAre("column a.w: expected TEXT, found VARCHAR ( 9 )",
                          "column a.x: expected TEXT NOT NULL, found TEXT",
                          "column a.y: expected INT, found nothing",
                          "column a.z: expected nothing, found REAL DEFAULT 1"));
}

TEST(CompareSchema, SeesCollationsAndGeneratedColumns) {
  EXPECT_THAT(differences("CREATE TABLE a(x TEXT COLLATE NOCASE, y AS (x || 'a'))",
                          "CREATE TABLE a(x TEXT, y AS (x || 'b'))"),
              ElementsAre("column a.x: expected TEXT COLLATE NOCASE, found TEXT",
                          HasSubstr("column a.y: expected AS (x | | 'a')")));
}

TEST(CompareSchema, SeesChecks) {
  EXPECT_THAT(differences("CREATE TABLE a(x CHECK (x > 0))", "CREATE TABLE a(x, CHECK(x>1))"),
              ElementsAre("table a, check (x > 0): expected CHECK (x > 0), found nothing",
                          "table a, check (x > 1): expected nothing, found CHECK (x > 1)"));
}

TEST(CompareSchema, SeesKeys) {
  EXPECT_THAT(differences("CREATE TABLE a(x, y, PRIMARY KEY(x, y), UNIQUE(y))",
                          "CREATE TABLE a(x PRIMARY KEY, y)"),
              ElementsAre("table a, primary key: expected (x, y), found (x)",
                          "table a, unique (y): expected UNIQUE (y), found nothing"));
}

TEST(CompareSchema, SeesForeignKeysAndTheirActions) {
  EXPECT_THAT(
      differences("CREATE TABLE p(x PRIMARY KEY); CREATE TABLE a(y REFERENCES p ON DELETE CASCADE)",
                  "CREATE TABLE p(x PRIMARY KEY); CREATE TABLE a(y REFERENCES p)"),
      ElementsAre(AllOf(HasSubstr("foreign key (y) to p"), HasSubstr("found REFERENCES p "),
                        HasSubstr("ON DELETE CASCADE"))));
}

TEST(CompareSchema, SeesWhatKindOfTableItIs) {
  EXPECT_THAT(differences("CREATE TABLE a(x INT PRIMARY KEY) STRICT, WITHOUT ROWID",
                          "CREATE TABLE a(x INT PRIMARY KEY NOT NULL)"),
              testing::Contains("table a, options: expected STRICT, WITHOUT ROWID, found none"));
  EXPECT_THAT(differences("CREATE TABLE a(x INTEGER PRIMARY KEY AUTOINCREMENT)",
                          "CREATE TABLE a(x INTEGER PRIMARY KEY)"),
              ElementsAre("table a, options: expected AUTOINCREMENT, found none"));
  EXPECT_THAT(differences("CREATE TABLE a(x)", "CREATE VIRTUAL TABLE a USING fts5(x)"),
              ElementsAre("table a: expected a table, found a virtual table"));
}

TEST(CompareSchema, SeesIndexes) {
  const std::string table = "CREATE TABLE a(x, y);";
  EXPECT_THAT(differences(table + "CREATE UNIQUE INDEX i ON a(x, y)",
                          table + "CREATE INDEX i ON a(y COLLATE NOCASE DESC)"),
              ElementsAre("index i: expected UNIQUE ON a (x, y), found ON a (y COLLATE NOCASE "
                          "DESC)"));
  EXPECT_THAT(differences(table + "CREATE INDEX i ON a(x)", table + "CREATE INDEX i ON A (x ASC)"),
              IsEmpty());
  EXPECT_THAT(differences(table + "CREATE INDEX i ON a(x) WHERE y > 1",
                          table + "CREATE INDEX i ON a(x) WHERE y > 2"),
              ElementsAre(HasSubstr("found on a ( x ) where y > 2")));
  EXPECT_THAT(
      differences(table + "CREATE INDEX i ON a(x + 1)", table + "CREATE INDEX i ON a(x + 2)"),
      ElementsAre(HasSubstr("expected on a ( x + 1 )")));
}

TEST(CompareSchema, SeesViewsAndTriggers) {
  const std::string table = "CREATE TABLE a(x);";
  EXPECT_THAT(differences(table + "CREATE VIEW v AS SELECT x FROM a",
                          table + "CREATE VIEW v AS SELECT x + 1 FROM a"),
              ElementsAre(HasSubstr("view v: expected")));
  EXPECT_THAT(differences(table + "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END", table),
              ElementsAre(HasSubstr("trigger t: expected create trigger")));
}

TEST(CompareSchema, LeavesFurtherObjectsAloneUnlessAsked) {
  const std::string more = "CREATE TABLE a(x); CREATE TABLE b(x); CREATE INDEX i ON a(x)";
  EXPECT_THAT(differences("CREATE TABLE a(x)", more), IsEmpty());
  EXPECT_THAT(differences("CREATE TABLE a(x)", more, ExtraObjects::Report),
              ElementsAre("index i: expected nothing, found ON a (x)",
                          "table b: expected nothing, found the table"));
}

TEST(CompareSchema, DoesNotCountTheLibrarysOwnTables) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) { (void)tx.once("key"); });
  EXPECT_THAT(db->compare_schema(note_schema()[0].sql, ExtraObjects::Report), IsEmpty());
}

TEST(CompareSchema, RefusesAScriptThatDoesNotParse) {
  NoteDatabase db;
  EXPECT_EQ(thrown<Error>([&] { (void)db->compare_schema("CREATE TABL a(x)"); }).code(),
            "SQL_ERROR");
}

TEST(CompareSchema, SeesWhatItsTransactionHasChanged) {
  NoteDatabase db;
  const std::string sql = note_schema()[0].sql + "; CREATE TABLE tag(name)";
  db.lane().write([&](WriteTx& tx) {
    EXPECT_THAT(compare_schema(tx, sql), SizeIs(1));
    tx.execute_script("CREATE TABLE tag(name)");
    EXPECT_THAT(compare_schema(tx, sql), IsEmpty());
  });
  EXPECT_THAT(db.lane().read([&](ReadTx& tx) { return compare_schema(tx, sql); }), IsEmpty());
}

Options expecting(const std::string& sql, Migrations steps = note_schema()) {
  Options options;
  options.migrations = std::move(steps);
  options.expect_schema = sql;
  return options;
}

// VSC-04: checked after open.
TEST(ExpectSchema, IsCheckedAfterTheSteps) {
  const TempDir directory;
  EXPECT_NO_THROW(Database::open(directory.file("a.db"), expecting(note_schema()[0].sql)).close());
}

TEST(ExpectSchema, ListsAllThatDiffers) {
  const TempDir directory;
  const auto error = thrown<MigrationError>([&] {
    (void)Database::open(directory.file("a.db"),
                         expecting("CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT UNIQUE, at "
                                   "INTEGER); CREATE TABLE tag(name)"));
  });
  EXPECT_EQ(error.code(), "DB_SCHEMA_DIFFERS");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("column note.at: expected INTEGER, found nothing; "),
                                  HasSubstr("table tag: expected the table, found nothing")));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(ExpectSchema, IsCheckedWithoutStepsAndReadOnly) {
  const TempDir directory;
  Database::open(directory.file("a.db"), with_notes()).close();
  Options options = expecting("CREATE TABLE tag(name)", {});
  EXPECT_THROW((void)Database::open(directory.file("a.db"), options), MigrationError);
  options.mode = OpenMode::ReadOnly;
  EXPECT_THROW((void)Database::open(directory.file("a.db"), options), MigrationError);
}

}  // namespace
}  // namespace turnstile::test
