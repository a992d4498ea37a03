#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

TEST(CliExplain, TellsTheCausesOfAMessageAndHowToTellThemApart) {
  const CliResult result = run_cli({"explain", "database", "table", "is", "locked"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("SQLITE_LOCKED (6)"));
  EXPECT_THAT(result.out, HasSubstr("shared-cache-table-lock: "));
  EXPECT_THAT(result.out, HasSubstr("cache=shared"));
}

TEST(CliExplain, TellsTheCureWhereThereIsOneCauseOnly) {
  const CliResult result = run_cli({"explain", "SQLITE_BUSY_SNAPSHOT"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("stale-snapshot: "));
  EXPECT_THAT(result.out, HasSubstr("BEGIN IMMEDIATE"));
  EXPECT_THAT(result.out, HasSubstr("`turnstile demo stale-snapshot` shows it."));
}

TEST(CliExplain, KeepsItsLinesWithinEightyColumns) {
  const CliResult result = run_cli({"explain", "busy"});
  for (const std::string& line : lines_of(result.out))
    EXPECT_TRUE(!line.starts_with("  ") || line.size() <= 80) << line;
}

TEST(CliExplain, HasTheSameForPrograms) {
  const CliResult result = run_cli({"explain", "262", "--json"});
  EXPECT_EQ(result.status, 0);
  const Json found = Json::parse(result.out);
  EXPECT_EQ(found.at("result").at("name"), "SQLITE_LOCKED_SHAREDCACHE");
  EXPECT_EQ(found.at("error"), nullptr);
  ASSERT_EQ(found.at("causes").size(), 1U);
  const Json& cause = found.at("causes").at(0);
  EXPECT_EQ(cause.at("id"), "shared-cache-table-lock");
  EXPECT_EQ(cause.at("demo"), true);
  std::set<std::string> keys;
  for (const auto& [key, value] : cause.items())
    keys.insert(key);
  EXPECT_EQ(keys, (std::set<std::string>{"cure", "demo", "error_codes", "id", "meaning", "signs",
                                         "sqlite_codes", "title", "with_turnstile"}));
}

TEST(CliExplain, SaysWhereABusyTimeoutOfZeroMeansNothing) {
  const Json found = Json::parse(run_cli({"explain", "no-busy-timeout", "--json"}).out);
  EXPECT_THAT(found.at("causes").at(0).at("signs").get<std::string>(),
              HasSubstr("On a connection of Turnstile's it always shows 0"));
}

TEST(CliExplain, TellsOfTurnstilesOwnCodes) {
  const CliResult result = run_cli({"explain", "DB_FILE_REPLACED"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("replaced-file: "));
}

TEST(CliExplain, SaysThatItDoesNotUnderstand) {
  const CliResult result = run_cli({"explain", "no", "coffee", "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "WORDS_NOT_UNDERSTOOD");
}

TEST(CliExplain, NeedsWords) {
  EXPECT_EQ(run_cli({"explain"}).status, 3);
  EXPECT_EQ(run_cli({"explain", "-"}).status, 3);
}

// As Python leaves it: the statement stands in front of the message.
constexpr const char* kTrace =
    "INFO started 14 workers\n"
    "Error\n"
    "Traceback (most recent call last):\n"
    "  File \"app.py\", line 5, in <module>\n"
    "    db.execute(\"PRAGMA journal_mode=WAL\")\n"
    "sqlite3.OperationalError: database is locked\n"
    "ERROR later: disk I/O error\n";

TEST(CliExplain, FindsTheFirstFailureInALog) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"explain", "--json"}, {"explain", "-", "--json"}}) {
    const CliResult result = run_cli(words, kTrace);
    ASSERT_EQ(result.status, 0) << result.err;
    const Json found = Json::parse(result.out);
    EXPECT_EQ(found.at("result").at("name"), "SQLITE_BUSY");
    EXPECT_EQ(found.at("likelier").at(0), "wal-switch-beside-writer");
  }
}

TEST(CliExplain, TakesALoneWordOfStandardInput) {
  const CliResult result = run_cli({"explain", "--json"}, "517\n");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out).at("result").at("name"), "SQLITE_BUSY_SNAPSHOT");
}

TEST(CliExplain, SaysThatALogNamesNoFailure) {
  const CliResult result = run_cli({"explain", "-", "--json"}, "all is well\n");
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "WORDS_NOT_UNDERSTOOD");
}

TEST(CliExplain, TellsTheLikelierCausesFromTheRest) {
  const CliResult result = run_cli({"explain", "COMMIT:", "database", "is", "locked"});
  EXPECT_EQ(result.status, 0);
  EXPECT_LT(result.out.find("rollback-journal-reader: "), result.out.find("Less likely:"));
  EXPECT_GT(result.out.find("two-checkpointers: "), result.out.find("Less likely:"));
}

// The page is the table; nothing is said twice.
TEST(CliExplain, PrintsTheReferenceOfCauses) {
  const std::filesystem::path tests(place_of::tests());
  const std::string page =
      read_file((tests.parent_path() / "docs" / "reference" / "causes.md").string());
  const CliResult result = run_cli({"explain", "--markdown"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(page, result.out)
      << "write it anew: turnstile explain --markdown > docs/reference/causes.md";
}

}  // namespace
}  // namespace turnstile::test
