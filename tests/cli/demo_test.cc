// Every cause that a program can force is let happen: plain SQLite fails as the table says, the
// evidence of the failure leads back to the cause, and the same work through Turnstile succeeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "demo/demo.h"
#include "support/soon.h"
#include "turnstile/causes.h"

namespace turnstile::test {
namespace {

using cli::demo::all_demos;
using cli::demo::Demo;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;

std::vector<std::string> demo_names() {
  std::vector<std::string> names;
  for (const Demo* const demo : all_demos())
    names.emplace_back(demo->name);
  return names;
}

std::vector<std::string> reproduced_causes() {
  std::vector<std::string> names = demo_names();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("seed"); });
  return names;
}

// What is silent has no code of SQLite's; these are the words of demonstrations for it.
const std::set<std::string> kSilent = {"ROWS_MISSING",    "TABLE_MISSING",  "NOTHING_DONE",
                                       "LOG_OVER_LIMIT",  "NOT_DONE",       "NOT_CHECKED",
                                       "COLUMNS_CHANGED", "NOT_ROLLED_BACK"};

bool fits(const Cause& cause, const std::string& result) {
  const std::string codes = " " + std::string(cause.sqlite_codes) + " ";
  return kSilent.contains(result) || codes.find(" " + result + " ") != std::string::npos;
}

class CliDemoOf : public testing::TestWithParam<std::string> {};

TEST_P(CliDemoOf, FailsWithPlainSqliteIsNamedAndSucceedsThroughTurnstile) {
  const std::string name = GetParam();
  const CliResult result = run_cli({"demo", name, "--json"});
  ASSERT_THAT(result.status, 0) << result.out << result.err;
  const Json shown = Json::parse(result.out);
  const Cause* const cause = find_cause(name);
  ASSERT_NE(cause, nullptr);

  const Json& plain = shown.at("plain");
  EXPECT_GT(plain.at("failed"), 0);
  for (const auto& [code, count] : plain.at("results").items())
    EXPECT_TRUE(fits(*cause, code)) << code << ": " << plain;
  ASSERT_FALSE(plain.at("causes").empty()) << plain;
  for (const auto& [named, count] : plain.at("causes").items())
    EXPECT_EQ(named, name) << plain;
  EXPECT_TRUE(plain.at("evidence").is_string());

  const Json& turnstile = shown.at("turnstile");
  EXPECT_EQ(turnstile.at("failed"), 0) << turnstile;
  EXPECT_GT(turnstile.at("operations"), 0);
}

INSTANTIATE_TEST_SUITE_P(Cause, CliDemoOf, testing::ValuesIn(reproduced_causes()),
                         [](const testing::TestParamInfo<std::string>& cause) {
                           std::string name = cause.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(CliDemo, ShowsTheFiveSubsystemsOfSeedOne) {
  const CliResult result = run_cli({"demo", "seed1", "--json"});
  ASSERT_EQ(result.status, 0) << result.out << result.err;
  const Json shown = Json::parse(result.out);
  EXPECT_EQ(shown.at("plain").at("operations"), 50);
  EXPECT_THAT((shown.at("plain").at("results").get<std::map<std::string, int>>()),
              Contains(Key(AnyOf("SQLITE_LOCKED_SHAREDCACHE", "SQLITE_BUSY_SNAPSHOT"))));
  EXPECT_EQ(shown.at("turnstile").at("operations"), 50);
  EXPECT_EQ(shown.at("turnstile").at("failed"), 0) << shown;
}

TEST(CliDemo, ShowsTheFourProcessesOfSeedTwo) {
  const CliResult result = run_cli({"demo", "seed2", "--json"});
  ASSERT_EQ(result.status, 0) << result.out << result.err;
  const Json shown = Json::parse(result.out);
  EXPECT_GT(shown.at("plain").at("failed"), 0);
  EXPECT_EQ(shown.at("turnstile").at("operations"), 20);
  EXPECT_EQ(shown.at("turnstile").at("failed"), 0) << shown;
}

TEST(CliDemo, IsThereForEachCauseOrSaysWhyNot) {
  for (const Cause& cause : causes())
    EXPECT_EQ(cli::demo::find_demo(cause.id) != nullptr, cause.not_shown.empty()) << cause.id;
  for (const std::string& name : reproduced_causes())
    EXPECT_NE(find_cause(name), nullptr) << name;
}

TEST(CliDemo, ListsWhatThereIs) {
  const CliResult table = run_cli({"demo"});
  EXPECT_EQ(table.status, 0);
  const CliResult json = run_cli({"demo", "--json"});
  std::set<std::string> listed;
  for (const Json& each : Json::parse(json.out))
    listed.insert(each.at("name").get<std::string>());
  for (const std::string& name : demo_names()) {
    EXPECT_TRUE(listed.contains(name)) << name;
    EXPECT_THAT(table.out, HasSubstr(name));
  }
  EXPECT_THAT(table.out, HasSubstr("network-file-system: A network file system cannot be made"));
}

TEST(CliDemo, PrintsBothCountsForPeople) {
  const CliResult result = run_cli({"demo", "stale-snapshot"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("plain SQLite: 10 of 20 operations failed\n"
                                    "  10 SQLITE_BUSY_SNAPSHOT\n"));
  EXPECT_THAT(result.out, HasSubstr("with Turnstile: 0 of 20 operations failed\n"));
}

// What a demonstration shows besides its codes, by the notes of the part that it is in.
std::string notes_of(const std::string& name, const std::string& part) {
  const Json shown = Json::parse(run_cli({"demo", name, "--json"}).out);
  return shown.at(part).at("notes").dump();
}

TEST(CliDemo, ShowsThatNormalIsNoCureForExclusiveLockingInWalMode) {
  const std::string notes = notes_of("exclusive-locking-mode", "plain");
  EXPECT_THAT(notes, HasSubstr("with a journal, NORMAL gives normal, and then the other one gets "
                               "SQLITE_OK"));
  EXPECT_THAT(notes, HasSubstr("in WAL mode, NORMAL gives exclusive, and then the other one gets "
                               "SQLITE_BUSY"));
  EXPECT_THAT(notes, HasSubstr("when that connection is closed, the other one gets SQLITE_OK"));
}

// As many for each thread, however slow the machine is.
TEST(CliDemo, CountsAsManyTurnsOnAnyMachine) {
  const Json shown = Json::parse(run_cli({"demo", "writer-starved", "--json"}).out);
  EXPECT_EQ(shown.at("turnstile").at("operations"), 8 * 16) << shown;
}

TEST(CliDemo, SaysThatItsDirectoryIsNone) {
  const CliResult result =
      run_cli({"demo", "stale-snapshot", "--json"}, "", {"TMPDIR=/nonexistent"});
  EXPECT_EQ(result.status, 4) << result.err;
  EXPECT_EQ(error_of(result).at("code"), "DB_NO_DIRECTORY");
  EXPECT_THAT(error_of(result).at("message").get<std::string>(), HasSubstr("'/nonexistent'"));
  EXPECT_THAT(error_of(result).at("hint").get<std::string>(), HasSubstr("TMPDIR"));
}

TEST(CliDemo, LeavesNothingBehind) {
  const TempDir place;
  ::chmod(place.path().c_str(), 0711);  // For a part that is another user.
  const CliResult result =
      run_cli({"demo", "read-only-directory"}, "", {"TMPDIR=" + place.path().string()});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_TRUE(std::filesystem::is_empty(place.path()));
}

TEST(CliDemo, LeavesNothingBehindWhenItIsInterrupted) {
  const TempDir place;
  CliRun run({"demo", "writer-starved"}, {"TMPDIR=" + place.path().string()});
  ASSERT_TRUE(soon([&] { return !std::filesystem::is_empty(place.path()); }));
  run.process().signal(SIGINT);
  EXPECT_EQ(run.finish().status, 130);
  EXPECT_TRUE(std::filesystem::is_empty(place.path()));
}

TEST(CliDemo, SaysWhyACauseHasNoDemonstration) {
  const CliResult result = run_cli({"demo", "wal-reset-bug", "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DEMO_NOT_FOUND");
  EXPECT_THAT(error_of(result).at("hint").get<std::string>(), HasSubstr("cannot be forced"));
}

TEST(CliDemo, SaysThatThereIsNoneOfTheName) {
  const CliResult result = run_cli({"demo", "moon-phase", "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DEMO_NOT_FOUND");
}

}  // namespace
}  // namespace turnstile::test
