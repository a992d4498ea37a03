#include "sqlite/connection.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "support/place_of.h"
#include "support/scratch_connection.h"
#include "support/temp_dir.h"
#include "support/thrown.h"

namespace turnstile::sqlite {
namespace {

using namespace std::chrono_literals;
using test::ScratchConnection;
using test::TempDir;
using test::thrown;

// Opening.

Error error_of_open(const Connection::Config& config) {
  return thrown<StorageError>([&] { const Connection connection(config, Call()); });
}

TEST(ConnectionOpen, FailsWithoutAFile) {
  const TempDir directory;
  const Error error = error_of_open({.path = directory.file("none.db")});
  EXPECT_EQ(error.code(), "DB_NOT_FOUND");
  EXPECT_EQ(error.system_code(), ENOENT);
}

TEST(ConnectionOpen, FailsWithoutADirectory) {
  const TempDir directory;
  EXPECT_EQ(error_of_open({.path = directory.file("none/new.db"), .create = true}).code(),
            "DB_NO_DIRECTORY");
}

TEST(ConnectionOpen, FailsForADirectory) {
  const TempDir directory;
  EXPECT_EQ(error_of_open({.path = directory.path().string(), .create = true}).code(),
            "DB_IS_DIRECTORY");
}

TEST(ConnectionOpen, FailsForAnUnknownVfs) {
  const TempDir directory;
  EXPECT_THROW(
      Connection({.path = directory.file("x.db"), .create = true, .vfs = "nothing"}, Call()),
      Error);
}

TEST(ConnectionOpen, UnderstandsAUriWhenToldTo) {
  const TempDir directory;
  const Call call;
  const Connection connection(
      {.path = "file:" + directory.file("x.db") + "?mode=rwc", .create = true, .uri = true}, call);
  EXPECT_TRUE(std::filesystem::exists(directory.file("x.db")));
}

TEST(ConnectionOpen, TakesAUriForAPathOtherwise) {
  const TempDir directory;
  EXPECT_EQ(error_of_open({.path = "file:" + directory.file("x.db"), .create = true}).code(),
            "DB_NO_DIRECTORY");
}

TEST(ConnectionOpen, AppliesItsSettings) {
  ScratchConnection connection;
  const auto setting = [&](int which) {
    int value = -1;
    sqlite3_db_config(connection->handle(), which, -1, &value);
    return value;
  };
  EXPECT_EQ(setting(SQLITE_DBCONFIG_DEFENSIVE), 1);
  EXPECT_EQ(setting(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION), 0);
  EXPECT_EQ(setting(SQLITE_DBCONFIG_DQS_DML), 0);
  EXPECT_EQ(connection->query_integer("PRAGMA wal_autocheckpoint"), 0);
}

TEST(ConnectionOpen, FindsOutAboutAFileThatIsNoDatabaseAtTheFirstRead) {
  const TempDir directory;
  std::ofstream(directory.file("text.db")) << std::string(5000, 'x');
  const Call call;
  Connection connection({.path = directory.file("text.db")}, call);
  const auto error =
      thrown<StorageError>([&] { connection.execute("SELECT * FROM sqlite_schema"); });
  EXPECT_EQ(error.code(), "DB_NOT_A_DATABASE");
}

// A file of several pages, in rollback mode so that all of it is in one file.
std::string make_file(const TempDir& directory) {
  std::string path = directory.file("damaged.db");
  const Call call;
  Connection connection({.path = path, .create = true}, call);
  connection.execute(
      "CREATE TABLE t(a); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE "
      "x<200) "
      "INSERT INTO t SELECT hex(zeroblob(100)) FROM c");
  return path;
}

TEST(ConnectionRead, NamesADamagedFile) {
  const TempDir directory;
  const std::string path = make_file(directory);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(4096, '\x55');
  }
  const Call call;
  Connection connection({.path = path}, call);
  const auto error = thrown<StorageError>([&] { connection.execute("SELECT * FROM t"); });
  EXPECT_EQ(error.code(), "DB_CORRUPT");
  EXPECT_NE(error.message().find(path), std::string::npos);
}

TEST(ConnectionRead, NamesATruncatedFile) {
  const TempDir directory;
  const std::string path = make_file(directory);
  std::filesystem::resize_file(path, 4096);
  const Call call;
  Connection connection({.path = path}, call);
  EXPECT_EQ(thrown<StorageError>([&] { connection.execute("SELECT * FROM t"); }).code(),
            "DB_CORRUPT");
}

// Writing.

TEST(ConnectionWrite, IsRefusedWhenOpenedReadOnly) {
  const TempDir directory;
  const Call call;
  Connection connection({.path = make_file(directory), .read_only = true}, call);
  EXPECT_EQ(thrown<StorageError>([&] { connection.execute_script("DELETE FROM t"); }).code(),
            "DB_READ_ONLY");
}

TEST(ConnectionWrite, IsRefusedInAReader) {
  ScratchConnection connection("CREATE TABLE t(a)");
  connection->execute("PRAGMA query_only=1");
  EXPECT_EQ(thrown<MisuseError>([&] { connection->execute_script("DELETE FROM t"); }).code(),
            "READ_ONLY_TRANSACTION");
}

TEST(ConnectionWrite, ReportsAFullFileAndEndsTheTransaction) {
  ScratchConnection connection("CREATE TABLE t(a)");
  connection->execute("PRAGMA max_page_count=3");
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  const auto error = thrown<StorageError>(
      [&] { connection->execute_script("INSERT INTO t VALUES (zeroblob(100000))"); });
  EXPECT_EQ(error.code(), "DB_DISK_FULL");
  EXPECT_TRUE(error.retry_is_safe());
  connection->rollback();
  EXPECT_FALSE(connection->in_transaction());
}

/// No file of this process can grow beyond `bytes`; writing more fails with EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*signal_)(int);
  rlimit before_{};
};

TEST(ConnectionWrite, GivesTheSystemsReasonForAnIoError) {
  ScratchConnection connection("CREATE TABLE t(a)");
  const FileSizeLimit limit(100'000);
  const auto error = thrown<StorageError>(
      [&] { connection->execute_script("INSERT INTO t VALUES (zeroblob(1000000))"); });
  EXPECT_EQ(error.code(), "DB_IO");
  EXPECT_EQ(error.system_code(), EFBIG);
  EXPECT_NE(error.message().find("File too large"), std::string::npos) << error.what();
}

TEST(ConnectionWrite, NoticesThatTheFileIsGone) {
  const TempDir directory;
  const std::string path = make_file(directory);
  const Call call;
  Connection connection({.path = path}, call);
  connection.execute("SELECT * FROM t");
  std::filesystem::remove(path);
  EXPECT_EQ(thrown<StorageError>([&] { connection.execute("DELETE FROM t"); }).code(),
            "DB_FILE_REPLACED");
}

// The library's own SQL.

TEST(ConnectionQuery, GivesTheFirstValue) {
  ScratchConnection connection;
  EXPECT_EQ(connection->query_text("SELECT 'a', 'b' UNION ALL SELECT 'c', 'd'"), "a");
  EXPECT_EQ(connection->query_integer("SELECT 4 UNION ALL SELECT 5"), 4);
}

TEST(ConnectionQuery, GivesNothingWithoutARow) {
  ScratchConnection connection;
  EXPECT_EQ(connection->query_text("SELECT 1 WHERE 0"), "");
  EXPECT_EQ(connection->query_text("SELECT NULL"), "");
  EXPECT_EQ(connection->query_integer("SELECT 1 WHERE 0"), 0);
}

TEST(ConnectionScript, RunsAllStatements) {
  ScratchConnection connection;
  connection->execute_script("CREATE TABLE a(x); ; /* both */ CREATE TABLE b(x) -- end");
  EXPECT_EQ(connection->query_integer("SELECT count(*) FROM sqlite_schema"), 2);
}

TEST(ConnectionScript, MayBeEmpty) {
  ScratchConnection connection;
  EXPECT_NO_THROW(connection->execute_script(""));
  EXPECT_NO_THROW(connection->execute_script({}));
  EXPECT_NO_THROW(connection->execute_script(" -- nothing\n;"));
}

TEST(ConnectionScript, SaysWhereInTheWholeTextItIsWrong) {
  ScratchConnection connection;
  const auto error =
      thrown<Error>([&] { connection->execute_script("CREATE TABLE a(x);\nCREATE TABEL b(x);"); });
  EXPECT_EQ(error.message(), "near \"TABEL\": syntax error at line 2, column 8");
  EXPECT_EQ(error.sql_offset(), 26U);
}

TEST(ConnectionScript, RefusesParameters) {
  ScratchConnection connection;
  EXPECT_EQ(thrown<MisuseError>([&] { connection->execute_script("SELECT ?"); }).code(),
            "PARAMETER_COUNT");
}

TEST(ConnectionScript, RefusesANulByte) {
  ScratchConnection connection;
  EXPECT_EQ(thrown<MisuseError>([&] {
              connection->execute_script(std::string_view("SELECT 1;\0SELECT 2", 18));
            }).code(),
            "SQL_ERROR");
}

TEST(ConnectionScript, IsInterrupted) {
  ScratchConnection connection;
  connection->interrupt();
  EXPECT_THROW(connection->execute_script("SELECT 1"), Cancelled);
}

// Transactions.

TEST(ConnectionTransaction, CommitsAndRollsBack) {
  ScratchConnection connection("CREATE TABLE t(a)");
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  connection->execute_script("INSERT INTO t VALUES (1)");
  ASSERT_EQ(connection->commit(), SQLITE_OK);
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  connection->execute_script("INSERT INTO t VALUES (2)");
  connection->rollback();
  EXPECT_FALSE(connection->in_transaction());
  EXPECT_EQ(connection->query_integer("SELECT count(*) FROM t"), 1);
}

TEST(ConnectionTransaction, CanBeRolledBackWhenThereIsNone) {
  ScratchConnection connection;
  connection->rollback();
  EXPECT_FALSE(connection->in_transaction());
}

TEST(ConnectionTransaction, StaysOpenWhenAForeignKeyFailsAtItsCommit) {
  ScratchConnection connection(
      "PRAGMA foreign_keys=1; CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES "
      "p DEFERRABLE INITIALLY DEFERRED)");
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  connection->execute_script("INSERT INTO c VALUES (1)");
  const int result = connection->commit();
  EXPECT_EQ(result, SQLITE_CONSTRAINT_FOREIGNKEY);
  const auto error = thrown<ConstraintError>([&] { raise(*connection, result); });
  EXPECT_EQ(error.message(), "FOREIGN KEY constraint failed");
  EXPECT_TRUE(connection->in_transaction());
  connection->rollback();
  EXPECT_FALSE(connection->in_transaction());
}

TEST(ConnectionTransaction, CannotCommitBesideAStatementOfTheNativeHandle) {
  ScratchConnection connection("CREATE TABLE t(a)");
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  sqlite3_stmt* stray = nullptr;
  sqlite3_prepare_v2(connection->handle(), "INSERT INTO t VALUES (1), (2) RETURNING a", -1, &stray,
                     nullptr);
  ASSERT_EQ(sqlite3_step(stray), SQLITE_ROW);
  const int result = connection->commit();
  EXPECT_EQ(result, SQLITE_BUSY);
  EXPECT_EQ(thrown<MisuseError>([&] { raise(*connection, result); }).code(), "STATEMENT_OPEN");
  EXPECT_FALSE(connection->clean_up());
  EXPECT_FALSE(connection->in_transaction());
  sqlite3_finalize(stray);
}

TEST(ConnectionTransaction, DoesNotBeginWhenInterrupted) {
  ScratchConnection connection;
  connection->interrupt();
  EXPECT_EQ(connection->begin_deferred(), SQLITE_INTERRUPT);
  EXPECT_EQ(connection->begin_immediate(), SQLITE_INTERRUPT);
  connection->clear_interrupt();
  EXPECT_EQ(connection->begin_deferred(), SQLITE_OK);
}

TEST(ConnectionTransaction, IsRolledBackAlthoughInterrupted) {
  ScratchConnection connection("CREATE TABLE t(a)");
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  connection->execute_script("INSERT INTO t VALUES (1)");
  connection->interrupt();
  connection->rollback();
  EXPECT_FALSE(connection->in_transaction());
}

// Locks of others.

class ConnectionLocks : public testing::Test {
 protected:
  ConnectionLocks() {
    Connection::Config config = first_.config();
    config.find_holder = [](bool /*writes*/) {
      Holder holder;
      holder.kind = Holder::Kind::Process;
      holder.pid = 4711;
      holder.lock = "WAL write lock";
      return holder;
    };
    second_ = std::make_unique<Connection>(config, call_);
  }

  ScratchConnection first_{"CREATE TABLE t(a)"};
  Call call_;
  std::unique_ptr<Connection> second_;
};

TEST_F(ConnectionLocks, AreWaitedForUntilTheDeadline) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  call_ = Call();
  call_.deadline = Deadline::after(20ms);
  EXPECT_EQ(second_->begin_immediate(), SQLITE_BUSY);
  EXPECT_GE(call_.waited(), 20ms);
}

TEST_F(ConnectionLocks, BecomeATimeoutThatNamesTheHolder) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  call_.deadline = Deadline::after(0ms);
  call_.timeout_code = code("WRITE_TIMEOUT");
  const int result = second_->begin_immediate();
  const auto error = thrown<Timeout>([&] { raise(*second_, result); });
  EXPECT_EQ(error.code(), "WRITE_TIMEOUT");
  EXPECT_EQ(error.holder().pid, 4711);
  EXPECT_EQ(error.sqlite_code(), SQLITE_BUSY);
}

TEST_F(ConnectionLocks, AreCountedOncePerWait) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  call_.deadline = Deadline::after(20ms);
  EXPECT_EQ(second_->begin_immediate(), SQLITE_BUSY);
  EXPECT_EQ(second_->waits(), 1U);
  first_->rollback();
  EXPECT_EQ(second_->begin_immediate(), SQLITE_OK);
  EXPECT_EQ(second_->waits(), 1U);
}

TEST_F(ConnectionLocks, AreNotWaitedForWithoutACall) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  second_->set_call(nullptr);
  EXPECT_EQ(second_->begin_immediate(), SQLITE_BUSY);
}

TEST_F(ConnectionLocks, AreTakenAsSoonAsTheyAreFree) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  int result = -1;
  std::thread waiter([&] { result = second_->begin_immediate(); });
  first_->rollback();
  waiter.join();
  EXPECT_EQ(result, SQLITE_OK);
}

TEST_F(ConnectionLocks, AreNotWaitedForAfterAnInterrupt) {
  ASSERT_EQ(first_->begin_immediate(), SQLITE_OK);
  std::thread canceller([&] { second_->interrupt(); });
  EXPECT_EQ(second_->begin_immediate(), SQLITE_INTERRUPT);
  canceller.join();
}

TEST_F(ConnectionLocks, AreTriedForAgainAfterAnOldSnapshot) {
  ASSERT_EQ(second_->begin_deferred(), SQLITE_OK);
  static_cast<void>(second_->query_integer("SELECT count(*) FROM t"));
  first_->execute("INSERT INTO t VALUES (1)");
  const auto error = thrown<Timeout>([&] { second_->execute("INSERT INTO t VALUES (2)"); });
  EXPECT_EQ(error.sqlite_code(), SQLITE_BUSY_SNAPSHOT);
  second_->rollback();
  EXPECT_EQ(second_->begin_immediate(), SQLITE_OK);
}

TEST_F(ConnectionLocks, EndAnEndlessQueryWhenInterrupted) {
  std::thread canceller([&] { second_->interrupt(); });
  EXPECT_THROW(second_->execute_script("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 "
                                       "FROM c) SELECT count(*) FROM c"),
               Cancelled);
  canceller.join();
}

TEST_F(ConnectionLocks, SurviveAFailingSearchForTheHolder) {
  Connection::Config config = first_.config();
  config.find_holder = [](bool /*writes*/) -> Holder { throw std::runtime_error("no"); };
  Connection third(config, call_);
  EXPECT_EQ(third.find_holder().kind, Holder::Kind::Unknown);
}

// Cleaning up.

TEST(ConnectionCleanUp, FindsNothingToDoAfterAProperEnd) {
  ScratchConnection connection;
  ASSERT_EQ(connection->begin_deferred(), SQLITE_OK);
  ASSERT_EQ(connection->commit(), SQLITE_OK);
  EXPECT_TRUE(connection->clean_up());
}

// CORE-15: an open transaction.
TEST(ConnectionCleanUp, EndsATransaction) {
  ScratchConnection connection;
  ASSERT_EQ(connection->begin_immediate(), SQLITE_OK);
  EXPECT_FALSE(connection->clean_up());
  EXPECT_FALSE(connection->in_transaction());
}

TEST(ConnectionCleanUp, EndsARunningStatement) {
  ScratchConnection connection("CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  Statement statement = connection->prepare("SELECT a FROM t");
  ASSERT_TRUE(statement.step());
  EXPECT_FALSE(connection->clean_up());
  EXPECT_EQ(sqlite3_txn_state(connection->handle(), nullptr), SQLITE_TXN_NONE);
}

TEST(ConnectionCleanUp, EndsAStatementOfTheNativeHandle) {
  ScratchConnection connection("CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x')");
  sqlite3_stmt* stray = nullptr;
  sqlite3_prepare_v2(connection->handle(), "SELECT a FROM f WHERE f MATCH 'x'", -1, &stray,
                     nullptr);
  ASSERT_EQ(sqlite3_step(stray), SQLITE_ROW);
  EXPECT_FALSE(connection->clean_up());
  EXPECT_EQ(sqlite3_txn_state(connection->handle(), nullptr), SQLITE_TXN_NONE);
  EXPECT_TRUE(connection->clean_up());
  sqlite3_finalize(stray);
}

TEST(ConnectionClose, LetsGoOfTheFileAlthoughAStatementIsLeft) {
  const TempDir directory;
  const Call call;
  const std::string path = directory.file("x.db");
  {
    Connection connection({.path = path, .create = true}, call);
    connection.execute(
        "PRAGMA journal_mode=WAL; CREATE TABLE t(a); CREATE VIRTUAL TABLE f USING "
        "fts5(a)");
    connection.execute("INSERT INTO f VALUES ('x')");
    sqlite3_stmt* stray = nullptr;
    sqlite3_prepare_v2(connection.handle(), "INSERT INTO t VALUES (1) RETURNING a", -1, &stray,
                       nullptr);
    ASSERT_EQ(sqlite3_step(stray), SQLITE_ROW);
  }
  EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
}

// Checkpoints.

TEST(ConnectionCheckpoint, CopiesTheLogEvenBeforeTheFirstRead) {
  ScratchConnection writer("CREATE TABLE t(a)");
  const Call call;
  Connection::Config config = writer.config();
  Connection fresh(config, call);
  const CheckpointResult result = fresh.checkpoint(CheckpointMode::Passive);
  EXPECT_EQ(result.code, SQLITE_OK);
  EXPECT_GT(result.copied_frames, 0);
  EXPECT_EQ(result.copied_frames, result.log_frames);
}

TEST(ConnectionCheckpoint, TruncatesTheLog) {
  ScratchConnection writer("CREATE TABLE t(a)");
  EXPECT_FALSE(writer->checkpoint(CheckpointMode::Truncate).busy);
  EXPECT_EQ(std::filesystem::file_size(writer.file() + "-wal"), 0U);
}

// WAL-09: no kind of checkpoint waits.
TEST(ConnectionCheckpoint, DoesNotWaitForAReader) {
  ScratchConnection writer("CREATE TABLE t(a)");
  const Call call;
  Connection reader(writer.config(), call);
  ASSERT_EQ(reader.begin_deferred(), SQLITE_OK);
  static_cast<void>(reader.query_integer("SELECT count(*) FROM t"));
  writer->execute("INSERT INTO t VALUES (1)");
  EXPECT_TRUE(writer->checkpoint(CheckpointMode::Truncate).busy);
}

TEST(ConnectionCheckpoint, DoesNothingWithoutALog) {
  const TempDir directory;
  const Call call;
  Connection connection({.path = directory.file("x.db"), .create = true}, call);
  EXPECT_EQ(connection.checkpoint(CheckpointMode::Passive).log_frames, -1);
}

TEST(ConnectionWal, CountsTheFramesOfItsLog) {
  ScratchConnection connection("CREATE TABLE t(a)");
  const int before = connection->wal_frames();
  connection->execute("INSERT INTO t VALUES (1)");
  EXPECT_GT(connection->wal_frames(), before);
}

TEST(ConnectionWal, IsNotCheckpointedByACommit) {
  ScratchConnection connection("CREATE TABLE t(a)");
  connection->execute("INSERT INTO t VALUES (zeroblob(8000000))");
  EXPECT_GT(connection->wal_frames(), 1900);
  EXPECT_LT(std::filesystem::file_size(connection.file()), 100'000U);
}

// Extensions and schemas.

TEST(ConnectionExtension, ThatIsNotThereIsReported) {
  const auto error = thrown<Error>([] {
    const ScratchConnection connection(SqlDefinitions{.extensions = {{"/nowhere/none.so", ""}}});
  });
  EXPECT_EQ(error.code(), "EXTENSION_FAILED");
  EXPECT_NE(error.message().find("/nowhere/none.so"), std::string::npos);
}

#ifdef TURNSTILE_TEST_VEC0
SqlDefinitions with_vectors() {
  return {.extensions = {{test::place_of::vec0(), "sqlite3_vec_init"}}};
}

TEST(ConnectionExtension, LoadingIsOffAfterwards) {
  ScratchConnection connection(with_vectors());
  int value = -1;
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, -1, &value);
  EXPECT_EQ(value, 0);
}
#endif

TEST(ConnectionSchema, MayKeepAnFts5TableInStepWithTriggers) {
  ScratchConnection connection(
      "CREATE TABLE d(id INTEGER PRIMARY KEY, body TEXT);"
      "CREATE VIRTUAL TABLE f USING fts5(body, content='d', content_rowid='id');"
      "CREATE TRIGGER g AFTER INSERT ON d BEGIN INSERT INTO f(rowid, body) VALUES (new.id, "
      "new.body); END;"
      "CREATE VIEW w AS SELECT rowid FROM f WHERE f MATCH 'fox'");
  connection->execute_script("INSERT INTO d(body) VALUES ('a quick fox')");
  EXPECT_EQ(connection->query_integer("SELECT count(*) FROM w"), 1);
}

#ifdef TURNSTILE_TEST_VEC0
TEST(ConnectionSchema, MayHoldVectors) {
  ScratchConnection connection(with_vectors());
  connection->execute_script("CREATE VIRTUAL TABLE v USING vec0(e float[2])");
  const std::vector<float> point{1.0F, 2.0F};
  EXPECT_EQ(connection->prepare("INSERT INTO v(rowid, e) VALUES (7, ?)").execute(point).changes, 1);
  EXPECT_EQ(
      connection->prepare("SELECT rowid FROM v WHERE e MATCH ? AND k = 1").query<int>(point).one(),
      7);
}

TEST(ConnectionSchema, MayFillVectorsFromATrigger) {
  ScratchConnection connection(with_vectors());
  connection->execute_script(
      "CREATE TABLE d(id INTEGER PRIMARY KEY, e BLOB); CREATE VIRTUAL TABLE v USING vec0(e "
      "float[2]); CREATE TRIGGER g AFTER INSERT ON d BEGIN INSERT INTO v(rowid, e) VALUES (new.id, "
      "new.e); END");
  connection->execute_script("INSERT INTO d VALUES (1, '[1,2]')");
  EXPECT_EQ(connection->query_integer("SELECT count(*) FROM v"), 1);
}
#endif

TEST(ConnectionSchema, MayNotBeDamagedThroughShadowTables) {
  ScratchConnection connection("CREATE VIRTUAL TABLE f USING fts5(a)");
  EXPECT_THROW(connection->execute_script("DELETE FROM f_data"), Error);
}

}  // namespace
}  // namespace turnstile::sqlite
