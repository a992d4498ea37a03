#include "turnstile/statement.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/scratch_connection.h"
#include "support/thrown.h"
#include "turnstile/error.h"

namespace turnstile {
namespace {

using test::ScratchConnection;
using test::thrown;

class StatementTest : public testing::Test {
 protected:
  Statement prepare(std::string_view sql) { return connection_->prepare(sql); }
  ExecuteResult execute(std::string_view sql) { return prepare(sql).execute(); }

  ScratchConnection connection_{
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER);"
      "INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20), (3, 'three', 30)"};
};

TEST_F(StatementTest, TellsItsText) {
  EXPECT_EQ(prepare("SELECT 1").sql(), "SELECT 1");
}

TEST_F(StatementTest, TellsItsParameters) {
  const Statement statement = prepare("SELECT ?, :b, @c, ?");
  EXPECT_EQ(statement.parameter_count(), 4);
  EXPECT_EQ(statement.parameter_name(1), "");
  EXPECT_EQ(statement.parameter_name(2), ":b");
  EXPECT_EQ(statement.parameter_name(3), "@c");
  EXPECT_THROW(static_cast<void>(statement.parameter_name(0)), MisuseError);
  EXPECT_THROW(static_cast<void>(statement.parameter_name(5)), MisuseError);
}

TEST_F(StatementTest, TellsItsColumns) {
  const Statement statement = prepare("SELECT id, name AS title FROM t");
  EXPECT_EQ(statement.column_count(), 2);
  EXPECT_EQ(statement.column_name(1), "title");
  const auto error = thrown<MisuseError>([&] { static_cast<void>(statement.column_name(2)); });
  EXPECT_EQ(error.code(), "COLUMN_UNKNOWN");
}

TEST_F(StatementTest, TellsWhetherItWrites) {
  EXPECT_TRUE(prepare("SELECT 1").is_read_only());
  EXPECT_FALSE(prepare("DELETE FROM t").is_read_only());
}

// What an execution did.

TEST_F(StatementTest, CountsTheRowsItChanged) {
  EXPECT_EQ(execute("UPDATE t SET n = 0 WHERE id > 1").changes, 2);
  EXPECT_EQ(execute("UPDATE t SET n = 0 WHERE id > 99").changes, 0);
  EXPECT_EQ(execute("DELETE FROM t").changes, 3);
}

TEST_F(StatementTest, GivesTheRowidOfAnInsert) {
  const ExecuteResult result = execute("INSERT INTO t(name) VALUES ('a'), ('b')");
  EXPECT_EQ(result.changes, 2);
  EXPECT_EQ(result.last_insert_rowid, 5);
}

TEST_F(StatementTest, GivesNoRowidWhenNothingWasInserted) {
  execute("INSERT INTO t(name) VALUES ('a')");
  EXPECT_EQ(execute("UPDATE t SET n = 1").last_insert_rowid, 0);
  EXPECT_EQ(execute("INSERT OR IGNORE INTO t(name) VALUES ('a')").last_insert_rowid, 0);
  EXPECT_EQ(execute("INSERT INTO t(name) VALUES ('a') ON CONFLICT(name) DO UPDATE SET n = 2")
                .last_insert_rowid,
            0);
}

TEST_F(StatementTest, GivesNoRowidWhereTheTableHasNone) {
  connection_->execute("CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID");
  execute("INSERT INTO t(name) VALUES ('a')");
  const ExecuteResult result = execute("INSERT INTO w VALUES ('k')");
  EXPECT_EQ(result.changes, 1);
  EXPECT_EQ(result.last_insert_rowid, 0);
}

TEST_F(StatementTest, GivesTheSameRowidInAnotherTable) {
  connection_->execute("CREATE TABLE u(id INTEGER PRIMARY KEY)");
  EXPECT_EQ(execute("INSERT INTO t(id) VALUES (7)").last_insert_rowid, 7);
  EXPECT_EQ(execute("INSERT INTO u(id) VALUES (7)").last_insert_rowid, 7);
}

TEST_F(StatementTest, LeavesSqlsOwnLastInsertRowidAlone) {
  connection_->execute("CREATE TABLE u(parent INTEGER)");
  execute("INSERT INTO t(id) VALUES (41)");
  execute("INSERT OR IGNORE INTO t(id) VALUES (41)");
  execute("INSERT INTO u VALUES (last_insert_rowid())");
  EXPECT_EQ(connection_->query_integer("SELECT parent FROM u"), 41);
}

TEST_F(StatementTest, DoesNotCountWhatTriggersDo) {
  connection_->execute(
      "CREATE TABLE log(x); CREATE TRIGGER g AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (1), "
      "(2); END");
  const ExecuteResult result = execute("UPDATE t SET n = 5 WHERE id = 1");
  EXPECT_EQ(result.changes, 1);
  EXPECT_EQ(result.last_insert_rowid, 0);
}

TEST_F(StatementTest, ReportsNoChangesForDdlAndQueries) {
  execute("DELETE FROM t WHERE id = 1");
  for (const char* sql :
       {"CREATE TABLE x(a)", "CREATE TABLE y AS SELECT * FROM t", "ALTER TABLE x ADD COLUMN b",
        "CREATE INDEX xi ON x(a)", "CREATE VIRTUAL TABLE f USING fts5(a)", "DROP TABLE x",
        "SELECT count(*) FROM t", "ANALYZE", "REINDEX"}) {
    const ExecuteResult result = execute(sql);
    EXPECT_EQ(result.changes, 0) << sql;
    EXPECT_EQ(result.last_insert_rowid, 0) << sql;
  }
}

TEST_F(StatementTest, CountsTheRowsOfAVirtualTable) {
  connection_->execute("CREATE VIRTUAL TABLE f USING fts5(a)");
  const ExecuteResult result = execute("INSERT INTO f VALUES ('word'), ('another')");
  EXPECT_EQ(result.changes, 2);
  EXPECT_EQ(result.last_insert_rowid, 2);
}

TEST_F(StatementTest, RunsAReturningStatementToItsEnd) {
  EXPECT_EQ(execute("INSERT INTO t(name) VALUES ('a'), ('b') RETURNING id").changes, 2);
  EXPECT_EQ(connection_->query_integer("SELECT count(*) FROM t"), 5);
}

// Parameters.

TEST_F(StatementTest, RefusesTooFewValues) {
  const auto error = thrown<MisuseError>([this] { prepare("SELECT ?, ?").execute(1); });
  EXPECT_EQ(error.code(), "PARAMETER_COUNT");
  EXPECT_EQ(error.message(), "the statement has 2 parameters, and 1 values are given");
  EXPECT_EQ(error.sql(), "SELECT ?, ?");
}

TEST_F(StatementTest, RefusesTooManyValues) {
  const auto code = thrown<MisuseError>([this] { prepare("SELECT ?").execute(1, 2); }).code();
  EXPECT_EQ(code, "PARAMETER_COUNT");
}

TEST_F(StatementTest, BindsByNameInAnyOrder) {
  const auto row = prepare("SELECT :a, @b, $c")
                       .query<int, int, int>(named("c", 3), named(":a", 1), named("@b", 2))
                       .one();
  EXPECT_EQ(row, std::tuple(1, 2, 3));
}

TEST_F(StatementTest, BindsByPlaceAndNameTogether) {
  const auto row = prepare("SELECT ?, :b").query<int, int>(1, named("b", 2)).one();
  EXPECT_EQ(row, std::tuple(1, 2));
}

TEST_F(StatementTest, BindsANumberedParameterByItsNumber) {
  EXPECT_EQ(prepare("SELECT ?1").query<int>(named("?1", 5)).one(), 5);
}

TEST_F(StatementTest, BindsANameThatIsUsedTwiceOnce) {
  const auto row = prepare("SELECT :a, :a").query<int, int>(named("a", 7)).one();
  EXPECT_EQ(row, std::tuple(7, 7));
}

TEST_F(StatementTest, RefusesADoubledName) {
  const auto error = thrown<MisuseError>(
      [this] { prepare("SELECT :a, :b").execute(named("a", 1), named(":a", 2)); });
  EXPECT_EQ(error.code(), "PARAMETER_COUNT");
  EXPECT_EQ(error.message(), "parameter 1 (:a) is given two values");
}

TEST_F(StatementTest, RefusesAnUnknownName) {
  const auto error = thrown<MisuseError>([this] { prepare("SELECT :a").execute(named("b", 1)); });
  EXPECT_EQ(error.code(), "PARAMETER_UNKNOWN");
}

TEST_F(StatementTest, RefusesANameThatFitsTwoParameters) {
  EXPECT_EQ(thrown<MisuseError>([this] { prepare("SELECT :a, @a").execute(named("a", 1)); }).code(),
            "PARAMETER_UNKNOWN");
}

TEST_F(StatementTest, NamesTheParameterThatHasNoValue) {
  const auto error =
      thrown<MisuseError>([this] { prepare("SELECT :a, :b").execute(named("a", 1)); });
  EXPECT_EQ(error.message(), "there is no value for parameter 2 (:b)");
}

TEST_F(StatementTest, RefusesToBindWhatIsNotThere) {
  Statement statement = prepare("SELECT ?");
  EXPECT_EQ(thrown<MisuseError>([&] { statement.bind(2, 1); }).code(), "PARAMETER_UNKNOWN");
  EXPECT_EQ(thrown<MisuseError>([&] { statement.bind(0, 1); }).code(), "PARAMETER_UNKNOWN");
  EXPECT_EQ(thrown<MisuseError>([&] { statement.bind("x", 1); }).code(), "PARAMETER_UNKNOWN");
}

TEST_F(StatementTest, KeepsNothingBoundAfterAFailure) {
  Statement statement = prepare("SELECT ?, ?");
  EXPECT_THROW(statement.execute(1, "\xFF"), MisuseError);
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.row().type(0), ValueType::Null);
}

TEST_F(StatementTest, ForgetsWhatAnExecutionBorrowed) {
  Statement statement = prepare("SELECT ?");
  {
    const std::string gone(1000, 'x');
    statement.execute(gone);
  }
  statement.rewind();
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.row().type(0), ValueType::Null);
}

TEST_F(StatementTest, KeepsWhatWasBoundOverARewind) {
  Statement statement = prepare("SELECT ?, ?");
  statement.bind(1, "a");
  statement.bind(2, std::string("b"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(statement.step());
    EXPECT_EQ((statement.row().as<std::string, std::string>()), std::tuple("a", "b"));
    statement.rewind();
  }
}

TEST_F(StatementTest, StartsWithoutTheValuesOfItsLastUser) {
  prepare("SELECT ?").execute(1);
  static_cast<void>(prepare("SELECT ?").query<int>(2).one());
  Statement statement = prepare("SELECT ?");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.row().type(0), ValueType::Null);
}

// Failures.

TEST_F(StatementTest, IsResetAfterAFailure) {
  Statement statement = prepare("INSERT INTO t(name) VALUES (?)");
  const auto error = thrown<ConstraintError>([&] { statement.execute("one"); });
  EXPECT_EQ(error.message(), "UNIQUE constraint failed: t.name");
  EXPECT_EQ(error.sql(), "INSERT INTO t(name) VALUES (?)");
  EXPECT_TRUE(connection_->clean_up());
  EXPECT_EQ(connection_->prepare("INSERT INTO t(name) VALUES (?)").execute("new").changes, 1);
}

TEST_F(StatementTest, DoesNotStartAgainByItselfAfterAFailure) {
  Statement statement = prepare("SELECT abs(-9223372036854775808 + n - 10) FROM t");
  EXPECT_THROW(static_cast<void>(statement.step()), Error);
  EXPECT_FALSE(statement.step());
}

TEST_F(StatementTest, IsInterrupted) {
  connection_->interrupt();
  EXPECT_EQ(thrown<Cancelled>([this] { execute("SELECT 1"); }).code(), "INTERRUPTED");
  connection_->clear_interrupt();
  EXPECT_NO_THROW(execute("SELECT 1"));
}

TEST_F(StatementTest, CannotDropATableThatIsBeingRead) {
  ASSERT_EQ(connection_->begin_immediate(), 0);
  Statement reading = prepare("SELECT id FROM t");
  ASSERT_TRUE(reading.step());
  const auto error = thrown<MisuseError>([this] { execute("DROP TABLE t"); });
  EXPECT_EQ(error.code(), "STATEMENT_OPEN");
  reading.rewind();
  EXPECT_NO_THROW(execute("DROP TABLE t"));
}

TEST_F(StatementTest, IsToldWhenItsTransactionWasRolledBack) {
  ASSERT_EQ(connection_->begin_immediate(), 0);
  Statement reading = prepare("SELECT id FROM t");
  ASSERT_TRUE(reading.step());
  execute("CREATE TABLE u(a)");
  EXPECT_THROW(execute("INSERT OR ROLLBACK INTO t(name) VALUES ('one')"), ConstraintError);
  EXPECT_FALSE(connection_->in_transaction());
  EXPECT_EQ(thrown<Error>([&] { static_cast<void>(reading.step()); }).code(), "TRANSACTION_LOST");
}

// Life.

TEST_F(StatementTest, DoesNotStartAgainByItselfAtItsEnd) {
  Statement statement = prepare("SELECT 1");
  EXPECT_TRUE(statement.step());
  EXPECT_FALSE(statement.step());
  EXPECT_FALSE(statement.step());
  statement.rewind();
  EXPECT_TRUE(statement.step());
}

TEST_F(StatementTest, TellsItsResultOnlyAtItsEnd) {
  Statement statement = prepare("INSERT INTO t(name) VALUES ('x') RETURNING id");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.result().changes, 0);
  ASSERT_FALSE(statement.step());
  EXPECT_EQ(statement.result().changes, 1);
  EXPECT_EQ(statement.result().last_insert_rowid, 4);
  statement.rewind();
  EXPECT_EQ(statement.result().changes, 0);
}

TEST_F(StatementTest, HasNoRowBeforeTheFirstStepAndAfterTheLast) {
  Statement statement = prepare("SELECT 1");
  EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(statement.row()); }).code(),
            "STATEMENT_EXPIRED");
  while (statement.step()) {
  }
  EXPECT_THROW(static_cast<void>(statement.row()), MisuseError);
}

TEST_F(StatementTest, CannotBeUsedWhenEmpty) {
  Statement statement;
  EXPECT_EQ(thrown<MisuseError>([&] { statement.execute(); }).code(), "STATEMENT_EXPIRED");
  statement.rewind();
}

TEST_F(StatementTest, CannotBeUsedAfterItWasMovedFrom) {
  Statement statement = prepare("SELECT 1");
  Statement other = std::move(statement);
  // NOLINTBEGIN(bugprone-use-after-move): it is the point
  EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(statement.step()); }).code(),
            "STATEMENT_EXPIRED");
  EXPECT_THROW(static_cast<void>(statement.sql()), MisuseError);
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_TRUE(other.step());
}

TEST_F(StatementTest, GivesItsOldSelfBackWhenAssignedTo) {
  Statement statement = prepare("SELECT 1");
  ASSERT_TRUE(statement.step());
  statement = prepare("SELECT 2");
  EXPECT_EQ(statement.sql(), "SELECT 2");
  Statement again = prepare("SELECT 1");
  EXPECT_EQ(again.query<int>().one(), 1);
}

TEST_F(StatementTest, SurvivesASelfAssignment) {
  Statement statement = prepare("SELECT 1");
  Statement& same = statement;
  statement = std::move(same);
  EXPECT_TRUE(statement.step());
}

TEST_F(StatementTest, ExpiresWithItsTransaction) {
  ASSERT_EQ(connection_->begin_deferred(), 0);
  Statement statement = prepare("SELECT id FROM t");
  ASSERT_TRUE(statement.step());
  ASSERT_EQ(connection_->commit(), 0);
  const auto error = thrown<MisuseError>([&] { static_cast<void>(statement.step()); });
  EXPECT_EQ(error.code(), "STATEMENT_EXPIRED");
}

TEST_F(StatementTest, MayBeDestroyedAfterItsConnection) {
  Statement statement;
  {
    ScratchConnection other;
    statement = other->prepare("SELECT 1");
    ASSERT_TRUE(statement.step());
  }
  EXPECT_THROW(static_cast<void>(statement.step()), MisuseError);
}

TEST_F(StatementTest, FollowsASchemaThatChanges) {
  Statement statement = prepare("SELECT * FROM t WHERE id = 1");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.row().column_count(), 3);
  statement.rewind();
  connection_->execute("ALTER TABLE t ADD COLUMN extra DEFAULT 5");
  ASSERT_TRUE(statement.step());
  EXPECT_EQ(statement.row().column_count(), 4);
}

}  // namespace
}  // namespace turnstile
