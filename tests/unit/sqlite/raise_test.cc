#include "sqlite/raise.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cerrno>
#include <ostream>
#include <string>

#include "sqlite/error_code.h"
#include "support/scratch_connection.h"
#include "support/thrown.h"

namespace turnstile::sqlite {
namespace {

using test::ScratchConnection;
using test::thrown;

enum class Kind { Plain, Timeout, Cancelled, Constraint, Misuse, Storage };

Kind kind_of(const std::exception& error) {
  if (dynamic_cast<const Timeout*>(&error) != nullptr) return Kind::Timeout;
  if (dynamic_cast<const Cancelled*>(&error) != nullptr) return Kind::Cancelled;
  if (dynamic_cast<const ConstraintError*>(&error) != nullptr) return Kind::Constraint;
  if (dynamic_cast<const MisuseError*>(&error) != nullptr) return Kind::Misuse;
  if (dynamic_cast<const StorageError*>(&error) != nullptr) return Kind::Storage;
  return Kind::Plain;
}

struct Sample {
  int result;
  Kind kind;
  std::string_view code;
};

std::ostream& operator<<(std::ostream& out, const Sample& sample) {
  return out << sample.result;
}

class ResultCode : public testing::TestWithParam<Sample> {};

TEST_P(ResultCode, BecomesTheRightException) {
  ScratchConnection connection;
  try {
    raise(*connection, GetParam().result);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), GetParam().code);
    EXPECT_EQ(kind_of(error), GetParam().kind);
    EXPECT_EQ(error.sqlite_code(), GetParam().result);
    EXPECT_FALSE(error.message().ends_with('.'));
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ResultCode,
    testing::Values(Sample{SQLITE_BUSY, Kind::Timeout, "READ_TIMEOUT"},
                    Sample{SQLITE_BUSY_RECOVERY, Kind::Timeout, "READ_TIMEOUT"},
                    Sample{SQLITE_BUSY_SNAPSHOT, Kind::Timeout, "READ_TIMEOUT"},
                    Sample{SQLITE_PROTOCOL, Kind::Timeout, "READ_TIMEOUT"},
                    Sample{SQLITE_LOCKED, Kind::Misuse, "STATEMENT_OPEN"},
                    Sample{SQLITE_LOCKED_VTAB, Kind::Misuse, "STATEMENT_OPEN"},
                    Sample{SQLITE_INTERRUPT, Kind::Cancelled, "INTERRUPTED"},
                    Sample{SQLITE_CONSTRAINT_UNIQUE, Kind::Constraint, "CONSTRAINT"},
                    Sample{SQLITE_CANTOPEN, Kind::Storage, "DB_OPEN_FAILED"},
                    Sample{SQLITE_PERM, Kind::Storage, "DB_PERMISSION"},
                    Sample{SQLITE_READONLY, Kind::Misuse, "READ_ONLY_TRANSACTION"},
                    Sample{SQLITE_READONLY_DBMOVED, Kind::Storage, "DB_FILE_REPLACED"},
                    Sample{SQLITE_READONLY_DIRECTORY, Kind::Storage, "DB_PERMISSION"},
                    Sample{SQLITE_NOTADB, Kind::Storage, "DB_NOT_A_DATABASE"},
                    Sample{SQLITE_CORRUPT_INDEX, Kind::Storage, "DB_CORRUPT"},
                    Sample{SQLITE_FULL, Kind::Storage, "DB_DISK_FULL"},
                    Sample{SQLITE_IOERR_FSYNC, Kind::Storage, "DB_IO"},
                    Sample{SQLITE_TOOBIG, Kind::Misuse, "VALUE_TOO_BIG"},
                    Sample{SQLITE_AUTH, Kind::Misuse, "SQL_NOT_ALLOWED"},
                    Sample{SQLITE_ABORT_ROLLBACK, Kind::Plain, "TRANSACTION_LOST"},
                    Sample{SQLITE_ERROR, Kind::Plain, "SQL_ERROR"},
                    Sample{SQLITE_MISMATCH, Kind::Plain, "SQL_ERROR"},
                    Sample{SQLITE_NOMEM, Kind::Plain, "ENGINE_ERROR"},
                    Sample{SQLITE_SCHEMA, Kind::Plain, "ENGINE_ERROR"},
                    Sample{SQLITE_MISUSE, Kind::Plain, "ENGINE_ERROR"}));

TEST(Raise, TakesLaneAndPlaceFromTheCall) {
  ScratchConnection connection;
  connection.call().lane = "notes";
  connection.call().where = std::source_location::current();
  const auto error = thrown<Error>([&] { raise(*connection, SQLITE_ERROR, "SELECT 1"); });
  EXPECT_EQ(error.lane(), "notes");
  EXPECT_EQ(error.where().line(), connection.call().where.line());
  EXPECT_EQ(error.sql(), "SELECT 1");
}

TEST(Raise, NamesATimeoutAsTheCallDoes) {
  ScratchConnection connection;
  connection.call().timeout_code = code("WRITE_TIMEOUT");
  const auto error = thrown<Timeout>([&] { raise(*connection, SQLITE_BUSY); });
  EXPECT_EQ(error.code(), "WRITE_TIMEOUT");
  EXPECT_TRUE(error.retry_is_safe());
}

TEST(Raise, DoesNotSayThatTheDatabaseIsLocked) {
  ScratchConnection connection;
  for (const int result : {SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED, SQLITE_PROTOCOL}) {
    const auto error = thrown<Error>([&] { raise(*connection, result); });
    EXPECT_EQ(std::string(error.what()).find("is locked"), std::string::npos) << error.what();
  }
}

TEST(Raise, MakesBusyOfAnInterruptedCallCancelled) {
  ScratchConnection connection;
  connection->interrupt();
  EXPECT_EQ(thrown<Cancelled>([&] { raise(*connection, SQLITE_BUSY); }).code(), "INTERRUPTED");
}

TEST(Raise, SaysThatAReadWasInterruptedForTheLog) {
  ScratchConnection connection;
  connection->interrupt(Interrupt::LogLimit);
  const auto error = thrown<Cancelled>([&] { raise(*connection, SQLITE_INTERRUPT); });
  EXPECT_EQ(error.code(), "READ_INTERRUPTED");
  EXPECT_TRUE(error.retry_is_safe());
}

TEST(Raise, CallsARetryAfterAFullDiskSafe) {
  ScratchConnection connection;
  EXPECT_TRUE(thrown<StorageError>([&] { raise(*connection, SQLITE_FULL); }).retry_is_safe());
}

TEST(Raise, CallsNoRetrySafeWhenTheCommitIsInDoubt) {
  ScratchConnection connection;
  const auto error = thrown<StorageError>(
      [&] { raise(*connection, SQLITE_FULL, {}, {.commit_state = CommitState::Unknown}); });
  EXPECT_FALSE(error.retry_is_safe());
  EXPECT_EQ(error.commit_state(), CommitState::Unknown);
}

TEST(RaiseTimeout, NamesTheHolder) {
  Holder holder;
  holder.kind = Holder::Kind::Process;
  holder.pid = 4711;
  const auto error = thrown<Timeout>([&] { raise_timeout(Call(), code("WRITE_TIMEOUT"), holder); });
  EXPECT_EQ(error.holder().pid, 4711);
  EXPECT_NE(error.message().find("process 4711 holds"), std::string::npos) << error.what();
}

TEST(RaiseSystem, GivesTheSystemsTextAndNumber) {
  const auto error =
      thrown<StorageError>([] { raise_system(code("DB_IO"), "cannot open x", EACCES); });
  EXPECT_STREQ(error.what(), "DB_IO: cannot open x: Permission denied (13)");
  EXPECT_EQ(error.system_code(), EACCES);
}

TEST(RaiseMisuse, TakesTheHintThatItIsGiven) {
  const auto error =
      thrown<MisuseError>([] { raise_misuse(code("SQL_ERROR"), "no", {}, "Do this."); });
  EXPECT_EQ(error.hint(), "Do this.");
}

TEST(PositionIn, CountsLinesAndCharactersFromOne) {
  EXPECT_EQ(position_in("SELECT", 0), " at line 1, column 1");
  EXPECT_EQ(position_in("SELECT\n  x", 9), " at line 2, column 3");
  EXPECT_EQ(position_in("\n\n", 2), " at line 3, column 1");
}

TEST(PositionIn, CountsACharacterOfSeveralBytesOnce) {
  EXPECT_EQ(position_in("'\xC3\xA4\xE2\x82\xAC' x", 8), " at line 1, column 6");
}

TEST(PositionIn, StaysInsideTheText) {
  EXPECT_EQ(position_in("ab", 99), " at line 1, column 3");
}

}  // namespace
}  // namespace turnstile::sqlite
