// The example of docs/guide/operations.md; guide_test.cc compares it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/doctor.h"

namespace turnstile::test {
namespace {

TEST(GuideToOperations, ShowsHowADatabaseIsExamined) {
  const TempDir directory;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(directory.path());
  run_raw("app.db", "CREATE TABLE note(id INTEGER PRIMARY KEY)");

  testing::internal::CaptureStdout();
  turnstile::DoctorReport report = turnstile::examine("app.db");
  for (const turnstile::Finding& finding : report.findings) {
    if (finding.status < turnstile::CheckStatus::Warn) continue;
    std::cout << finding.id << ": " << finding.title << "\n  " << finding.cure << "\n";
  }

  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              testing::StartsWith("journal-mode: rollback journal"));
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace turnstile::test
