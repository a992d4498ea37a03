#include "sqlite/authorizer.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "support/scratch_connection.h"
#include "support/thrown.h"
#include "turnstile/error.h"

namespace turnstile::sqlite {
namespace {

using test::ScratchConnection;
using test::thrown;

class RefusedSql : public testing::TestWithParam<const char*> {};

// CORE-15: SQL cannot change what belongs to the pool.
TEST_P(RefusedSql, IsMisuseWithTheReason) {
  ScratchConnection connection("CREATE TABLE t(a)");
  const auto error = thrown<MisuseError>([&] { connection->execute_script(GetParam()); });
  EXPECT_EQ(error.code(), "SQL_NOT_ALLOWED");
  EXPECT_TRUE(error.message().starts_with("the statement is refused: ")) << error.what();
  EXPECT_FALSE(connection->refusal().empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedSql,
    testing::Values("BEGIN", "begin immediate", "COMMIT", "END", "ROLLBACK", "SAVEPOINT s",
                    "RELEASE s", "ROLLBACK TO s", "ATTACH 'x' AS x", "DETACH x",
                    "PRAGMA busy_timeout=1", "PRAGMA BUSY_TIMEOUT(1)", "PRAGMA locking_mode=NORMAL",
                    "PRAGMA main.locking_mode=EXCLUSIVE", "PRAGMA wal_autocheckpoint=1",
                    "PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint(TRUNCATE)",
                    "PRAGMA foreign_keys=OFF", "PRAGMA synchronous=0", "PRAGMA user_version=3",
                    "PRAGMA query_only=0", "PRAGMA writable_schema=1", "PRAGMA optimize",
                    "PRAGMA incremental_vacuum", "PRAGMA key='secret'", "PRAGMA rekey='secret'",
                    "PRAGMA some_future_setting", "SELECT load_extension('x')",
                    "SELECT sqlite3mc_config('cipher')"));

TEST(Authorizer, RefusesTheSwitchOfTheJournal) {
  ScratchConnection connection;
  const std::string sql = std::string("PRAGMA journal_") + "mode=DELETE";
  EXPECT_EQ(thrown<MisuseError>([&] { connection->execute_script(sql); }).code(),
            "SQL_NOT_ALLOWED");
}

class PermittedSql : public testing::TestWithParam<const char*> {};

TEST_P(PermittedSql, Runs) {
  ScratchConnection connection("CREATE TABLE t(a); CREATE INDEX i ON t(a)");
  EXPECT_NO_THROW(connection->execute_script(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    All, PermittedSql,
    testing::Values("PRAGMA foreign_keys", "PRAGMA Journal_Mode", "PRAGMA user_version",
                    "PRAGMA table_info(t)", "PRAGMA index_list('t')", "PRAGMA main.index_info(i)",
                    "PRAGMA integrity_check", "PRAGMA integrity_check(1)",
                    "PRAGMA foreign_key_check(t)", "PRAGMA defer_foreign_keys=ON",
                    "PRAGMA compile_options", "SELECT * FROM pragma_table_info('t')",
                    "CREATE TABLE u(b)", "ALTER TABLE t ADD COLUMN c", "DROP INDEX i",
                    "CREATE VIRTUAL TABLE f USING fts5(x)", "ANALYZE", "REINDEX",
                    "CREATE TEMP TABLE v(c)", "EXPLAIN SELECT * FROM t"));

TEST(Authorizer, IsNotInTheWayOfTheLibrary) {
  ScratchConnection connection;
  EXPECT_NO_THROW(connection->execute("PRAGMA user_version=3"));
  EXPECT_EQ(connection->query_integer("PRAGMA user_version"), 3);
}

TEST(Authorizer, ForgetsItsReasonWithTheNextStatement) {
  ScratchConnection connection;
  EXPECT_THROW(connection->execute_script("BEGIN"), MisuseError);
  connection->execute_script("SELECT 1");
  EXPECT_EQ(connection->refusal(), "");
}

TEST(Authorizer, RefusesThroughTheNativeHandleToo) {
  ScratchConnection connection;
  EXPECT_EQ(sqlite3_exec(connection->handle(), "BEGIN", nullptr, nullptr, nullptr), SQLITE_AUTH);
}

TEST(Authorizer, AsksNothingOfOrdinaryActions) {
  EXPECT_EQ(why_refused(SQLITE_SELECT, nullptr, nullptr), "");
  EXPECT_EQ(why_refused(SQLITE_FUNCTION, nullptr, "abs"), "");
}

}  // namespace
}  // namespace turnstile::sqlite
