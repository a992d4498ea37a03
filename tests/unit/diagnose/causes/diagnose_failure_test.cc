// What cannot be shown by `turnstile demo`, and what a demonstration does not tell apart; the rest
// is in tests/cli/demo_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <string>

#include "turnstile/causes.h"

namespace turnstile {
namespace {

using testing::HasSubstr;

std::string cause_of(const FailureEvidence& evidence) {
  const auto found = diagnose_failure(evidence);
  return found ? std::string(found->cause->id) : "";
}

std::string cause_of(const Error& error) {
  const auto found = diagnose_failure(error);
  return found ? std::string(found->cause->id) : "";
}

LockInfo lock_of(std::int64_t pid, std::string name, std::string kind = "write") {
  LockInfo lock;
  lock.lock = std::move(name);
  lock.kind = std::move(kind);
  lock.pid = pid;
  lock.program = "sqlite3";
  return lock;
}

constexpr std::int64_t kSelf = 999999990;  // No process has these numbers.
constexpr std::int64_t kOther = 999999991;

FailureEvidence busy() {
  FailureEvidence evidence;
  evidence.sqlite_code = SQLITE_BUSY;
  evidence.message = "database is locked";
  evidence.sql = "INSERT INTO t VALUES (1)";
  evidence.journal_mode = "wal";
  evidence.pid = kSelf;
  evidence.busy_timeout = std::chrono::milliseconds(5000);
  evidence.waited = std::chrono::milliseconds(5000);
  return evidence;
}

TEST(DiagnoseFailure, NamesTheForeignWriterAndItsLock) {
  FailureEvidence evidence = busy();
  evidence.locks = {lock_of(kOther, "WAL write lock")};
  const auto found = diagnose_failure(evidence);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cause->id, "foreign-writer");
  EXPECT_THAT(found->evidence, HasSubstr("999999991 (sqlite3) has the WAL write lock"));
}

// The names of locks as SQLite's source has them.
TEST(DiagnoseFailure, UnderstandsTheShortNamesOfLocksToo) {
  FailureEvidence evidence = busy();
  evidence.locks = {lock_of(kOther, "WRITE")};
  EXPECT_EQ(cause_of(evidence), "foreign-writer");
  evidence.locks = {lock_of(kOther, "EXCLUSIVE")};
  EXPECT_EQ(cause_of(evidence), "exclusive-locking-mode");
}

TEST(DiagnoseFailure, BelievesAnExtendedCodeBeforeALock) {
  FailureEvidence evidence = busy();
  evidence.sqlite_code = SQLITE_BUSY_SNAPSHOT;
  evidence.locks = {lock_of(kOther, "WAL write lock")};
  EXPECT_EQ(cause_of(evidence), "stale-snapshot");
}

TEST(DiagnoseFailure, TellsAnUpgradeFromAWait) {
  FailureEvidence evidence = busy();
  evidence.locks = {lock_of(kOther, "WAL write lock")};
  evidence.in_transaction = true;
  evidence.has_snapshot = true;
  EXPECT_EQ(cause_of(evidence), "upgrade-after-read");
  evidence.has_snapshot = false;
  EXPECT_EQ(cause_of(evidence), "foreign-writer");
}

TEST(DiagnoseFailure, FindsAnOpenSelectBehindAnUpgradeInAutocommit) {
  FailureEvidence evidence = busy();
  evidence.waited = std::chrono::milliseconds(0);
  evidence.has_snapshot = true;
  evidence.has_open_statement = true;
  EXPECT_EQ(cause_of(evidence), "upgrade-after-read");
}

TEST(DiagnoseFailure, TakesALongWaitBesideOthersOfTheProcessForStarving) {
  EXPECT_EQ(cause_of(busy()), "writer-starved");
}

// SQLite has no such code for a journal, whatever lies beside the file.
TEST(DiagnoseFailure, TakesTheRecoveryOfALogForThat) {
  FailureEvidence evidence = busy();
  evidence.sqlite_code = SQLITE_BUSY_RECOVERY;
  evidence.journal_mode = "delete";
  evidence.has_file = evidence.file.has_journal = true;
  EXPECT_EQ(cause_of(evidence), "recovery-after-crash");
}

TEST(DiagnoseFailure, KnowsAWriterThatCheckpointsBesideAReader) {
  FailureEvidence evidence = busy();
  evidence.locks = {lock_of(kOther, "WAL write lock"), lock_of(kOther, "checkpoint lock")};
  EXPECT_EQ(cause_of(evidence), "foreign-writer");
  evidence.locks.push_back(lock_of(kSelf, "WAL read mark 1", "read"));
  EXPECT_EQ(cause_of(evidence), "checkpoint-waits-on-reader");
}

// No program can make one for itself, so the evidence is made.
TEST(DiagnoseFailure, BlamesANetworkFileSystem) {
  FailureEvidence evidence;
  evidence.has_file = true;
  evidence.file.network_file_system = "nfs";
  for (const int code : {SQLITE_PROTOCOL, SQLITE_IOERR_LOCK, SQLITE_CORRUPT}) {
    evidence.sqlite_code = code;
    EXPECT_EQ(cause_of(evidence), "network-file-system") << code;
  }
}

TEST(DiagnoseFailure, BlamesTheMediumForAFailedSync) {
  FailureEvidence evidence;
  evidence.sqlite_code = SQLITE_IOERR_FSYNC;
  EXPECT_EQ(cause_of(evidence), "io-error");
}

TEST(DiagnoseFailure, SaysNothingWhereNothingFailedAndNothingIsMissing) {
  EXPECT_EQ(cause_of(FailureEvidence{}), "");
}

TEST(DiagnoseFailure, SaysNothingOfAConstraint) {
  FailureEvidence evidence;
  evidence.sqlite_code = SQLITE_CONSTRAINT_UNIQUE;
  EXPECT_EQ(cause_of(evidence), "");
}

Timeout timeout_with(Holder holder, int sqlite_code = SQLITE_BUSY) {
  Error::Details details;
  details.code = "WRITE_TIMEOUT";
  details.message = "it did not come to it";
  details.sqlite_code = sqlite_code;
  return Timeout(std::move(details), std::move(holder), std::chrono::milliseconds(100));
}

TEST(DiagnoseFailure, NamesTheForeignWriterOfATimeout) {
  Holder holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = kOther;
  holder.program = "sqlite3";
  holder.lock = "WAL write lock";
  const auto found = diagnose_failure(timeout_with(holder));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->cause->id, "foreign-writer");
  EXPECT_THAT(found->evidence, HasSubstr("(sqlite3)"));
}

TEST(DiagnoseFailure, TellsALaneFromAStranger) {
  Holder holder;
  holder.kind = Holder::Kind::Thread;
  holder.lane = "imports";
  holder.lock = "writer turn";
  EXPECT_EQ(cause_of(timeout_with(holder, 0)), "writer-starved");
}

TEST(DiagnoseFailure, KnowsAProcessThatStandsStill) {
  EXPECT_EQ(cause_of(timeout_with({}, SQLITE_PROTOCOL)), "frozen-peer");
}

TEST(DiagnoseFailure, KnowsWhatTheLibraryThrows) {
  const auto thrown = [](std::string_view code) {
    return Error({.code = code, .message = "something"});
  };
  EXPECT_EQ(cause_of(thrown("DB_DISK_FULL")), "disk-full");
  EXPECT_EQ(cause_of(thrown("DB_FILE_REPLACED")), "replaced-file");
  EXPECT_EQ(cause_of(thrown("USED_AFTER_FORK")), "forked-connection");
  EXPECT_EQ(cause_of(thrown("ENGINE_CONFLICT")), "two-engines");
  EXPECT_EQ(cause_of(thrown("WRITE_INSIDE_WRITE")), "waiting-for-oneself");
  EXPECT_EQ(cause_of(thrown("SQL_ERROR")), "");
}

}  // namespace
}  // namespace turnstile
