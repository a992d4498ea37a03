#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "turnstile/causes.h"

namespace turnstile {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

std::vector<std::string> causes_of(std::string_view words) {
  std::vector<std::string> ids;
  if (const auto found = explain(words))
    for (const Cause* const cause : found->causes)
      ids.emplace_back(cause->id);
  return ids;
}

std::string result_of(std::string_view words) {
  const auto found = explain(words);
  return found && found->result != nullptr ? std::string(found->result->name) : "";
}

TEST(Explain, TakesResultCodesHoweverTheyAreWritten) {
  EXPECT_EQ(result_of("BUSY"), "SQLITE_BUSY");
  EXPECT_EQ(result_of("busy"), "SQLITE_BUSY");
  EXPECT_EQ(result_of("SQLITE_BUSY_SNAPSHOT"), "SQLITE_BUSY_SNAPSHOT");
  EXPECT_EQ(result_of("5"), "SQLITE_BUSY");
  EXPECT_EQ(result_of(" 517\n"), "SQLITE_BUSY_SNAPSHOT");
}

TEST(Explain, TakesErrorCodesOfTurnstile) {
  const auto found = explain("DB_FILE_REPLACED");
  ASSERT_TRUE(found && found->error != nullptr);
  EXPECT_EQ(found->error->code, "DB_FILE_REPLACED");
  EXPECT_THAT(causes_of("DB_FILE_REPLACED"), ElementsAre("replaced-file"));
}

TEST(Explain, TakesTheNameOfACause) {
  EXPECT_THAT(causes_of("upgrade-after-read"), ElementsAre("upgrade-after-read"));
}

TEST(Explain, TakesAMessage) {
  EXPECT_EQ(result_of("database table is locked"), "SQLITE_LOCKED");
  EXPECT_THAT(causes_of("database table is locked"), Contains("shared-cache-table-lock"));
  EXPECT_THAT(causes_of("database table is locked"), Not(Contains("foreign-writer")));
  EXPECT_EQ(result_of("attempt to write a readonly database"), "SQLITE_READONLY");
}

TEST(Explain, TakesAMessageThatHasOneCauseOnlyForIt) {
  EXPECT_THAT(causes_of("cannot commit transaction - SQL statements in progress"),
              ElementsAre("open-statement"));
  EXPECT_THAT(causes_of("cannot start a transaction within a transaction"),
              ElementsAre("shared-connection"));
}

// As Python, Go, Node, Java, Rust and this library write them.
TEST(Explain, FindsItInALineOfALog) {
  EXPECT_EQ(result_of("sqlite3.OperationalError: database is locked"), "SQLITE_BUSY");
  EXPECT_EQ(result_of("2026-03-01T10:05:11Z ERROR tasks: database table is locked (262)"),
            "SQLITE_LOCKED_SHAREDCACHE");
  EXPECT_EQ(result_of("Error: SQLITE_BUSY_SNAPSHOT: database is locked"), "SQLITE_BUSY_SNAPSHOT");
  EXPECT_EQ(result_of("[SQLITE_BUSY]  The database file is locked (database is locked)"),
            "SQLITE_BUSY");
  EXPECT_EQ(result_of("SqliteFailure(Error { code: DatabaseBusy, extended_code: 517 }, "
                      "Some(\"database is locked\"))"),
            "SQLITE_BUSY_SNAPSHOT");
  const auto ours = explain(
      "WRITE_TIMEOUT: SQLite's lock on the file was not to be had for 5000 ms; process 4711 "
      "(sqlite3) holds the WAL write lock");
  ASSERT_TRUE(ours && ours->error != nullptr);
  EXPECT_EQ(ours->error->code, "WRITE_TIMEOUT");
}

// A time of day or a process's number is no code.
TEST(Explain, TakesNoNumberForACodeThatIsNotCalledSo) {
  EXPECT_EQ(result_of("517 requests later: database is locked"), "SQLITE_BUSY");
  EXPECT_FALSE(explain("worker 5 has ended"));
}

TEST(Explain, ShowsAllCausesOfAPrimaryCodeSinceDriversHideTheRest) {
  EXPECT_THAT(causes_of("5"), Contains("stale-snapshot"));
  EXPECT_THAT(causes_of("517"), ElementsAre("stale-snapshot"));
}

TEST(Explain, TakesAnExtendedCodeWithoutACauseForItsPrimaryCode) {
  EXPECT_THAT(causes_of("SQLITE_IOERR_RDLOCK"), Contains("io-error"));
}

TEST(Explain, SaysNothingOfWordsThatItDoesNotKnow) {
  EXPECT_FALSE(explain("the coffee is cold"));
  EXPECT_FALSE(explain(""));
  EXPECT_FALSE(explain("  \n"));
}

}  // namespace
}  // namespace turnstile
