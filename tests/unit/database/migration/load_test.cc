// Schema steps from a directory of SQL files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/files.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

class LoadMigrations : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& sql = "SELECT 1;") const {
    write_file(directory_.path() / name, sql);
  }
  [[nodiscard]] Migrations load() const { return load_migrations(directory_.path()); }
  [[nodiscard]] MisuseError refusal() const {
    return thrown<MisuseError>([this] { (void)load(); });
  }
  [[nodiscard]] const TempDir& directory() const { return directory_; }

 private:
  TempDir directory_;
};

TEST_F(LoadMigrations, TakesNumberNameAndTextFromTheFiles) {
  put("0002_add colours.sql", "CREATE TABLE colour(x);\n");
  put("0001_first.sql", "CREATE TABLE first(x);\n");
  const Migrations steps = load();
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].version, 1);
  EXPECT_EQ(steps[0].name, "first");
  EXPECT_EQ(steps[1].version, 2);
  EXPECT_EQ(steps[1].name, "add colours");
  EXPECT_EQ(steps[1].sql, "CREATE TABLE colour(x);\n");
}

TEST_F(LoadMigrations, OrdersByTheNumberAndNotByTheName) {
  for (int version = 1; version <= 12; ++version)
    put(std::to_string(version) + "_step.sql");
  const Migrations steps = load();
  ASSERT_THAT(steps, SizeIs(12));
  EXPECT_EQ(steps[9].version, 10);
}

TEST_F(LoadMigrations, PassesOverOtherFiles) {
  put("0001_first.sql");
  put("README.md");
  put("0002_notes.txt");
  EXPECT_THAT(load(), SizeIs(1));
}

TEST_F(LoadMigrations, RefusesAGapAndNamesWhatComesAfterIt) {
  put("0001_first.sql");
  put("0003_third.sql");
  const MisuseError error = refusal();
  EXPECT_EQ(error.code(), "MIGRATION_INVALID");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("no schema step 2"), HasSubstr("0003_third.sql")));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST_F(LoadMigrations, RefusesTwoFilesOfOneNumberAndNamesBoth) {
  put("0001_first.sql");
  put("01_other.sql");
  EXPECT_THAT(refusal().what(), AllOf(HasSubstr("0001_first.sql"), HasSubstr("01_other.sql")));
}

TEST_F(LoadMigrations, RefusesASqlFileOfAnotherName) {
  put("0001_first.sql");
  for (const char* name : {"schema.sql", "0002.sql", "0002-x.sql", "0002_.sql", "0_x.sql",
                           "-1_x.sql", "99999999999_x.sql", " 2_x.sql"}) {
    put(name);
    EXPECT_THAT(refusal().what(), HasSubstr(name));
    std::filesystem::remove(directory().path() / name);
  }
}

TEST_F(LoadMigrations, RefusesAnEmptyFile) {
  put("0001_first.sql", "");
  EXPECT_THAT(refusal().what(), HasSubstr("is empty"));
}

TEST_F(LoadMigrations, RefusesADirectoryWithoutSteps) {
  EXPECT_THAT(refusal().what(), HasSubstr("no .sql files"));
}

TEST_F(LoadMigrations, SaysThatTheDirectoryIsMissing) {
  const auto error =
      thrown<StorageError>([&] { (void)load_migrations(directory().path() / "nowhere"); });
  EXPECT_EQ(error.code(), "MIGRATION_UNREADABLE");
  EXPECT_THAT(error.what(), AllOf(HasSubstr("nowhere"), HasSubstr("No such file")));
}

TEST_F(LoadMigrations, SaysThatAFileMayNotBeRead) {
  put("0001_first.sql");
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0755));
  std::filesystem::permissions(directory().path() / "0001_first.sql", std::filesystem::perms(0));
  EXPECT_THAT(unprivileged([&]() -> std::string {
                (void)load();
                return "loaded";
              }),
              testing::StartsWith("MIGRATION_UNREADABLE: "));
}

}  // namespace
}  // namespace turnstile::test
