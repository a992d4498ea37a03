// Subsystems that share a file, each with schema steps of its own: Database::migrate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/counted_migrations.h"
#include "support/files.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Migrations audit_schema() {
  return {{1, "events", "CREATE TABLE audit_event(id INTEGER PRIMARY KEY, what TEXT)"},
          {2, "by time", "ALTER TABLE audit_event ADD COLUMN at INTEGER"}};
}

template <class T>
T ask(const Database& db, const std::string& sql) {
  return db.lane("ask").read([&](ReadTx& tx) { return tx.query<T>(sql).one(); });
}

TEST(Component, HasRecordsOfItsOwn) {
  NoteDatabase db;
  const MigrationReport report = db->migrate("audit", audit_schema());
  EXPECT_EQ(report.found, 0);
  EXPECT_EQ(report.now, 2);
  EXPECT_THAT(report.steps, ElementsAre(Field(&MigrationReport::Step::name, "events"),
                                        Field(&MigrationReport::Step::name, "by time")));
  EXPECT_EQ(ask<std::string>(*db,
                             "SELECT group_concat(component || version) FROM "
                             "turnstile_migration"),
            "1,audit1,audit2");
  EXPECT_EQ(ask<int>(*db, "PRAGMA user_version"), 1) << "that is the application's own";
}

// BOOT-10: the owner of extra tables makes them through the shared database; its second start runs
// no DDL and writes nothing.
TEST(Component, RunsNothingTheSecondTime) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  const auto start = [&] {
    const Database db = Database::open(file, with_notes());
    return db.migrate("audit", audit_schema());
  };
  EXPECT_THAT(start().steps, SizeIs(2));
  const std::string before = fingerprint(file);
  const std::string schema_before = run_raw(file, "PRAGMA schema_version");
  const AtPoint began("migrate:began");
  EXPECT_THAT(start().steps, IsEmpty());
  EXPECT_EQ(began.reached(), 0U);
  EXPECT_EQ(run_raw(file, "PRAGMA schema_version"), schema_before);
  EXPECT_EQ(fingerprint(file), before);
}

TEST(Component, DoesNotDisturbTheOthers) {
  NoteDatabase db;
  (void)db->migrate("audit", audit_schema());
  (void)db->migrate("tasks", {{1, "tasks", "CREATE TABLE task(id INTEGER PRIMARY KEY)"}});
  EXPECT_THAT(db->migrate("audit", audit_schema()).steps, IsEmpty());
  EXPECT_EQ(db->info().schema_version, 1);
}

TEST(Component, IsRefusedWhenTheFileIsNewer) {
  NoteDatabase db;
  (void)db->migrate("audit", audit_schema());
  const auto error =
      thrown<MigrationError>([&] { (void)db->migrate("audit", {audit_schema()[0]}); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_TOO_NEW");
  EXPECT_THAT(error.what(), HasSubstr("component 'audit'"));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(Component, IsRefusedWhenAStepWasEdited) {
  NoteDatabase db;
  (void)db->migrate("audit", audit_schema());
  Migrations steps = audit_schema();
  steps[0].sql += ";";
  EXPECT_EQ(thrown<MigrationError>([&] { (void)db->migrate("audit", steps); }).code(),
            "MIGRATION_EDITED");
}

TEST(Component, LeavesNothingOfStepsThatFail) {
  NoteDatabase db;
  Migrations steps = audit_schema();
  steps[1].sql = "ALTER TABLE nowhere ADD COLUMN x";
  EXPECT_THROW((void)db->migrate("audit", steps), MigrationError);
  EXPECT_EQ(ask<int>(*db, "SELECT count(*) FROM sqlite_schema WHERE name = 'audit_event'"), 0);
  EXPECT_NO_THROW(add_note(db.lane(), "the writer goes on"));
}

// A DROP TABLE would delete the children if foreign keys were enforced.
TEST(Component, CanRebuildATableThatOthersReferTo) {
  NoteDatabase db;
  Migrations steps = {{1, "tables",
                       "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                       "CREATE TABLE c(p REFERENCES p(id) ON DELETE CASCADE);"
                       "INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)"}};
  (void)db->migrate("part", steps);
  steps.push_back({2, "rebuild",
                   "CREATE TABLE new_p(id INTEGER PRIMARY KEY, name);"
                   "INSERT INTO new_p(id) SELECT id FROM p; DROP TABLE p;"
                   "ALTER TABLE new_p RENAME TO p"});
  (void)db->migrate("part", steps);
  EXPECT_EQ(ask<int>(*db, "SELECT count(*) FROM c"), 1);
}

TEST(Component, EnforcesForeignKeysAfterwardsAndAfterAFailure) {
  NoteDatabase db;
  (void)db->migrate("part", {{1, "tables",
                              "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                              "CREATE TABLE c(p REFERENCES p(id))"}});
  const auto orphan = [](WriteTx& tx) { tx.execute("INSERT INTO c VALUES (7)"); };
  EXPECT_THROW(db.lane().write(orphan), ConstraintError);
  EXPECT_THROW((void)db->migrate("other", {{1, "fails", "INSERT INTO nowhere VALUES (1)"}}),
               MigrationError);
  EXPECT_THROW(db.lane().write(orphan), ConstraintError);
}

TEST(Component, IsCheckedForForeignKeysBeforeTheCommit) {
  NoteDatabase db;
  const Migrations steps = {{1, "orphans",
                             "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                             "CREATE TABLE c(p REFERENCES p(id)); INSERT INTO c VALUES (7)"}};
  const auto error = thrown<MigrationError>([&] { (void)db->migrate("part", steps); });
  EXPECT_THAT(error.what(), HasSubstr("the table c"));
  EXPECT_EQ(ask<int>(*db, "SELECT count(*) FROM sqlite_schema WHERE name = 'c'"), 0);
}

TEST(Component, SeesTheNewColumnsInCachedStatementsAndOnReaders) {
  NoteDatabase db;
  (void)db->migrate("audit", {audit_schema()[0]});
  db.lane().write([](WriteTx& tx) { tx.execute("INSERT INTO audit_event(what) VALUES ('x')"); });
  const auto columns = [&] {
    return db.lane().read([](ReadTx& tx) {
      Statement all = tx.prepare("SELECT * FROM audit_event");
      (void)all.step();
      return all.column_count();
    });
  };
  EXPECT_EQ(columns(), 2);
  (void)db->migrate("audit", audit_schema());
  EXPECT_EQ(columns(), 3);
}

TEST(Component, MigratesBesideThreadsThatWriteAndRead) {
  NoteDatabase db;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; ++n) {
        add_note(db.lane(), std::to_string(i) + "/" + std::to_string(n));
        (void)count_notes(db.lane());
      }
    });
  }
  for (int version = 1; version <= 10; ++version)
    (void)db->migrate("part", counted_migrations(version));
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(count_notes(db.lane()), 200);
  EXPECT_EQ(ask<std::string>(*db, "SELECT group_concat(step) FROM step_log"),
            "1,2,3,4,5,6,7,8,9,10");
}

TEST(Component, CanBeTheApplicationItself) {
  NoteDatabase db;
  Migrations steps = note_schema();
  steps.push_back({2, "more", "CREATE TABLE more(x)"});
  EXPECT_EQ(db->migrate("", steps).found, 1);
  EXPECT_EQ(db->info().schema_version, 2);
  EXPECT_EQ(ask<int>(*db, "PRAGMA user_version"), 2);
}

TEST(Component, TellsTheLogWhatItDid) {
  LogEvents events;
  Options options;
  options.log_sink = events.sink();
  NoteDatabase db(options);
  (void)db->migrate("audit", audit_schema());
  EXPECT_THAT(events.of("SCHEMA_MIGRATED"),
              ElementsAre("schema version 0 -> 1", "schema of audit version 0 -> 2"));
}

TEST(Component, BringsItsStepsThroughItsLane) {
  NoteDatabase db;
  const MigrationReport report = db.lane("audit").migrate("audit", audit_schema());
  EXPECT_EQ(report.now, 2);
  EXPECT_TRUE(db.lane("audit").migrate("audit", audit_schema()).steps.empty());
}

TEST(Component, CannotRunTheApplicationsStepsThroughALane) {
  NoteDatabase db;
  const auto error =
      thrown<MisuseError>([&] { (void)db.lane("audit").migrate("", audit_schema()); });
  EXPECT_EQ(error.code(), "MIGRATION_INVALID");
}

TEST(Component, HasANameOfFewCharacters) {
  NoteDatabase db;
  for (const std::string& name : {std::string("Audit"), std::string("a b"), std::string("a'b"),
                                  std::string("../x"), std::string(65, 'a')}) {
    const auto error = thrown<MisuseError>([&] { (void)db->migrate(name, audit_schema()); });
    EXPECT_EQ(error.code(), "MIGRATION_INVALID") << name;
  }
  EXPECT_NO_THROW((void)db->migrate("a-b_c.9", audit_schema()));
}

TEST(Component, CannotBeMigratedInsideAWrite) {
  NoteDatabase db;
  db.lane().write([&](WriteTx&) {
    EXPECT_EQ(thrown<MisuseError>([&] { (void)db->migrate("audit", audit_schema()); }).code(),
              "WRITE_INSIDE_WRITE");
  });
}

TEST(Component, CannotBeMigratedReadOnly) {
  const TempDir directory;
  Database::open(directory.file("a.db"), with_notes()).close();
  Options options;
  options.mode = OpenMode::ReadOnly;
  const Database db = Database::open(directory.file("a.db"), options);
  EXPECT_EQ(thrown<MisuseError>([&] { (void)db.migrate("audit", audit_schema()); }).code(),
            "DB_READ_ONLY");
}

TEST(Component, IsFoundReadOnlyWhenItIsThere) {
  const TempDir directory;
  Database::open(directory.file("a.db"), with_notes()).lane("a").migrate("audit", audit_schema());
  Options options;
  options.mode = OpenMode::ReadOnly;
  const Database db = Database::open(directory.file("a.db"), options);
  const MigrationReport report = db.lane("a").migrate("audit", audit_schema());
  EXPECT_EQ(report.found, 2);
  EXPECT_TRUE(report.steps.empty());
}

TEST(Component, WorksInMemoryAndWithOneConnection) {
  Options options;
  options.connections = 1;
  EXPECT_EQ(NoteDatabase(options)->migrate("audit", audit_schema()).now, 2);
  EXPECT_EQ(Database::open(":memory:").migrate("audit", audit_schema()).now, 2);
}

TEST(DryRun, SaysWhatWouldBeDoneAndDoesNot) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  Database::open(file, with_notes()).close();
  const std::string before = fingerprint(file);
  Migrations steps = note_schema();
  steps.push_back({2, "more", "CREATE TABLE more(x)"});
  {
    const Database db = Database::open(file);
    const MigrationReport report = db.migrate("", steps, {.dry_run = true});
    EXPECT_EQ(report.now, 2);
    EXPECT_THAT(report.steps, SizeIs(1));
    EXPECT_EQ(report.backup, "");
    EXPECT_EQ(db.info().schema_version, 1);
  }
  EXPECT_EQ(fingerprint(file), before);
}

TEST(DryRun, FindsAStepThatFails) {
  NoteDatabase db;
  Migrations steps = note_schema();
  steps.push_back({2, "wrong", "CREATE TABL more(x)"});
  EXPECT_EQ(thrown<MigrationError>([&] { (void)db->migrate("", steps, {.dry_run = true}); }).code(),
            "MIGRATION_FAILED");
}

TEST(DryRun, RunsNoActions) {
  NoteDatabase db;
  bool ran = false;
  const Migrations steps = {{.version = 1, .name = "acts", .apply = [&](WriteTx& tx) {
                               tx.after_commit([&] { ran = true; });
                             }}};
  (void)db->migrate("part", steps, {.dry_run = true});
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace turnstile::test
