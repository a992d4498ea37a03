// What a file remembers of its schema steps, and what is refused because of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "database/migration/checksum.h"
#include "support/counted_migrations.h"
#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

Options opened_with(Migrations migrations) {
  Options options;
  options.migrations = std::move(migrations);
  return options;
}

// A closed file that has the first three of some steps.
class MigrationRecords : public testing::Test {
 protected:
  MigrationRecords() { open(counted_migrations(3)); }

  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  void open(const Migrations& steps) const { Database::open(file(), opened_with(steps)).close(); }
  [[nodiscard]] MigrationError refusal(const Migrations& steps) const {
    return thrown<MigrationError>([&] { open(steps); });
  }
  // Without looking at the schema.
  [[nodiscard]] std::vector<MigrationStatus> status(const Migrations& steps) const {
    return Database::open(file()).migration_status("", steps);
  }
  [[nodiscard]] std::string raw(const std::string& sql) const { return run_raw(file(), sql); }

 private:
  TempDir directory_;
};

TEST_F(MigrationRecords, AreLeftByEachStep) {
  EXPECT_EQ(raw("SELECT group_concat(version || ' ' || name, ', ') FROM turnstile_migration "
                "WHERE component = ''"),
            "1 count step 1, 2 count step 2, 3 count step 3");
}

TEST_F(MigrationRecords, SayWhenAndForHowLongAStepWasRun) {
  EXPECT_THAT(raw("SELECT applied_at FROM turnstile_migration WHERE version = 2"),
              MatchesRegex("20[0-9-]+T[0-9:]+\\.[0-9]{6}Z"));
  EXPECT_EQ(raw("SELECT count(*) FROM turnstile_migration WHERE duration_us >= 0"), "3");
}

TEST_F(MigrationRecords, HaveTheVersionInUserVersionForOtherPrograms) {
  EXPECT_EQ(raw("PRAGMA user_version"), "3");
}

// `printf 'SELECT 1' | sha256sum` gives the same.
TEST(MigrationChecksum, IsTheSha256OfTheText) {
  EXPECT_EQ(database::checksum_of({.version = 1, .name = "x", .sql = "SELECT 1"}),
            "e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5");
}

TEST(MigrationChecksum, IsTheSameForBothEndsOfLine) {
  EXPECT_EQ(database::checksum_of({.version = 1, .name = "x", .sql = "SELECT 1;\r\nSELECT 2;\r\n"}),
            database::checksum_of({.version = 1, .name = "x", .sql = "SELECT 1;\nSELECT 2;\n"}));
}

TEST(MigrationChecksum, SeesALoneCarriageReturnAndABlank) {
  const auto of = [](const char* sql) {
    return database::checksum_of({.version = 1, .name = "x", .sql = sql});
  };
  EXPECT_NE(of("SELECT '\r'"), of("SELECT ''"));
  EXPECT_NE(of("SELECT 1 "), of("SELECT 1"));
}

TEST(MigrationChecksum, OfAFunctionIsOfItsNameAndRevision) {
  const auto of = [](const char* name, const char* revision) {
    return database::checksum_of(
        {.version = 1, .name = name, .apply = [](WriteTx&) {}, .revision = revision});
  };
  EXPECT_EQ(of("a", "1"), of("a", "1"));
  EXPECT_NE(of("a", "1"), of("a", "2"));
  EXPECT_NE(of("a", "1"), of("b", "1"));
  EXPECT_NE(of("ab", "c"), of("a", "bc"));
}

TEST_F(MigrationRecords, ShowAnEditedStepWithBothChecksumsAndItsTime) {
  const std::string before = fingerprint(file());
  Migrations steps = counted_migrations(4);
  steps[1].sql += " ";
  const MigrationError error = refusal(steps);
  EXPECT_EQ(error.code(), "MIGRATION_EDITED");
  EXPECT_THAT(
      error.what(),
      AllOf(HasSubstr("schema step 2 (count step 2)"), HasSubstr(database::checksum_of(steps[1])),
            HasSubstr(database::checksum_of(counted_migrations(3)[1])), HasSubstr(" since 20")));
  EXPECT_EQ(fingerprint(file()), before);
}

TEST_F(MigrationRecords, AllowAStepToBeRenamed) {
  Migrations steps = counted_migrations(3);
  steps[1].name = "another name";
  EXPECT_NO_THROW(open(steps));
}

TEST_F(MigrationRecords, ShowAGap) {
  static_cast<void>(raw("DELETE FROM turnstile_migration WHERE version = 2"));
  const MigrationError error = refusal(counted_migrations(4));
  EXPECT_EQ(error.code(), "MIGRATION_GAP");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("schema step 3"), HasSubstr("none of step 2")));
}

TEST_F(MigrationRecords, MustAgreeWithUserVersion) {
  static_cast<void>(raw("PRAGMA user_version=7"));
  const MigrationError error = refusal(counted_migrations(9));
  EXPECT_EQ(error.code(), "MIGRATION_GAP");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("up to 3"), HasSubstr("user_version is 7")));
}

// VSC-03: a file newer than the program is refused with both versions, and left alone.
TEST_F(MigrationRecords, NameTheLastStepOfANewerFile) {
  const std::string before = fingerprint(file());
  const MigrationError error = refusal(counted_migrations(2));
  EXPECT_EQ(error.code(), "DB_SCHEMA_TOO_NEW");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("version 3 (count step 3, since 20"),
                                  HasSubstr("knows versions up to 2")));
  EXPECT_EQ(fingerprint(file()), before);
}

// VSC-03: whoever raised user_version, it says that the file is newer.
TEST_F(MigrationRecords, DoNotHideThatUserVersionIsNewer) {
  static_cast<void>(raw("PRAGMA user_version=4"));
  EXPECT_EQ(refusal(counted_migrations(3)).code(), "DB_SCHEMA_TOO_NEW");
}

TEST_F(MigrationRecords, AreListedWithTheStepsThatAreMissing) {
  const auto list = status(counted_migrations(5));
  EXPECT_THAT(list, SizeIs(5));
  EXPECT_THAT(list, ElementsAre(Field(&MigrationStatus::state, MigrationState::Applied),
                                Field(&MigrationStatus::state, MigrationState::Applied),
                                Field(&MigrationStatus::state, MigrationState::Applied),
                                Field(&MigrationStatus::state, MigrationState::Pending),
                                Field(&MigrationStatus::state, MigrationState::Pending)));
  EXPECT_THAT(list[2].applied_at, HasSubstr("T"));
  EXPECT_EQ(list[3].applied_at, "");
}

TEST_F(MigrationRecords, AreListedWhereTheyAreOtherOrUnknown) {
  Migrations steps = counted_migrations(2);
  steps[0].sql += " ";
  EXPECT_THAT(status(steps), ElementsAre(Field(&MigrationStatus::state, MigrationState::Edited),
                                         Field(&MigrationStatus::state, MigrationState::Applied),
                                         Field(&MigrationStatus::state, MigrationState::Unknown)));
}

// A file with so many of the steps as it was made before there were records.
class OldFile : public MigrationRecords {
 protected:
  OldFile() { static_cast<void>(raw("DROP TABLE turnstile_migration")); }
};

TEST_F(OldFile, IsTakenToHaveTheStepsOfItsUserVersion) {
  open(counted_migrations(5));
  EXPECT_EQ(raw("SELECT group_concat(step) FROM step_log"), "1,2,3,4,5");
  EXPECT_EQ(raw("SELECT group_concat(version) FROM turnstile_migration"), "1,2,3,4,5");
}

TEST_F(OldFile, IsGivenRecordsThatSayTheyWereAdopted) {
  open(counted_migrations(4));
  EXPECT_EQ(raw("SELECT group_concat(version) FROM turnstile_migration WHERE duration_us IS NULL"),
            "1,2,3");
  EXPECT_TRUE(status(counted_migrations(4))[0].adopted);
  EXPECT_FALSE(status(counted_migrations(4))[3].adopted);
}

TEST_F(OldFile, IsGivenRecordsWhenNoStepIsMissing) {
  open(counted_migrations(3));
  EXPECT_EQ(raw("SELECT count(*) FROM turnstile_migration"), "3");
}

TEST_F(OldFile, IsNotWrittenByAReadOnlyOpen) {
  const std::string before = fingerprint(file());
  Options options = opened_with(counted_migrations(3));
  options.mode = OpenMode::ReadOnly;
  Database::open(file(), options).close();
  EXPECT_EQ(fingerprint(file()), before);
}

TEST_F(OldFile, ShowsAnEditFromThenOn) {
  open(counted_migrations(3));
  Migrations steps = counted_migrations(3);
  steps[0].sql += " ";
  EXPECT_EQ(refusal(steps).code(), "MIGRATION_EDITED");
}

// A file of somebody else: tables, and nothing that says how they were made.
class ForeignFile : public testing::Test {
 protected:
  ForeignFile() {
    static_cast<void>(run_raw(file(), "CREATE TABLE folders(x); INSERT INTO folders VALUES (1)"));
  }
  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  static Migrations steps() {
    return {{1, "folders", "CREATE TABLE folders(x)"}, {2, "files", "CREATE TABLE files(x)"}};
  }

 private:
  TempDir directory_;
};

// VSC-03: version 0 with tables is not taken for a new file.
TEST_F(ForeignFile, IsRefusedAndLeftAlone) {
  const std::string before = fingerprint(file());
  const auto error =
      thrown<MigrationError>([&] { (void)Database::open(file(), opened_with(steps())); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_UNKNOWN");
  EXPECT_THAT(std::string(error.hint()), HasSubstr("adopt_schema"));
  EXPECT_EQ(fingerprint(file()), before);
}

TEST_F(ForeignFile, IsOpenedWithoutSteps) {
  EXPECT_NO_THROW(Database::open(file()).close());
}

TEST_F(ForeignFile, CanBeAdoptedAtAVersion) {
  Options options = opened_with(steps());
  options.adopt_schema = 1;
  Database::open(file(), options).close();
  EXPECT_EQ(run_raw(file(), "SELECT count(*) FROM folders, files"), "0");
  EXPECT_EQ(run_raw(file(), "SELECT group_concat(version) FROM turnstile_migration"), "1,2");
  EXPECT_EQ(run_raw(file(), "PRAGMA user_version"), "2");
}

TEST_F(ForeignFile, CanBeAdoptedAsHavingNoneOfTheSteps) {
  Options options = opened_with({{1, "files", "CREATE TABLE files(x)"}});
  options.adopt_schema = 0;
  Database::open(file(), options).close();
  EXPECT_EQ(run_raw(file(), "PRAGMA user_version"), "1");
}

TEST_F(ForeignFile, IsAdoptedOnce) {
  Options options = opened_with(steps());
  options.adopt_schema = 2;
  Database::open(file(), options).close();
  options.adopt_schema = 1;
  EXPECT_NO_THROW(Database::open(file(), options).close());
  EXPECT_EQ(run_raw(file(), "PRAGMA user_version"), "2");
}

TEST_F(ForeignFile, CannotBeAdoptedAtAVersionThatThereIsNoStepOf) {
  Options options = opened_with(steps());
  for (const int version : {-1, 3}) {
    options.adopt_schema = version;
    EXPECT_EQ(thrown<MisuseError>([&] { (void)Database::open(file(), options); }).code(),
              "OPTION_INVALID");
  }
}

}  // namespace
}  // namespace turnstile::test
