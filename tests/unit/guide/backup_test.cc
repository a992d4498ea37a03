// The examples of docs/guide/backup.md; guide_test.cc compares them.
#include <gtest/gtest.h>

#include <filesystem>

#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

/// Works in a directory of its own, as the examples' relative paths want it.
class GuideToBackup : public testing::Test {
 protected:
  GuideToBackup() { std::filesystem::current_path(directory_.path()); }
  ~GuideToBackup() override { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
  const TempDir directory_;
};

TEST_F(GuideToBackup, ShowsHowADatabaseIsCopiedAndPutBack) {
  std::filesystem::create_directory("backups");
  {
    turnstile::Database db = turnstile::Database::open("app.db", with_notes());
    add_note(db.lane("notes"), "kept");
    turnstile::BackupReport report = db.backup("backups/app.db");
    EXPECT_EQ(report.tables.front().rows, 1);
    add_note(db.lane("notes"), "too late");
  }
  turnstile::restore("backups/app.db", "app.db");
  EXPECT_EQ(run_raw("app.db", "SELECT group_concat(text) FROM note"), "kept");
}

}  // namespace
}  // namespace turnstile::test
