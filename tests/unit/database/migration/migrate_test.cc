// Schema steps: in order, once, and all or nothing.
#include "database/migration/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <source_location>
#include <string>

#include "support/counted_migrations.h"
#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Options with(Migrations migrations) {
  Options options;
  options.migrations = std::move(migrations);
  return options;
}

std::vector<std::int64_t> steps_run(const Database& db) {
  return db.lane("a").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT step FROM step_log ORDER BY rowid").all();
  });
}

TEST(Migrate, RunsTheStepsInTheirOrder) {
  const TempDir directory;
  const Database db = Database::open(directory.file("a.db"), with(counted_migrations(4)));
  EXPECT_THAT(steps_run(db), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(db.info().schema_version, 4);
}

TEST(Migrate, RunsEachStepOnce) {
  const TempDir directory;
  { const Database first = Database::open(directory.file("a.db"), with(counted_migrations(2))); }
  { const Database again = Database::open(directory.file("a.db"), with(counted_migrations(2))); }
  const Database later = Database::open(directory.file("a.db"), with(counted_migrations(5)));
  EXPECT_THAT(steps_run(later), ElementsAre(1, 2, 3, 4, 5));
}

TEST(Migrate, TellsWhatItDid) {
  const TempDir directory;
  const auto detail = [&](int steps) {
    return Database::open(directory.file("a.db"), with(counted_migrations(steps)))
        .info()
        .phases.at(3)
        .detail;
  };
  EXPECT_EQ(detail(2), "version 0 -> 2");
  EXPECT_EQ(detail(2), "");
  EXPECT_THAT(detail(3), StartsWith("version 2 -> 3"));
}

TEST(Migrate, DoesNotLookAtTheVersionWithoutSteps) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "PRAGMA user_version=41");
  EXPECT_EQ(Database::open(directory.file("a.db")).info().schema_version, 41);
}

// VSC-02: a file that is up to date is not written.
TEST(Migrate, DoesNotWriteWhenThereIsNothingToDo) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db"), with(counted_migrations(2))); }
  const std::string before = fingerprint(directory.file("a.db"));
  { const Database again = Database::open(directory.file("a.db"), with(counted_migrations(2))); }
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

// BOOT-08, BOOT-09: one transaction, so that the file equals the state before.
TEST(Migrate, UndoesAllStepsWhenOneFails) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db"), with(counted_migrations(1))); }
  const std::string before = fingerprint(directory.file("a.db"));
  Migrations steps = counted_migrations(4);
  steps[2].sql += "INSERT INTO no_such_table VALUES (1)";
  EXPECT_THROW((void)Database::open(directory.file("a.db"), with(steps)), MigrationError);
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

TEST(Migrate, NamesTheStepAndThePlaceOfAMistake) {
  const TempDir directory;
  Migrations steps = counted_migrations(2);
  steps[1].name = "add colours";
  steps[1].sql = "CREATE TABLE colour(name TEXT);\nCREAT TABLE other(x);";
  const auto error =
      thrown<MigrationError>([&] { (void)Database::open(directory.file("a.db"), with(steps)); });
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("step 2 (add colours)"));
  EXPECT_THAT(error.what(), HasSubstr("line 2, column 1"));
  EXPECT_EQ(error.sql(), steps[1].sql);
  EXPECT_EQ(error.sql_offset(), 32U);
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

// BOOT-08, VSC-03: refused with both versions, the file unchanged.
TEST(Migrate, RefusesANewerFileAndLeavesItAlone) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db"), with(counted_migrations(3))); }
  const std::string before = fingerprint(directory.file("a.db"));
  const auto error = thrown<MigrationError>(
      [&] { (void)Database::open(directory.file("a.db"), with(counted_migrations(2))); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_TOO_NEW");
  EXPECT_THAT(error.what(), HasSubstr("3"));
  EXPECT_THAT(error.what(), HasSubstr("2"));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

// VSC-03: also before it is given a write-ahead log.
TEST(Migrate, RefusesANewerFileWithARollbackJournalAndLeavesItAlone) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "CREATE TABLE t(x); PRAGMA user_version=3");
  const std::string before = fingerprint(directory.file("a.db"));
  EXPECT_THROW((void)Database::open(directory.file("a.db"), with(counted_migrations(2))),
               MigrationError);
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

TEST(Migrate, RefusesStepsThatAreNotNumberedInOrder) {
  const TempDir directory;
  const auto numbered = [](const std::vector<int>& versions) {
    Migrations steps;
    for (const int version : versions)
      steps.push_back({version, "a step", "SELECT 1"});
    return steps;
  };
  for (const std::vector<int>& versions : {std::vector{2}, {0, 1}, {1, 3}, {1, 1}, {2, 1}, {-1}}) {
    const auto error = thrown<MisuseError>(
        [&] { (void)Database::open(directory.file("a.db"), with(numbered(versions))); });
    EXPECT_EQ(error.code(), "MIGRATION_INVALID") << error.what();
    EXPECT_STREQ(error.where().file_name(), __FILE__);
  }
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Migrate, RefusesAStepWithoutAName) {
  const auto error = thrown<MisuseError>([] {
    database::validate({{1, "", "SELECT 1"}}, std::source_location::current());
  });
  EXPECT_EQ(error.code(), "MIGRATION_INVALID");
}

TEST(Migrate, RefusesTransactionControlInAStep) {
  const TempDir directory;
  for (const char* sql : {"COMMIT", "BEGIN", "SAVEPOINT s", "PRAGMA user_version=9",
                          "PRAGMA foreign_keys=ON", "ATTACH 'x.db' AS x"}) {
    const auto error = thrown<MigrationError>([&] {
      (void)Database::open(directory.file("a.db"), with({{1, "a step", sql}}));
    });
    EXPECT_EQ(error.code(), "MIGRATION_FAILED") << sql;
    EXPECT_THAT(error.what(), HasSubstr("a step")) << sql;
  }
}

TEST(Migrate, RefusesAStepAfterWhichSqliteHasRolledBack) {
  const TempDir directory;
  Migrations steps = counted_migrations(2);
  steps[1].sql =
      "CREATE TABLE u(x UNIQUE); INSERT INTO u VALUES (1);"
      "INSERT OR ROLLBACK INTO u VALUES (1); CREATE TABLE v(x)";
  EXPECT_THROW((void)Database::open(directory.file("a.db"), with(steps)), MigrationError);
  EXPECT_EQ(run_raw(directory.file("a.db"), "SELECT count(*) FROM sqlite_schema"), "0");
}

TEST(Migrate, RebuildsATableWithoutLosingItsChildren) {
  const TempDir directory;
  Migrations steps = {{1, "make tables",
                       "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                       "CREATE TABLE c(p INTEGER REFERENCES p(id) ON DELETE CASCADE);"
                       "INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1), (2)"}};
  { const Database made = Database::open(directory.file("a.db"), with(steps)); }
  steps.push_back({2, "rebuild p",
                   "CREATE TABLE new_p(id INTEGER PRIMARY KEY, name TEXT);"
                   "INSERT INTO new_p(id) SELECT id FROM p; DROP TABLE p;"
                   "ALTER TABLE new_p RENAME TO p"});
  const Database db = Database::open(directory.file("a.db"), with(steps));
  EXPECT_EQ(db.lane("a").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM c JOIN p ON p.id = c.p").one();
  }),
            2);
}

TEST(Migrate, ChecksForeignKeysBeforeTheCommit) {
  const TempDir directory;
  const Migrations steps = {{1, "make orphans",
                             "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                             "CREATE TABLE c(p INTEGER REFERENCES p(id));"
                             "INSERT INTO c VALUES (1)"}};
  const auto error =
      thrown<MigrationError>([&] { (void)Database::open(directory.file("a.db"), with(steps)); });
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("the table c"));
  EXPECT_EQ(run_raw(directory.file("a.db"), "SELECT count(*) FROM sqlite_schema"), "0");
}

TEST(Migrate, DoesNotCheckForeignKeysThatAreOff) {
  const TempDir directory;
  Options options = with({{1, "make orphans",
                           "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                           "CREATE TABLE c(p INTEGER REFERENCES p(id));"
                           "INSERT INTO c VALUES (1)"}});
  options.foreign_keys = false;
  EXPECT_EQ(Database::open(directory.file("a.db"), options).info().schema_version, 1);
}

TEST(Migrate, EnforcesForeignKeysAfterwards) {
  const TempDir directory;
  const Database db = Database::open(directory.file("a.db"),
                                     with({{1, "make tables",
                                            "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                                            "CREATE TABLE c(p INTEGER REFERENCES p(id))"}}));
  EXPECT_THROW(db.lane("a").write([](WriteTx& tx) { tx.execute("INSERT INTO c VALUES (1)"); }),
               ConstraintError);
}

TEST(Migrate, WorksInMemory) {
  const Database db = Database::open(":memory:", with(counted_migrations(3)));
  EXPECT_THAT(steps_run(db), ElementsAre(1, 2, 3));
}

}  // namespace
}  // namespace turnstile::test
