#include "sqlite/statement_cache.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sqlite/connection.h"
#include "support/scratch_connection.h"
#include "support/thrown.h"
#include "turnstile/error.h"

namespace turnstile::sqlite {
namespace {

using test::ScratchConnection;
using test::thrown;

class StatementCacheTest : public testing::Test {
 protected:
  void use(const std::string& sql) { cache_.give_back(cache_.take(sql)); }
  std::string_view code_of_take(std::string_view sql) {
    return thrown<Error>([&] { static_cast<void>(cache_.take(sql)); }).code();
  }
  /// The texts that are prepared, in alphabetical order.
  std::vector<std::string> texts() {
    std::vector<std::string> texts;
    sqlite3_stmt* statement = nullptr;
    while ((statement = sqlite3_next_stmt(connection_->handle(), statement)) != nullptr)
      texts.emplace_back(sqlite3_sql(statement));
    std::ranges::sort(texts);
    return texts;
  }

  ScratchConnection connection_{"CREATE TABLE t(a)"};
  StatementCache cache_{*connection_, 2};
};

TEST_F(StatementCacheTest, GivesTheSameStatementAgain) {
  StatementCache::Entry& first = cache_.take("SELECT 1");
  const std::uint64_t generation = first.generation;
  cache_.give_back(first);
  StatementCache::Entry& again = cache_.take("SELECT 1");
  EXPECT_EQ(&again, &first);
  EXPECT_EQ(again.generation, generation + 1);  // Ended once, and not prepared anew.
  cache_.give_back(again);
}

TEST_F(StatementCacheTest, DropsTheLeastRecentlyUsed) {
  use("SELECT 1");
  use("SELECT 2");
  use("SELECT 1");
  use("SELECT 3");
  EXPECT_EQ(texts(), (std::vector<std::string>{"SELECT 1", "SELECT 3"}));
}

TEST_F(StatementCacheTest, StaysWithinItsBound) {
  for (int i = 0; i < 50; ++i)
    use("SELECT " + std::to_string(i));
  EXPECT_EQ(cache_.size(), 2U);
  EXPECT_EQ(texts().size(), 2U);
}

TEST_F(StatementCacheTest, DropsNothingThatIsInUse) {
  StatementCache::Entry& first = cache_.take("SELECT 1");
  StatementCache::Entry& second = cache_.take("SELECT 2");
  StatementCache::Entry& third = cache_.take("SELECT 3");
  EXPECT_EQ(cache_.size(), 3U);
  for (StatementCache::Entry* entry : {&first, &second, &third})
    EXPECT_TRUE(entry->step());
  EXPECT_EQ(cache_.reclaim(), 3);
  EXPECT_EQ(cache_.size(), 2U);
}

TEST_F(StatementCacheTest, PreparesTextThatIsInUseOnceMore) {
  StatementCache::Entry& first = cache_.take("SELECT 1");
  StatementCache::Entry& second = cache_.take("SELECT 1");
  EXPECT_NE(first.handle, second.handle);
  cache_.give_back(second);
  EXPECT_EQ(cache_.size(), 1U);
  cache_.give_back(first);
  EXPECT_EQ(cache_.size(), 1U);
}

TEST_F(StatementCacheTest, OfNoSizeKeepsNothing) {
  StatementCache none(*connection_, 0);
  StatementCache::Entry& entry = none.take("SELECT 1");
  EXPECT_TRUE(entry.step());
  none.give_back(entry);
  EXPECT_EQ(none.size(), 0U);
}

TEST_F(StatementCacheTest, CountsTheExecutionsItHadToEnd) {
  EXPECT_TRUE(cache_.take("SELECT 1").step());
  static_cast<void>(cache_.take("SELECT 2"));
  EXPECT_EQ(cache_.reclaim(), 1);
  EXPECT_EQ(cache_.reclaim(), 0);
}

TEST_F(StatementCacheTest, GivesAStatementBackReset) {
  StatementCache::Entry& entry = cache_.take("SELECT a FROM t UNION ALL SELECT 1");
  ASSERT_TRUE(entry.step());
  cache_.give_back(entry);
  EXPECT_EQ(sqlite3_txn_state(connection_->handle(), nullptr), SQLITE_TXN_NONE);
}

TEST_F(StatementCacheTest, TakesBackTwiceWithoutHarm) {
  StatementCache::Entry& entry = cache_.take("SELECT 1");
  cache_.give_back(entry);
  cache_.give_back(entry);
  EXPECT_EQ(cache_.reclaim(), 0);
}

TEST_F(StatementCacheTest, RefusesASecondStatement) {
  const auto error =
      thrown<MisuseError>([this] { static_cast<void>(cache_.take("SELECT 1; SELECT 2")); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.message(), "a second statement follows at line 1, column 11");
  EXPECT_EQ(error.sql_offset(), 10U);
  EXPECT_EQ(error.hint(), "Use execute_script() for several statements.");
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(StatementCacheTest, PassesOverEmptinessBehindTheStatement) {
  use("SELECT 1 ; ;\n -- and no more\n /* really */ ");
  use("SELECT 2 -- to the end");
  EXPECT_EQ(cache_.size(), 2U);
}

TEST_F(StatementCacheTest, RefusesTextWithoutAStatement) {
  EXPECT_EQ(code_of_take(""), "SQL_ERROR");
  EXPECT_EQ(code_of_take("  \n\t"), "SQL_ERROR");
  EXPECT_EQ(code_of_take("-- nothing"), "SQL_ERROR");
  EXPECT_EQ(code_of_take("/* nothing"), "SQL_ERROR");
  EXPECT_EQ(code_of_take(";"), "SQL_ERROR");
  EXPECT_EQ(code_of_take({}), "SQL_ERROR");
}

TEST_F(StatementCacheTest, RefusesANulByteInTheText) {
  const auto error = thrown<MisuseError>(
      [this] { static_cast<void>(cache_.take(std::string_view("SELECT 1\0", 9))); });
  EXPECT_EQ(error.message(), "there is a NUL byte in the text at line 1, column 9");
  EXPECT_EQ(code_of_take(std::string_view("\0SELECT 1", 9)), "SQL_ERROR");
}

TEST_F(StatementCacheTest, RefusesTextThatIsNotUtf8) {
  const auto error =
      thrown<MisuseError>([this] { static_cast<void>(cache_.take("SELECT '\xFF'")); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.sql_offset(), 8U);
}

TEST_F(StatementCacheTest, SaysWhereTheSyntaxIsWrong) {
  const auto error = thrown<Error>([this] { static_cast<void>(cache_.take("SELECT * FORM t")); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.message(), "near \"FORM\": syntax error at line 1, column 10");
  EXPECT_EQ(error.sql_offset(), 9U);
  EXPECT_EQ(error.sql(), "SELECT * FORM t");
  EXPECT_EQ(error.sqlite_code(), SQLITE_ERROR);
}

TEST_F(StatementCacheTest, SaysWhereAnUnknownNameStands) {
  const auto error =
      thrown<Error>([this] { static_cast<void>(cache_.take("SELECT a,\n  b FROM t")); });
  EXPECT_EQ(error.message(), "no such column: b at line 2, column 3");
}

TEST_F(StatementCacheTest, DoesNotTakeDoubleQuotesForText) {
  EXPECT_EQ(code_of_take("SELECT \"nothing\" FROM t"), "SQL_ERROR");
}

TEST_F(StatementCacheTest, TellsAnUnfinishedStatement) {
  const auto error = thrown<Error>([this] { static_cast<void>(cache_.take("SELECT (")); });
  EXPECT_EQ(error.message(), "incomplete input");
  EXPECT_EQ(error.sql_offset(), std::nullopt);
}

}  // namespace
}  // namespace turnstile::sqlite
