// The example of docs/guide/recovery.md; guide_test.cc compares it.
#include "turnstile/recovery.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

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

}  // namespace
}  // namespace turnstile::test
