// verify_file(): what is wrong with a file is found, and looking at it leaves no trace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "support/actor.h"
#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void overwrite(const std::string& path, std::int64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(offset);
  file << bytes;
}

class Verify : public testing::Test {
 protected:
  Verify() {
    Database db = Database::open(folder_.file("app.db"), with_notes());
    db.lane("notes").write([](WriteTx& tx) {
      tx.execute(
          "INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1"
          " FROM c WHERE n < 100) SELECT printf('%0*d', 1000, n) FROM c");
    });
    db.backup(file());
  }
  [[nodiscard]] std::string file() const { return folder_.file("copy.db"); }

  TempDir folder_;
};

TEST_F(Verify, FindsNothingWrongWithABackup) {
  const VerifyReport report = verify_file(file());
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_EQ(report.path, file());
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(fs::file_size(file())));
  EXPECT_EQ(report.page_size_bytes, 4096);
  EXPECT_EQ(report.schema_version, 1);
  EXPECT_EQ(report.tables, (std::vector<TableRows>{{"note", 100}, {"turnstile_migration", 1}}));
  EXPECT_TRUE(report.has_manifest);
  EXPECT_EQ(report.sha256.size(), 64U);
}

TEST_F(Verify, LeavesNoTrace) {
  for (const char* mode : {"DELETE", "WAL"}) {
    fs::remove(file() + ".manifest");
    run_raw(file(), std::string("PRAGMA journal_mode=") + mode);
    const auto names = names_in(folder_.path());
    const std::string before = fingerprint(file());
    const auto time = fs::last_write_time(file());
    EXPECT_TRUE(verify_file(file()).ok()) << mode;
    EXPECT_EQ(names_in(folder_.path()), names) << mode;
    EXPECT_EQ(fingerprint(file()), before) << mode;
    EXPECT_EQ(fs::last_write_time(file()), time) << mode;
  }
}

TEST_F(Verify, FindsDamage) {
  overwrite(file(), 10 * 4096, std::string(2000, '\xff'));
  for (const IntegrityCheck check : {IntegrityCheck::Quick, IntegrityCheck::Full}) {
    const VerifyReport report = verify_file(file(), {.check = check});
    EXPECT_FALSE(report.ok());
    EXPECT_GE(report.problems.size(), 1U);
  }
}

TEST_F(Verify, FindsAByteThatSqliteDoesNotMiss) {
  // Inside a text, of which only the manifest knows what it was.
  overwrite(file(), 10 * 4096 + 3000, "?");
  fs::copy_file(file(), folder_.file("alone.db"));
  EXPECT_TRUE(verify_file(folder_.file("alone.db"), {.check = IntegrityCheck::Quick}).ok());
  EXPECT_THAT(verify_file(file(), {.check = IntegrityCheck::Quick}).problems,
              ElementsAre(HasSubstr("not that which its manifest was written for")));
}

TEST_F(Verify, FindsATruncatedFile) {
  fs::resize_file(file(), fs::file_size(file()) / 2);
  const VerifyReport report = verify_file(file());
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.problems, testing::Contains(HasSubstr("its manifest says")));
}

TEST_F(Verify, FindsThatAFileIsNoDatabase) {
  write_file(folder_.file("text.db"), std::string(10000, 'x'));
  write_file(folder_.file("empty.db"), "");
  EXPECT_THAT(verify_file(folder_.file("text.db")).problems,
              ElementsAre(HasSubstr("is not a SQLite database")));
  EXPECT_THAT(verify_file(folder_.file("empty.db")).problems, ElementsAre("the file is empty"));
  EXPECT_EQ(thrown<StorageError>([&] { (void)verify_file(folder_.file("none.db")); }).code(),
            "DB_NOT_FOUND");
  EXPECT_EQ(thrown<MisuseError>([&] { (void)verify_file(":memory:"); }).code(), "OPTION_INVALID");
}

TEST_F(Verify, FindsALogThatNobodyUses) {
  write_file(file() + "-wal", "left by somebody");
  const VerifyReport report = verify_file(file());
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("(copy.db-wal), and nobody uses it")));
  EXPECT_EQ(read_file(file() + "-wal"), "left by somebody");
}

TEST_F(Verify, ReadsTheLogOfADatabaseThatIsInUse) {
  Actor actor;
  actor.must("open " + folder_.file("live.db"));
  actor.must("exec CREATE TABLE t(a)");
  actor.must("exec INSERT INTO t VALUES (1)");
  const VerifyReport report = verify_file(folder_.file("live.db"));
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.tables, (std::vector<TableRows>{{"t", 1}}));
}

// CORE-17: closing the file would drop this process's locks on it, and another could write.
TEST_F(Verify, DoesNotTouchAFileThatThisProcessHasOpen) {
  Options options;
  options.without_wal = WithoutWal::Refuse;
  Database db = Database::open(file(), with_notes());
  const Lane lane = db.lane("notes");
  lane.write([&](WriteTx& tx) {
    add_note(tx, "not yet");
    const VerifyReport report = verify_file(file());
    EXPECT_THAT(report.problems, IsEmpty());
    EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("in use")));
    EXPECT_EQ(report.tables.front().rows, 100);
    EXPECT_THAT(SqliteShell(file()).run("INSERT INTO note(text) VALUES ('stranger')"),
                HasSubstr("locked"));
  });
  EXPECT_EQ(count_notes(lane), 101);
}

TEST_F(Verify, FindsAManifestOfSomethingElse) {
  write_file(file() + ".manifest", "no JSON");
  EXPECT_THAT(verify_file(file()).problems, ElementsAre("its manifest cannot be understood"));
  write_file(file() + ".manifest", R"({"format": 2, "sha256": ""})");
  EXPECT_THAT(verify_file(file()).problems, ElementsAre("its manifest cannot be understood"));
}

TEST_F(Verify, UnderstandsOddNames) {
  const std::string odd = folder_.file("what? 100%#1 'quoted'.db");
  fs::copy_file(file(), odd);
  EXPECT_TRUE(verify_file(odd).ok());
}

TEST_F(Verify, CanBeStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW((void)verify_file(file(), {.stop = stop.get_token()}), Cancelled);
}

}  // namespace
}  // namespace turnstile::test
