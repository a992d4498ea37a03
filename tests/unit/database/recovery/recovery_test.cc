// Recovery of files in which nothing is damaged: everything is there afterwards.
#include "turnstile/recovery.h"

#include <csignal>
#include <stop_token>

#include "support/forked.h"
#include "support/interleaving.h"
#include "support/sqlite_shell.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"
#include "unit/database/recovery/recovery_fixture.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Recovery : public RecoveryTest {};

TEST_F(Recovery, KeepsEverythingOfAHealthyFile) {
  make_all_kinds();
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(report.notes, IsEmpty());
  expect_same_content();
}

TEST_F(Recovery, KeepsEverythingInPagesOfAnySize) {
  for (const int size : {512, 4096, 65536}) {
    SCOPED_TRACE(size);
    make_all_kinds(size);
    EXPECT_TRUE(recover().complete());
    expect_same_content();
    EXPECT_EQ(ask("PRAGMA page_size"), std::to_string(size));
  }
}

TEST_F(Recovery, KeepsTextsInUtf16) {
  for (const std::string encoding : {"UTF-16le", "UTF-16be"}) {
    SCOPED_TRACE(encoding);
    make("PRAGMA encoding='" + encoding + "';" + schema_of_all_kinds());
    EXPECT_TRUE(recover().complete());
    expect_same_content();
    EXPECT_EQ(ask("PRAGMA encoding"), encoding);
  }
}

TEST_F(Recovery, KeepsTheSettingsOfTheFile) {
  make("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA application_id=-5; PRAGMA user_version=7;" +
       schema_of_all_kinds());
  EXPECT_TRUE(recover().complete());
  EXPECT_EQ(ask("PRAGMA auto_vacuum"), "2");
  EXPECT_EQ(ask("PRAGMA application_id"), "-5");
  EXPECT_EQ(ask("PRAGMA user_version"), "7");
}

TEST_F(Recovery, GivesAFileThatTurnstileOpens) {
  make_all_kinds();
  (void)recover();
  const Database db = Database::open(destination_);
  db.lane("test").write(
      [](WriteTx& tx) { tx.execute("INSERT INTO note(title) VALUES ('after')"); });
  const auto id = db.lane("test").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT id FROM note WHERE title='after'").one();
  });
  EXPECT_EQ(id, 201) << "AUTOINCREMENT goes on where the source was, past its deleted rows";
}

TEST_F(Recovery, LeavesTheSourceAsItIs) {
  make_all_kinds();
  const std::string before = fingerprint(source_);
  (void)recover();
  EXPECT_EQ(fingerprint(source_), before);
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("new.db", "source.db"));
}

TEST_F(Recovery, KeepsAnEmptyDatabase) {
  make("CREATE TABLE t(a); DROP TABLE t");
  EXPECT_TRUE(recover().complete());
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(Recovery, KeepsATableWhoseModuleIsNotThere) {
  make(
      "CREATE TABLE v_data(a); INSERT INTO v_data VALUES (1);"
      "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES "
      "('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING unknown(x)')");
  EXPECT_TRUE(recover().complete());
  expect_same_content();
}

TEST_F(Recovery, KeepsTextsThatAreNotUtf8) {
  make("CREATE TABLE t(a); INSERT INTO t VALUES (CAST(x'ff00fe' AS TEXT))");
  EXPECT_TRUE(recover().complete());
  EXPECT_EQ(ask("SELECT typeof(a) || hex(a) FROM t"), "textFF00FE");
}

TEST_F(Recovery, TakesWhatIsCommittedOnlyInTheLog) {
  make("PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES ('checkpointed')");
  SqliteShell shell(source_);
  (void)shell.run("PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES ('in the log')");
  // More than the cache holds, so that frames of it come into the log before the commit.
  (void)shell.run("PRAGMA cache_size=5; BEGIN; " + numbers(2000) +
                  "INSERT INTO t SELECT 'uncommitted ' || randomblob(300) FROM n");
  shell.process().kill();
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.complete());
  EXPECT_GT(report.pages_in_log, 0U);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("without a commit were left out")));
  EXPECT_EQ(ask("SELECT group_concat(a) FROM t"), "checkpointed,in the log");
}

TEST_F(Recovery, TellsOfCommitsBehindADamagedFrame) {
  make("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  SqliteShell shell(source_);
  (void)shell.run("PRAGMA wal_autocheckpoint=0");
  for (const char* value : {"1", "2", "3"})
    (void)shell.run("INSERT INTO t VALUES (" + std::string(value) + ")");
  shell.process().kill();
  // Each INSERT is a frame of 24 + 4096 bytes behind the log's header of 32.
  std::string log = read_file(source_ + "-wal");
  log[log.size() - 4120 - 1000] ^= 1;
  write_file(source_ + "-wal", log);
  const RecoveryReport report = recover();
  EXPECT_FALSE(report.complete());
  EXPECT_THAT(report.losses, ElementsAre(HasSubstr("commits behind it are lost")));
  EXPECT_EQ(ask("SELECT group_concat(a) FROM t"), "1");
}

TEST_F(Recovery, RollsAnUnfinishedTransactionBack) {
  make_rows(500);
  const std::vector<std::string> before = dump_of(source_);
  SqliteShell shell(source_);
  (void)shell.run("PRAGMA cache_size=5; BEGIN; UPDATE t SET v='changed'; DELETE FROM t WHERE id%3");
  shell.process().kill();
  ASSERT_THAT(read_file(source_), HasSubstr("changed")) << "the test needs a half-written file";
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.complete());
  EXPECT_GT(report.pages_rolled_back, 0U);
  EXPECT_EQ(dump_of(destination_), before);
}

TEST_F(Recovery, NamesAProcessThatHasTheSourceOpen) {
  make_rows(10);
  SqliteShell shell(source_);
  (void)shell.run("BEGIN IMMEDIATE");
  const RecoveryReport report = recover();
  ASSERT_TRUE(report.in_use_by.has_value());
  EXPECT_EQ(report.in_use_by->pid, shell.pid());
  EXPECT_EQ(report.in_use_by->program, "sqlite3");
}

// CORE-17: nothing reads a database's file while this process has it open.
TEST_F(Recovery, RefusesASourceThatThisProcessHasOpen) {
  make_rows(10);
  const Database db = Database::open(source_);
  const auto error = thrown<MisuseError>([this] { (void)recover(); });
  EXPECT_EQ(error.code(), "DB_IN_USE");
  EXPECT_FALSE(std::filesystem::exists(destination_));
}

// CORE-17
TEST_F(Recovery, KeepsTheSourceFromBeingOpenedMeanwhile) {
  make_rows(10);
  std::string code;
  RecoveryOptions options;
  options.progress = [&](const Progress&) {
    if (!code.empty()) return;
    Options impatient;
    impatient.busy_timeout = 1ms;
    code = thrown<Timeout>([&] { (void)Database::open(source_, impatient); }).code();
  };
  EXPECT_TRUE(recover(options).complete());
  EXPECT_EQ(code, "OPEN_TIMEOUT");
}

TEST_F(Recovery, OverwritesNothing) {
  make_rows(10);
  // A log under the new file's name would be played into it.
  for (const std::string name : {"new.db", "new.db-wal", "new.db-journal"}) {
    SCOPED_TRACE(name);
    write_file(directory_.file(name), "precious");
    const auto error =
        thrown<StorageError>([this] { (void)turnstile::recover(source_, destination_); });
    EXPECT_EQ(error.code(), "DB_EXISTS");
    EXPECT_EQ(read_file(directory_.file(name)), "precious");
    std::filesystem::remove(directory_.file(name));
  }
}

TEST_F(Recovery, OverwritesNothingThatComesInTheMeantime) {
  make_rows(10);
  RecoveryOptions options;
  options.progress = [&](const Progress& progress) {
    if (progress.phase == "verify") write_file(destination_, "precious");
  };
  const auto error = thrown<StorageError>([&] { (void)recover(options); });
  EXPECT_EQ(error.code(), "DB_EXISTS");
  EXPECT_EQ(read_file(destination_), "precious");
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("new.db", "source.db"));
}

TEST_F(Recovery, LeavesNothingWhenItIsCancelled) {
  make_all_kinds();
  for (const std::string phase : {"survey", "rows", "indexes", "verify"}) {
    SCOPED_TRACE(phase);
    std::stop_source stop;
    RecoveryOptions options;
    options.stop = stop.get_token();
    options.progress = [&](const Progress& progress) {
      if (progress.phase == phase) stop.request_stop();
    };
    EXPECT_THROW((void)recover(options), Cancelled);
    EXPECT_THAT(names_in(directory_.path()), ElementsAre("source.db"));
  }
}

TEST_F(Recovery, GivesNoFileItsNameWhenItIsKilled) {
  make_rows(10);
  Forked child([this](Forked::Go) {
    gate::sync_point_hook.store([](std::string_view point) {
      if (point == "recovery:publish") ::raise(SIGKILL);
    });
    (void)recover();
    return std::string("survived");
  });
  EXPECT_THAT(thrown<std::runtime_error>([&] { (void)child.answer(); }).what(),
              HasSubstr("ended with status 9"));
  EXPECT_FALSE(std::filesystem::exists(destination_));
  EXPECT_TRUE(recover().complete());
  EXPECT_THAT(names_in(directory_.path()), ElementsAre("new.db", "source.db"))
      << "what the killed one left is removed by the next";
}

TEST_F(Recovery, TellsHowFarItIs) {
  make_rows(3000);
  std::vector<std::string> phases;
  RecoveryOptions options;
  options.progress = [&](const Progress& progress) {
    EXPECT_LE(progress.done, progress.total == -1 ? 0 : progress.total);
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
  };
  (void)recover(options);
  EXPECT_THAT(phases, ElementsAre("survey", "rows", "indexes", "verify"));
}

TEST_F(Recovery, RefusesWhatHasNoPagesOfADatabase) {
  std::string noise(100'000, '\0');
  for (std::size_t i = 0; i < noise.size(); ++i)
    noise[i] = static_cast<char>((i * 7919) >> 3);
  for (const std::string& content : {std::string(), noise, std::string(9000, '\0')}) {
    SCOPED_TRACE(content.size());
    write_file(source_, content);
    const auto error = thrown<StorageError>([this] { (void)recover(); });
    EXPECT_EQ(error.code(), "RECOVERY_FAILED");
    EXPECT_THAT(names_in(directory_.path()), ElementsAre("source.db"));
  }
}

TEST_F(Recovery, RefusesWhatIsNotThere) {
  const auto no_source = thrown<StorageError>([this] { (void)recover(); });
  EXPECT_EQ(no_source.code(), "DB_NOT_FOUND");
  make_rows(1);
  const auto no_directory = thrown<StorageError>(
      [this] { (void)turnstile::recover(source_, directory_.file("no/such/new.db")); });
  EXPECT_EQ(no_directory.code(), "DB_NO_DIRECTORY");
}

TEST_F(Recovery, RefusesAPageSizeThatCannotBe) {
  make_rows(1);
  const auto error = thrown<MisuseError>([this] { (void)recover({.page_size_bytes = 1000}); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
}

}  // namespace
}  // namespace turnstile::test
