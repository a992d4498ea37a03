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

TEST(Explain, BelievesTheExtendedCodeOfSeveralNumbers) {
  EXPECT_EQ(result_of("Error code 5: The database file is locked, statusCode 261"),
            "SQLITE_BUSY_RECOVERY");
  EXPECT_EQ(result_of("rc 5 extended 517: database is locked"), "SQLITE_BUSY_SNAPSHOT");
  EXPECT_EQ(result_of("SQLITE_BUSY_SNAPSHOT (5): database is locked"), "SQLITE_BUSY_SNAPSHOT");
  EXPECT_EQ(result_of("rc=5, then error 14"), "SQLITE_BUSY");
}

TEST(Explain, TakesAnExtendedCodeThatSaysNothingMoreForItsPrimaryCodeToo) {
  EXPECT_THAT(causes_of("773"), Contains("writer-starved"));
  EXPECT_THAT(causes_of("773"), Contains("foreign-writer"));
  EXPECT_THAT(causes_of("773"), Contains("stopped-process"));
  EXPECT_THAT(causes_of("773"), Not(Contains("stale-snapshot")));  // It has a code of its own.
  EXPECT_THAT(causes_of("SQLITE_CORRUPT_INDEX"), Contains("descriptor-closed"));
}

// The engine returns it for the index of a log only.
TEST(Explain, DoesNotTakeTheRecoveryOfALogForAJournal) {
  EXPECT_THAT(causes_of("261"), Not(Contains("hot-journal")));
  EXPECT_THAT(causes_of("261"), Contains("recovery-after-crash"));
}

std::vector<std::string> likelier_of(std::string_view words) {
  std::vector<std::string> ids = causes_of(words);
  ids.resize(explain(words).value_or(Explanation{}).likelier);
  return ids;
}

TEST(Explain, PutsTheCausesOfTheStatementFirst) {
  EXPECT_THAT(likelier_of("PRAGMA journal_mode=WAL: database is locked"),
              ElementsAre("wal-switch-beside-writer", "exclusive-locking-mode"));
  EXPECT_EQ(likelier_of("pragma journal_mode = delete; database is locked").front(),
            "leave-wal-beside-others");
  EXPECT_EQ(likelier_of("PRAGMA wal_checkpoint(TRUNCATE): database is locked (5)").front(),
            "two-checkpointers");
  EXPECT_EQ(likelier_of("COMMIT: database is locked").front(), "rollback-journal-reader");
  EXPECT_EQ(likelier_of("VACUUM: database is locked").front(), "open-statement");
  EXPECT_EQ(likelier_of("INSERT INTO t VALUES (1): database is locked").front(),
            "upgrade-after-read");
}

// A clue chooses among what the code can have, and adds nothing to it.
TEST(Explain, RanksCausesOfTheCodeOnly) {
  EXPECT_THAT(likelier_of("DROP TABLE t: database table is locked"),
              ElementsAre("open-statement", "shared-cache-table-lock"));
  const std::vector<std::string> all = causes_of("COMMIT: database is locked");
  EXPECT_EQ(all.size(), causes_of("database is locked").size());
}

TEST(Explain, SaysNotWhatIsLikelierWhereTheWordsDoNotTell) {
  EXPECT_THAT(likelier_of("database is locked"), testing::IsEmpty());
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
