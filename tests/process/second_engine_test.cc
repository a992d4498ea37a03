// Two copies of SQLite in one process drop each other's locks; opening a database notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/child_process.h"
#include "support/reply.h"
#include "support/temp_dir.h"

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

}  // namespace
}  // namespace turnstile::test
