#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/scratch_connection.h"
#include "support/thrown.h"
#include "turnstile/error.h"
#include "turnstile/statement.h"

namespace turnstile {
namespace {

using test::ScratchConnection;
using test::thrown;

class RowsTest : public testing::Test {
 protected:
  template <class... T>
  Rows<T...> query(std::string_view sql) {
    return connection_->prepare(sql).query<T...>();
  }

  ScratchConnection connection_{
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);"
      "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')"};
};

TEST_F(RowsTest, GivesTuplesOneAfterTheOther) {
  std::string seen;
  for (auto [id, name] : query<int, std::string>("SELECT id, name FROM t ORDER BY id"))
    seen += std::to_string(id) + name + " ";
  EXPECT_EQ(seen, "1one 2two 3three ");
}

TEST_F(RowsTest, GivesViewsWhileTheRowLasts) {
  std::size_t size = 0;
  for (const std::string_view name : query<std::string_view>("SELECT name FROM t"))
    size += name.size();
  EXPECT_EQ(size, 11U);
}

TEST_F(RowsTest, GivesUntypedRows) {
  int sum = 0;
  for (const Row row : query<>("SELECT id, name FROM t"))
    sum += row.get<int>("id");
  EXPECT_EQ(sum, 6);
}

TEST_F(RowsTest, GivesAllRows) {
  EXPECT_EQ(query<int>("SELECT id FROM t ORDER BY id DESC").all(), (std::vector{3, 2, 1}));
  EXPECT_TRUE(query<int>("SELECT id FROM t WHERE 0").all().empty());
}

TEST_F(RowsTest, GivesTheFirstRowOrNothing) {
  EXPECT_EQ(query<int>("SELECT id FROM t ORDER BY id").first(), 1);
  EXPECT_EQ(query<int>("SELECT id FROM t WHERE 0").first(), std::nullopt);
}

TEST_F(RowsTest, GivesTheOnlyRow) {
  EXPECT_EQ(query<int>("SELECT count(*) FROM t").one(), 3);
}

TEST_F(RowsTest, RefusesNoneWhereOneIsAskedFor) {
  const auto error =
      thrown<Error>([this] { static_cast<void>(query<int>("SELECT id FROM t WHERE 0").one()); });
  EXPECT_EQ(error.code(), "ROW_COUNT");
  EXPECT_EQ(error.sql(), "SELECT id FROM t WHERE 0");
}

TEST_F(RowsTest, RefusesSeveralWhereOneIsAskedFor) {
  EXPECT_EQ(
      thrown<Error>([this] { static_cast<void>(query<int>("SELECT id FROM t").one()); }).code(),
      "ROW_COUNT");
}

TEST_F(RowsTest, RefusesAnotherNumberOfColumns) {
  const auto error = thrown<MisuseError>(
      [this] { static_cast<void>(query<int>("SELECT id, name FROM t").all()); });
  EXPECT_EQ(error.code(), "COLUMN_UNKNOWN");
  EXPECT_EQ(error.message(), "the row has 2 columns, and 1 are read");
}

TEST_F(RowsTest, GoOnAfterTheyWereMoved) {
  auto rows = query<int>("SELECT id FROM t ORDER BY id");
  ASSERT_EQ(rows.first(), 1);
  auto moved = std::move(rows);
  EXPECT_EQ(moved.first(), 2);
}

TEST_F(RowsTest, LeaveABorrowedStatementReset) {
  Statement statement = connection_->prepare("SELECT id FROM t");
  static_cast<void>(statement.query<int>().first());
  EXPECT_EQ(connection_->reclaim_statements(), 0);
}

TEST_F(RowsTest, CopyTheValuesTheyAreGiven) {
  Statement statement = connection_->prepare("SELECT ? || id FROM t ORDER BY id");
  auto text = std::make_unique<std::string>(1000, 'x');
  auto rows = statement.query<std::string>(*text);
  text.reset();
  EXPECT_EQ(rows.first(), std::string(1000, 'x') + "1");
}

TEST_F(RowsTest, EndWithTheirTransaction) {
  ASSERT_EQ(connection_->begin_deferred(), 0);
  auto rows = query<int>("SELECT id FROM t");
  ASSERT_TRUE(rows.first());
  connection_->rollback();
  EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(rows.first()); }).code(),
            "STATEMENT_EXPIRED");
}

// Row.

class RowTest : public RowsTest {
 protected:
  RowTest() { statement_.step(); }

  Statement statement_ =
      connection_->prepare("SELECT id, name, NULL, 1.5, x'00' FROM t ORDER BY id");
};

TEST_F(RowTest, TellsItsColumns) {
  EXPECT_EQ(statement_.row().column_count(), 5);
  EXPECT_EQ(statement_.row().column_name(1), "name");
}

TEST_F(RowTest, TellsTheTypeOfEachValue) {
  const Row row = statement_.row();
  EXPECT_EQ(row.type(0), ValueType::Integer);
  EXPECT_EQ(row.type(1), ValueType::Text);
  EXPECT_EQ(row.type(2), ValueType::Null);
  EXPECT_EQ(row.type(3), ValueType::Real);
  EXPECT_EQ(row.type(4), ValueType::Blob);
}

TEST_F(RowTest, RefusesAColumnThatIsNotThere) {
  const Row row = statement_.row();
  const auto code_of = [](auto call) { return thrown<MisuseError>(call).code(); };
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<int>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<int>(-1)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<std::string_view>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<BlobView>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<double>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<Value>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<std::optional<int>>(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.get<int>("nothing")); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.column_name(5)); }), "COLUMN_UNKNOWN");
  EXPECT_EQ(code_of([&] { static_cast<void>(row.type(5)); }), "COLUMN_UNKNOWN");
}

TEST_F(RowTest, IsGoneAfterTheNextStep) {
  const Row row = statement_.row();
  ASSERT_TRUE(statement_.step());
  EXPECT_EQ(thrown<MisuseError>([&] { static_cast<void>(row.get<int>(0)); }).code(),
            "STATEMENT_EXPIRED");
  EXPECT_EQ(statement_.row().get<int>(0), 2);
}

TEST_F(RowTest, IsGoneAfterTheEnd) {
  const Row row = statement_.row();
  statement_.rewind();
  EXPECT_THROW(static_cast<void>(row.column_count()), MisuseError);
}

TEST_F(RowTest, IsGoneAfterItsStatementIs) {
  const Row row = statement_.row();
  statement_ = Statement();
  EXPECT_THROW(static_cast<void>(row.get<int>(0)), MisuseError);
}

TEST_F(RowTest, IsGoneWhenAnotherStatementTookThePlaceOfItsOwn) {
  ScratchConnection small("CREATE TABLE t(a)", 0);
  Statement first = small->prepare("SELECT 1");
  ASSERT_TRUE(first.step());
  const Row row = first.row();
  first = Statement();
  Statement second = small->prepare("SELECT 2");
  ASSERT_TRUE(second.step());
  EXPECT_THROW(static_cast<void>(row.get<int>(0)), MisuseError);
}

}  // namespace
}  // namespace turnstile
