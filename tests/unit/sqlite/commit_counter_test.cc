#include "sqlite/commit_counter.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/raw_sqlite.h"
#include "support/scratch_connection.h"

namespace turnstile::sqlite {
namespace {

using test::RawSqlite;
using test::ScratchConnection;

TEST(CommitCounter, CountsEachCommitOfAnybody) {
  ScratchConnection connection("CREATE TABLE t(a)");
  CommitCounter counter(*connection, true);
  const auto before = counter.read();
  ASSERT_TRUE(before);
  RawSqlite stranger(connection.file());
  stranger.run("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)");
  connection->execute("INSERT INTO t VALUES (3)");
  EXPECT_EQ(counter.read()->number, before->number + 3);
}

TEST(CommitCounter, KnowsTheNumberOfTheOpenTransaction) {
  ScratchConnection connection("CREATE TABLE t(a)");
  CommitCounter counter(*connection, true);
  ASSERT_EQ(connection->begin_immediate(), 0);
  connection->execute("INSERT INTO t VALUES (3)");
  const auto number = counter.next();
  ASSERT_EQ(connection->commit(), 0);
  EXPECT_TRUE(counter.committed());
  EXPECT_EQ(counter.read()->number, number);
}

TEST(CommitCounter, GivesNoNumberToATransactionThatChangedNothing) {
  ScratchConnection connection("CREATE TABLE t(a)");
  CommitCounter counter(*connection, true);
  const auto before = counter.read();
  ASSERT_EQ(connection->begin_immediate(), 0);
  connection->execute("UPDATE t SET a = 1");
  ASSERT_TRUE(counter.next());
  ASSERT_EQ(connection->commit(), 0);
  EXPECT_FALSE(counter.committed());
  EXPECT_EQ(counter.read(), before);
}

TEST(CommitCounter, DoesNotCountWhatWasUndoneAfterItWentIntoTheLog) {
  ScratchConnection connection("PRAGMA cache_size = 5; CREATE TABLE t(a)");
  CommitCounter counter(*connection, true);
  const auto before = counter.read();
  ASSERT_EQ(connection->begin_immediate(), 0);
  connection->execute(
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 50000) "
      "INSERT INTO t SELECT i FROM c");
  connection->rollback();
  EXPECT_EQ(counter.read(), before);
}

TEST(CommitCounter, CountsOnWhenTheLogIsStartedOver) {
  ScratchConnection connection("CREATE TABLE t(a)");
  CommitCounter counter(*connection, true);
  const auto before = counter.read();
  RawSqlite(connection.file()).run("PRAGMA wal_checkpoint(TRUNCATE)");
  const auto after = counter.read();
  EXPECT_EQ(after->number, before->number);
  EXPECT_FALSE(restarted(*before, *after));
  connection->execute("INSERT INTO t VALUES (1)");
  EXPECT_EQ(counter.read()->number, before->number + 1);
}

TEST(CommitCounter, CountsWithARollbackJournal) {
  ScratchConnection connection("CREATE TABLE t(a)");
  connection->execute("PRAGMA journal_mode=DELETE");
  CommitCounter counter(*connection, false);
  const auto before = counter.read();
  ASSERT_TRUE(before);
  RawSqlite(connection.file()).run("INSERT INTO t VALUES (1)");
  EXPECT_EQ(counter.read()->number, before->number + 1);
  ASSERT_EQ(connection->begin_immediate(), 0);
  connection->execute("INSERT INTO t VALUES (2)");
  const auto number = counter.next();
  ASSERT_EQ(connection->commit(), 0);
  EXPECT_TRUE(counter.committed());
  EXPECT_EQ(counter.read()->number, number);
}

TEST(CommitCounter, TellsNothingWhileACommitWithoutALogIsHalfDone) {
  ScratchConnection connection("CREATE TABLE t(a)");
  connection->execute("PRAGMA journal_mode=DELETE");
  CommitCounter counter(*connection, false);
  connection->set_call(nullptr);
  RawSqlite stranger(connection.file());
  stranger.run("BEGIN EXCLUSIVE");
  EXPECT_FALSE(counter.read());
  stranger.run("COMMIT");
  EXPECT_TRUE(counter.read());
}

TEST(CommitCounter, IsSeenToStartAnew) {
  const CommitMark last{.number = 10, .frames = 5, .salt = 1};
  EXPECT_FALSE(restarted(last, last));
  EXPECT_FALSE(restarted(last, {.number = 11, .frames = 6, .salt = 1}));
  EXPECT_FALSE(restarted(last, {.number = 10, .frames = 0, .salt = 2}));
  EXPECT_TRUE(restarted(last, {.number = 0, .frames = 6, .salt = 1}));
  EXPECT_TRUE(restarted(last, {.number = 10, .frames = 6, .salt = 1}));
}

TEST(CommitCounter, MayWrapAround) {
  constexpr std::uint32_t kLast = std::numeric_limits<std::uint32_t>::max();
  EXPECT_TRUE(is_after(0, kLast));
  EXPECT_FALSE(is_after(kLast, 0));
  EXPECT_FALSE(is_after(7, 7));
  EXPECT_FALSE(
      restarted({.number = kLast, .frames = 1, .salt = 1}, {.number = 2, .frames = 4, .salt = 1}));
}

}  // namespace
}  // namespace turnstile::sqlite
