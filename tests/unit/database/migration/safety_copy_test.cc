// The copy of a file before its schema steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>

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

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace fs = std::filesystem;

// A closed file with one note, and a second step that deletes it.
class SafetyCopy : public testing::Test {
 protected:
  SafetyCopy() {
    const Database db = Database::open(file(), with_notes());
    add_note(db.lane("a"), "precious");
  }
  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  [[nodiscard]] std::string copy() const { return file() + ".before-v2"; }
  [[nodiscard]] const TempDir& directory() const { return directory_; }

  static Options destructive() {
    Options options = with_notes();
    options.migrations.push_back({2, "delete", "DELETE FROM note"});
    return options;
  }

 private:
  TempDir directory_;
};

// BOOT-09: a consistent copy is made before steps that may destroy.
TEST_F(SafetyCopy, HoldsTheFileAsItWasBeforeTheSteps) {
  Database::open(file(), destructive()).close();
  EXPECT_EQ(run_raw(file(), "SELECT count(*) FROM note"), "0");
  EXPECT_EQ(run_raw(copy(), "SELECT text FROM note"), "precious");
  EXPECT_EQ(run_raw(copy(), "PRAGMA user_version"), "1");
  EXPECT_EQ(run_raw(copy(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SafetyCopy, CanBeOpenedInPlaceOfTheFile) {
  Database::open(file(), destructive()).close();
  const Database db = Database::open(copy(), with_notes());
  EXPECT_EQ(count_notes(db.lane("a")), 1);
}

TEST_F(SafetyCopy, IsReportedInThePhaseAndTheLog) {
  LogEvents events;
  Options options = destructive();
  options.log_sink = events.sink();
  const Database db = Database::open(file(), options);
  EXPECT_EQ(db.info().phases.at(3).detail, "version 1 -> 2, the file as it was is in " + copy());
  EXPECT_THAT(events.of("SCHEMA_MIGRATED"), ElementsAre(HasSubstr(copy())));
}

TEST_F(SafetyCopy, HasWhatIsOnlyInTheLog) {
  Options options = with_notes();
  const Database keeps_the_log = Database::open(file(), options);
  add_note(keeps_the_log.lane("a"), "in the log");
  (void)keeps_the_log.migrate("", destructive().migrations);
  EXPECT_EQ(run_raw(copy(), "SELECT count(*) FROM note"), "2");
}

TEST_F(SafetyCopy, LeavesNothingBesideIt) {
  Database::open(file(), destructive()).close();
  EXPECT_THAT(names_in(directory().path()), ElementsAre("a.db", "a.db-gate", "a.db.before-v2"));
}

TEST_F(SafetyCopy, IsNotMadeOfANewFile) {
  Database::open(directory().file("new.db"), destructive()).close();
  EXPECT_THAT(names_in(directory().path()), Not(Contains(HasSubstr("new.db.before"))));
}

TEST_F(SafetyCopy, IsNotMadeOfTablesWithoutRows) {
  run_raw(file(), "DELETE FROM note");
  Database::open(file(), destructive()).close();
  EXPECT_FALSE(fs::exists(copy()));
}

TEST_F(SafetyCopy, IsNotMadeWhenThereIsNothingToDo) {
  Database::open(file(), with_notes()).close();
  EXPECT_THAT(names_in(directory().path()), Not(Contains(HasSubstr(".before"))));
}

TEST_F(SafetyCopy, CanBeDoneWithout) {
  Options options = destructive();
  options.backup_before_migration = false;
  Database::open(file(), options).close();
  EXPECT_FALSE(fs::exists(copy()));
}

TEST_F(SafetyCopy, HasTheModeOfTheFile) {
  fs::permissions(file(), fs::perms(0640));
  Database::open(file(), destructive()).close();
  EXPECT_EQ(fs::status(copy()).permissions(), fs::perms(0640));
}

TEST_F(SafetyCopy, ReplacesAnOlderOneOnlyWhenItIsDone) {
  write_file(copy(), "an older copy");
  AtPoint copied("migrate:copied", 1);
  auto opened =
      std::async(std::launch::async, [this] { Database::open(file(), destructive()).close(); });
  copied.wait_until_reached();
  EXPECT_EQ(read_file(copy()), "an older copy");
  copied.release();
  opened.get();
  EXPECT_EQ(run_raw(copy(), "SELECT text FROM note"), "precious");
}

// What would be lost if the copy came before the write lock.
TEST_F(SafetyCopy, CannotBeOvertakenByAStranger) {
  AtPoint copied("migrate:copied", 1);
  auto opened =
      std::async(std::launch::async, [this] { Database::open(file(), destructive()).close(); });
  copied.wait_until_reached();
  EXPECT_THROW(run_raw(file(), "INSERT INTO note(text) VALUES ('late')"), std::runtime_error)
      << "a stranger wrote between the copy and the steps";
  copied.release();
  opened.get();
}

TEST_F(SafetyCopy, IsMadeOfAFileWithARollbackJournal) {
  run_raw(file(), "PRAGMA journal_mode=DELETE");
  Options options = destructive();
  Database::open(file(), options).close();
  EXPECT_EQ(run_raw(copy(), "SELECT text FROM note"), "precious");
}

TEST_F(SafetyCopy, KeepsTheRowidsThatAnIndexMayReferTo) {
  run_raw(file(),
          "CREATE TABLE plain(x); INSERT INTO plain(rowid, x) VALUES (7, 'a'), (1000000, 'b');");
  Database::open(file(), destructive()).close();
  EXPECT_EQ(run_raw(copy(), "SELECT group_concat(rowid) FROM plain"), "7,1000000");
}

// BOOT-09: a failing step leaves the file as it was; the copy stays, and does no harm.
TEST_F(SafetyCopy, IsNotNeededWhenAStepFails) {
  const std::string before = fingerprint(file());
  Options options = destructive();
  options.migrations.push_back({3, "wrong", "CREATE TABL x(y)"});
  EXPECT_THROW((void)Database::open(file(), options), MigrationError);
  EXPECT_EQ(fingerprint(file()), before);
}

TEST_F(SafetyCopy, IsRefusedOfADamagedFile) {
  // The second page is that of the table's rows; its header says what kind of page it is.
  std::string bytes = read_file(file());
  ASSERT_GE(bytes.size(), 8192U);
  for (std::size_t i = 4096 + 8; i < 4096 + 12; ++i)
    bytes[i] = '\x7f';
  write_file(file(), bytes);
  const auto error = thrown<StorageError>([&] { (void)Database::open(file(), destructive()); });
  EXPECT_THAT(std::string(error.code()), testing::AnyOf("MIGRATION_BACKUP", "DB_CORRUPT"));
  EXPECT_EQ(read_file(file()), bytes);
  EXPECT_THAT(names_in(directory().path()), Not(Contains(HasSubstr(".before"))));
}

TEST_F(SafetyCopy, OfAComponentIsMadeWhenItHasStepsAlready) {
  const Database db = Database::open(file(), with_notes());
  EXPECT_EQ(db.migrate("part", counted_migrations(1)).backup, "") << "it made its tables only";
  EXPECT_EQ(db.migrate("part", counted_migrations(2)).backup, file() + ".before-part-v2");
  EXPECT_EQ(run_raw(file() + ".before-part-v2", "SELECT group_concat(step) FROM step_log"), "1");
}

TEST_F(SafetyCopy, IsNotMadeForADryRun) {
  const Database db = Database::open(file(), with_notes());
  EXPECT_EQ(db.migrate("", destructive().migrations, {.dry_run = true}).backup, "");
  EXPECT_FALSE(fs::exists(copy()));
}

}  // namespace
}  // namespace turnstile::test
