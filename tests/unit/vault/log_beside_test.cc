// A log that lies beside the database of a profile that is backed up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

class LogBeside : public testing::Test {
 protected:
  LogBeside() {
    made_ = workspace_.create("work");
    const VaultSession session = workspace_.unlock("work");
    add_note(session.lane("notes"), "before");
  }
  [[nodiscard]] std::string database() const {
    return part_of(place_.folder(made_), "database.").string();
  }
  [[nodiscard]] std::string file() const { return place_.outside("work.backup"); }
  [[nodiscard]] std::int64_t notes_restored() const {
    WorkspacePlace elsewhere;
    Workspace other = elsewhere.open();
    other.restore(file());
    return count_notes(other.unlock("work").lane("notes"));
  }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
  ProfileInfo made_;
};

// VBK-02: a program that knows nothing of profiles reads meanwhile, so that the log stays.
TEST_F(LogBeside, OfAForeignReaderIsNotLeftOutOfABackup) {
  {
    RawSqlite reader(database());
    reader.run("BEGIN; SELECT count(*) FROM note");
    const VaultSession session = workspace_.unlock("work");
    add_note(session.lane("notes"), "after");
    EXPECT_EQ(thrown<StorageError>([&] { workspace_.backup("work", file()); }).code(),
              "DB_LOG_LEFT");
    EXPECT_FALSE(fs::exists(file()));
    EXPECT_EQ(count_notes(session.lane("notes")), 2) << "the session goes on";
    reader.run("COMMIT");
  }
  workspace_.backup("work", file());
  EXPECT_EQ(notes_restored(), 2);
}

// VBK-02: a program died in a transaction with a rollback journal, and the file is half written.
TEST_F(LogBeside, OfAnInterruptedTransactionIsRolledBackBeforeABackup) {
  const std::string kept = place_.outside("kept");
  {
    RawSqlite writer(database());
    writer.run("PRAGMA journal_mode=DELETE; PRAGMA cache_size=1; PRAGMA cache_spill=1");
    writer.run("BEGIN IMMEDIATE; DELETE FROM note");
    writer.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
        " INSERT INTO note(text) SELECT hex(randomblob(100)) FROM n");
    fs::copy_file(database(), kept);
    fs::copy_file(database() + "-journal", kept + "-journal");
    writer.run("ROLLBACK");
  }
  ASSERT_GT(fs::file_size(kept + "-journal"), 0U);
  fs::copy_file(kept, database(), fs::copy_options::overwrite_existing);
  fs::copy_file(kept + "-journal", database() + "-journal");
  workspace_.backup("work", file());
  EXPECT_FALSE(fs::exists(database() + "-journal"));
  EXPECT_EQ(notes_restored(), 1);
}

}  // namespace
}  // namespace turnstile::test
