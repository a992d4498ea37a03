#include "database/board.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <string>

#include "support/forked.h"
#include "support/open_metrics.h"
#include "support/run_script.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::database {
namespace {

class BoardTest : public testing::Test {
 protected:
  BoardTest() : path_(directory_.file("app.db")), db_(Database::open(path_)) {}

  [[nodiscard]] std::optional<ForeignBoard> find() const {
    struct stat status {};
    EXPECT_EQ(::stat(path_.c_str(), &status), 0);
    return ForeignBoard::find(::getpid(), status.st_dev, status.st_ino);
  }

  test::TempDir directory_;
  std::string path_;
  Database db_;
};

TEST_F(BoardTest, ShowsTheFiguresOfTheProcess) {
  test::run_script(db_.lane("notes"), "CREATE TABLE t(x)");
  db_.lane("audit").write([](WriteTx& tx) { tx.execute("INSERT INTO t VALUES (1)"); });
  const std::int64_t count = db_.lane("notes").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM t").one(); });
  ASSERT_EQ(count, 1);
  const auto board = find();
  ASSERT_TRUE(board);
  Metrics shown = board->page().metrics();
  // Of the file's size the board knows nothing.
  const Metrics own = db_.metrics();
  shown.wal.file_bytes = own.wal.file_bytes;
  EXPECT_EQ(to_open_metrics(shown), to_open_metrics(own));
  ASSERT_EQ(shown.lanes.size(), 2U);
  EXPECT_EQ(shown.lanes[0].name, "audit");
  EXPECT_EQ(shown.lanes[1].writes, 1U);
  EXPECT_EQ(shown.lanes[1].reads, 1U);
}

TEST_F(BoardTest, ShowsWhoReadsAndWithWhatStatement) {
  test::run_script(db_.lane("notes"), "CREATE TABLE t(x)");
  db_.lane("reports").read([&](ReadTx& tx) {
    const auto board = find();
    ASSERT_TRUE(board);
    const gate::CallRecord& record = board->page().reader_calls[0];
    const std::optional<gate::ShownCall> call = record.call();
    ASSERT_TRUE(call);
    EXPECT_STREQ(call->lane.data(), "reports");
    EXPECT_EQ(call->thread_id, ::gettid());
    EXPECT_EQ(record.sql().text(), "");
    for (const char* sql : {"SELECT count(*) FROM t", "SELECT 1", "SELECT count(*) FROM t"}) {
      EXPECT_GE(tx.query<std::int64_t>(sql).one(), 0);
      EXPECT_EQ(record.sql().text(), sql);
    }
    EXPECT_EQ(board->page().metrics().pool.readers_leased, 1);
  });
  const auto board = find();
  EXPECT_FALSE(board->page().reader_calls[0].call());
  EXPECT_EQ(board->page().reader_calls[0].sql().text(), "");
  EXPECT_EQ(board->page().metrics().pool.readers_leased, 0);
}

TEST_F(BoardTest, ShowsTheStatementOfANewTransactionOnly) {
  test::run_script(db_.lane("notes"), "CREATE TABLE t(x)");
  const auto board = find();
  const gate::CallRecord& record = board->page().writer;
  for (int round = 0; round < 2; ++round) {
    db_.lane("notes").write([&](WriteTx& tx) {
      EXPECT_EQ(record.sql().text(), "");
      tx.execute("INSERT INTO t VALUES (?)", 1);
      EXPECT_EQ(record.sql().text(), "INSERT INTO t VALUES (?)");
      tx.execute_script("DELETE FROM t; UPDATE t SET x = 2");
      EXPECT_EQ(record.sql().text(), " UPDATE t SET x = 2");
      tx.execute("INSERT INTO t VALUES (?)", 1);
      EXPECT_EQ(record.sql().text(), "INSERT INTO t VALUES (?)");
    });
    EXPECT_FALSE(record.call());
  }
}

TEST_F(BoardTest, GoesWithTheDatabase) {
  ASSERT_TRUE(find());
  db_.close();
  EXPECT_FALSE(find());
}

TEST_F(BoardTest, IsThatOfTheOpenDatabaseWhileALaneOfAClosedOneIsLeft) {
  const Lane former = db_.lane("notes");
  db_.close();
  EXPECT_FALSE(find());
  const Database again = Database::open(path_);
  EXPECT_TRUE(find());
}

TEST_F(BoardTest, HasNoTwoLanesOfOneName) {
  const std::string name(80, 'n');
  std::set<std::string> shown;
  for (const std::string& lane :
       {name + "1", name + "2", std::string("a\0b", 3), std::string("a\0c", 3), std::string("\xff"),
        std::string("\\xff")})
    static_cast<void>(db_.lane(lane));
  const Metrics metrics = find()->page().metrics();
  for (const LaneMetrics& lane : metrics.lanes)
    shown.insert(lane.name);
  EXPECT_EQ(shown, (std::set<std::string>{name.substr(0, 59), name.substr(0, 57) + "#2", "a\\x00b",
                                          "a\\x00c", "\\xff", "\\xff#2"}));
  EXPECT_NO_THROW(test::open_metrics::Parser::parse(to_open_metrics(metrics)));
}

TEST_F(BoardTest, IsNotInheritedByAChild) {
  test::Forked child([&](const test::Forked::Go&) {
    struct stat file {};
    ::stat(path_.c_str(), &file);
    return ForeignBoard::find(::getpid(), file.st_dev, file.st_ino) ? std::string("found")
                                                                    : std::string("none");
  });
  EXPECT_EQ(child.answer(), "none");
  EXPECT_TRUE(find());
}

TEST_F(BoardTest, CountsMoreLanesThanItShows) {
  test::run_script(db_.lane("lane0"), "CREATE TABLE t(x)");
  constexpr std::size_t kAll = BoardPage::kLanes + 5;
  for (std::size_t number = 0; number < kAll; ++number)
    test::run_script(db_.lane("lane" + std::to_string(number)), "INSERT INTO t VALUES (1)");
  EXPECT_EQ(db_.metrics().lanes.size(), kAll);
  std::uint64_t writes = 0;
  for (const LaneMetrics& lane : db_.metrics().lanes)
    writes += lane.writes;
  EXPECT_EQ(writes, kAll + 1);
  EXPECT_EQ(find()->page().metrics().lanes.size(), BoardPage::kLanes);
}

TEST(BoardInMemory, IsNobodyElses) {
  Database db = Database::open(":memory:");
  test::run_script(db.lane("notes"), "CREATE TABLE t(x)");
  EXPECT_EQ(db.metrics().lanes.at(0).writes, 1U);
}

}  // namespace
}  // namespace turnstile::database
