// Two copies of SQLite in one process drop each other's locks; opening a database notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "support/child_process.h"
#include "support/reply.h"
#include "support/temp_dir.h"
#include "turnstile/doctor.h"

namespace turnstile::test {
namespace {

Reply open_beside_another_engine(const std::string& path, const std::string& choice) {
  ProgramResult result = run_program({actor_path("second_engine"), path, choice});
  EXPECT_EQ(result.status, 0) << result.output;
  return Reply::parse(result.output.substr(0, result.output.find('\n')));
}

// CORE-18: two copies of SQLite in the process.
TEST(SecondEngine, IsRefused) {
  const TempDir dir;
  const Reply reply = open_beside_another_engine(dir.file("app.db"), "refuse");
  EXPECT_FALSE(reply.ok());
  EXPECT_EQ(reply.text("code"), "ENGINE_CONFLICT") << reply.line();
}

TEST(SecondEngine, IsNamedByItsFile) {
  const TempDir dir;
  const Reply reply = open_beside_another_engine(dir.file("app.db"), "refuse");
  EXPECT_THAT(reply.text("message"), testing::HasSubstr("libsqlite3.so"));
}

TEST(SecondEngine, RefusedLeavesNoFileBehind) {
  const TempDir dir;
  open_beside_another_engine(dir.file("app.db"), "refuse");
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

// CORE-18: the option that permits it.
TEST(SecondEngine, IsLetThroughWhenTheOptionSaysSo) {
  const TempDir dir;
  const Reply reply = open_beside_another_engine(dir.file("app.db"), "allow");
  EXPECT_TRUE(reply.ok()) << reply.line();
}

// DOC-06: a second engine in a process that uses the file.
TEST(SecondEngine, IsSeenByTheDoctor) {
  const TempDir dir;
  ChildProcess program({actor_path("second_engine"), dir.file("app.db"), "hold"});
  ASSERT_TRUE(Reply::parse(program.read_line()).ok());
  const DoctorReport report = examine(dir.file("app.db"));
  const auto finding = std::ranges::find(report.findings, "second-engine", &Finding::id);
  ASSERT_NE(finding, report.findings.end());
  EXPECT_EQ(finding->status, CheckStatus::Warn);
  EXPECT_EQ(finding->cause, "two-engines");
  EXPECT_THAT(finding->title, testing::HasSubstr(std::to_string(program.pid())));
  EXPECT_THAT(finding->evidence, testing::Contains(testing::HasSubstr("libsqlite3.so")));
  program.close_input();
  EXPECT_EQ(program.wait(), 0);
}

}  // namespace
}  // namespace turnstile::test
