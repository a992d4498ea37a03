#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/unprivileged.h"
#include "turnstile/causes.h"

namespace turnstile {
namespace {

class FileFactsTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("app.db"); }

  test::TempDir directory_;
};

TEST_F(FileFactsTest, TellAMissingFileFromAMissingDirectory) {
  EXPECT_TRUE(file_facts(path()).directory_exists);
  EXPECT_FALSE(file_facts(path()).exists);
  EXPECT_FALSE(file_facts(directory_.file("no/app.db")).directory_exists);
}

TEST_F(FileFactsTest, SeeTheLogAndItsIndex) {
  const test::RawSqlite db(path());
  test::run_raw(path(), "PRAGMA journal_mode=WAL");
  test::RawSqlite writer(path());
  writer.run("CREATE TABLE t(x)");
  const FileFacts facts = file_facts(path());
  EXPECT_TRUE(facts.exists && facts.has_log && facts.has_index);
  EXPECT_FALSE(facts.has_journal);
}

TEST_F(FileFactsTest, SeeAJournalOnlyWhenItHasATransaction) {
  std::ofstream(path() + "-journal") << std::string(512, '\0');
  EXPECT_FALSE(file_facts(path()).has_journal);
  std::ofstream(path() + "-journal") << "something";
  EXPECT_TRUE(file_facts(path()).has_journal);
}

TEST_F(FileFactsTest, CountTheNamesOfAFile) {
  std::ofstream(path()) << "x";
  EXPECT_EQ(file_facts(path()).links, 1);
  std::filesystem::create_hard_link(path(), directory_.file("other.db"));
  EXPECT_EQ(file_facts(path()).links, 2);
}

TEST_F(FileFactsTest, SeeWhatTheUserMayDo) {
  std::ofstream(path()) << "x";
  ::chmod(path().c_str(), 0444);
  ::chmod(directory_.path().c_str(), 0555);
  const std::string seen = test::unprivileged([&] {
    const FileFacts facts = file_facts(path());
    return std::string(facts.writable ? "file " : "") +
           (facts.directory_writable ? "directory" : "");
  });
  ::chmod(directory_.path().c_str(), 0700);
  EXPECT_EQ(seen, "");
  EXPECT_TRUE(file_facts(path()).directory_writable);
}

// What would happen if the file were opened and closed to look at it.
TEST_F(FileFactsTest, DoNotDropTheLocksOfTheirOwnProcess) {
  test::RawSqlite db(path());
  db.run("CREATE TABLE t(x); BEGIN IMMEDIATE");
  static_cast<void>(file_facts(path()));
  test::SqliteShell shell(path());
  EXPECT_NE(shell.run("BEGIN IMMEDIATE").find("locked"), std::string::npos);
  db.run("ROLLBACK");
}

TEST_F(FileFactsTest, KnowThatATemporaryDirectoryIsNoNetwork) {
  EXPECT_EQ(file_facts(path()).network_file_system, "");
  EXPECT_GT(file_facts(path()).free_bytes, 0);
}

}  // namespace
}  // namespace turnstile
