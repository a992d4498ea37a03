// The examples of docs/guide/recovery.md; guide_test.cc compares it.
#include "turnstile/recovery.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "support/pages.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"

namespace turnstile::test {
namespace {

TEST(GuideToRecovery, ShowsHowAFileIsRecovered) {
  const TempDir directory;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  run_raw("damaged.db", "CREATE TABLE note(id INTEGER PRIMARY KEY); INSERT INTO note VALUES (1)");

  testing::internal::CaptureStdout();
  turnstile::RecoveryReport report = turnstile::recover("damaged.db", "new.db");
  for (const turnstile::RecoveredTable& table : report.tables)
    std::cout << table.name << ": " << table.rows << " rows, " << table.damaged_pages.size()
              << " pages lost\n";
  if (!report.complete()) std::cout << "see what is missing before anybody uses new.db\n";

  EXPECT_EQ(testing::internal::GetCapturedStdout(), "note: 1 rows, 0 pages lost\n");
  std::filesystem::current_path(before);
}

TEST(GuideToRecovery, ShowsHowRowsArePutBack) {
  const TempDir directory;
  const std::string file = directory.file("new.db");
  run_raw(file,
          "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT);"
          "CREATE TABLE lost_and_found(table_name, reason, root_page, page, row_id, field_count, "
          "c0, c1);"
          "INSERT INTO lost_and_found VALUES (NULL, NULL, 24, 31, 7, 2, NULL, 'tea'),"
          "                                  (NULL, NULL, 25, 32, 8, 2, NULL, 'of another table')");
  for (const std::string& block : blocks_of(read_source("docs/guide/recovery.md"), "sql"))
    run_raw(file, block);
  EXPECT_EQ(run_raw(file, "SELECT group_concat(id || ' ' || title) FROM note"), "7 tea");
}

}  // namespace
}  // namespace turnstile::test
