// Logs and journals: their own and those of others, large ones, and who keeps them.
#include "sqlite/engine.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Sidecars : public Doctor {};

constexpr const char* kInsert = "INSERT INTO note(title) VALUES ('x')";

// DOC-05: a log without an owner.
TEST_F(Sidecars, WarnOfALogThatAProgramLeft) {
  make();
  crash_after(kInsert);
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_EQ(finding.cause, "recovery-after-crash");
  EXPECT_NE(finding.fix, "");
}

TEST_F(Sidecars, AreInOrderWhileTheLogHasAnOwner) {
  make();
  SqliteShell shell(path());
  shell.run(kInsert);
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Pass);
}

TEST_F(Sidecars, FailWithTheLogOfADatabaseWithOtherPages) {
  make();
  crash_after(kInsert);
  const std::string log = read_file(wal());
  std::filesystem::remove(path());
  std::filesystem::remove(wal());
  std::filesystem::remove(path() + "-shm");
  run_raw(path(), "PRAGMA page_size=8192; PRAGMA journal_mode=wal; CREATE TABLE other(id)");
  write_file(wal(), log);
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.cause, "leftover-log");
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("4096")));
  EXPECT_EQ(finding.fix, "");
}

TEST_F(Sidecars, FailWithAnOlderLogOfTheSameDatabase) {
  make();
  crash_after("CREATE TABLE first(id)");
  const std::string log = read_file(wal());
  run_raw(path(), "CREATE TABLE second(id); CREATE TABLE third(id)");
  ASSERT_FALSE(std::filesystem::exists(wal()));
  write_file(wal(), log);
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("of change")));
}

TEST_F(Sidecars, FailWithALogBesideADatabaseThatHasNone) {
  make();
  crash_after(kInsert);
  const std::string log = read_file(wal());
  run_raw(path(), "PRAGMA journal_mode=delete");
  write_file(wal(), log);
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Fail);
}

TEST_F(Sidecars, TakeALogWithoutACommitForNothing) {
  make();
  crash_after(kInsert);
  std::filesystem::resize_file(wal(), 32 + 24 + 100);
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Pass);
}

TEST_F(Sidecars, WarnOfAnIndexWithoutALog) {
  make();
  write_file(path() + "-shm", std::string(32768, '\0'));
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Warn);
}

// DOC-05: a journal that is to be rolled back.
TEST_F(Sidecars, WarnOfAJournalThatAProgramLeft) {
  make("CREATE TABLE note(id INTEGER PRIMARY KEY, title); INSERT INTO note(title) VALUES (1)",
       "delete");
  crash_after("PRAGMA cache_size=1; BEGIN; UPDATE note SET title = zeroblob(100000)");
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_EQ(finding.cause, "hot-journal");
  EXPECT_EQ(this->finding("integrity").status, CheckStatus::Skip);
}

TEST_F(Sidecars, AreInOrderWhileTheJournalsTransactionRuns) {
  make("CREATE TABLE note(id INTEGER PRIMARY KEY, title); INSERT INTO note(title) VALUES (1)",
       "delete");
  SqliteShell shell(path());
  shell.run("PRAGMA cache_size=1; BEGIN; UPDATE note SET title = zeroblob(100000)");
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Pass);
}

TEST_F(Sidecars, AreInOrderWithAJournalThatIsKeptAfterItsTransaction) {
  make("PRAGMA journal_mode=persist; CREATE TABLE note(id)", "delete");
  ASSERT_GT(std::filesystem::file_size(path() + "-journal"), 0U);
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Pass);
}

TEST_F(Sidecars, ShowThatProgramsDoNotAgreeOnTheJournal) {
  make();
  EXPECT_EQ(finding("mixed-journals").status, CheckStatus::Pass);
  patch(18, std::string("\x01\x02", 2));
  const Finding finding = this->finding("mixed-journals");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_EQ(finding.cause, "wal-switch-beside-writer");
}

TEST_F(Sidecars, ShowAJournalThatWasLeftBeforeTheSwitchToALog) {
  make("CREATE TABLE note(id INTEGER PRIMARY KEY, title); INSERT INTO note(title) VALUES (1)",
       "delete");
  crash_after("PRAGMA cache_size=1; BEGIN; UPDATE note SET title = zeroblob(100000)");
  patch(18, std::string("\x02\x02", 2));
  EXPECT_EQ(finding("mixed-journals").status, CheckStatus::Warn);
}

TEST_F(Sidecars, WarnOfARollbackJournalAsTheJournalMode) {
  make("CREATE TABLE note(id)", "delete");
  EXPECT_EQ(finding("journal-mode").status, CheckStatus::Warn);
}

// DOC-05: the size of the log, and the oldest reader.
TEST_F(Sidecars, NameTheReaderThatKeepsALargeLog) {
  make();
  SqliteShell reader(path());
  reader.run("BEGIN; SELECT * FROM note");
  SqliteShell writer(path());
  writer.run("INSERT INTO note(title) VALUES (zeroblob(70000000))");
  const Finding finding = this->finding("log-size");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_EQ(finding.cause, "long-reader");
  EXPECT_THAT(finding.evidence,
              Contains(HasSubstr("process " + std::to_string(reader.pid()) + " (sqlite3)")));
}

// DOC-05: a writer that is stopped in its transaction.
TEST_F(Sidecars, NameAWriterThatIsStopped) {
  make();
  SqliteShell shell(path());
  shell.run("BEGIN IMMEDIATE");
  EXPECT_EQ(finding("locks").status, CheckStatus::Pass);
  shell.process().signal(SIGSTOP);
  shell.process().wait_until_stopped();
  const Finding finding = this->finding("locks");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.cause, "stopped-process");
  EXPECT_THAT(finding.title,
              HasSubstr("process " + std::to_string(shell.pid()) + " (sqlite3) is stopped"));
}

// DOC-05: who holds the lock.
TEST_F(Sidecars, NameAWriterThatWrites) {
  make();
  SqliteShell shell(path());
  shell.run("BEGIN IMMEDIATE");
  EXPECT_THAT(finding("locks").evidence, Contains(HasSubstr("(sqlite3) has the WAL write lock")));
}

TEST_F(Sidecars, NameAReaderThatIsStoppedInFrontOfARollbackJournal) {
  make("CREATE TABLE note(id); INSERT INTO note VALUES (1)", "delete");
  SqliteShell shell(path());
  shell.run("BEGIN; SELECT * FROM note");
  EXPECT_EQ(finding("locks").status, CheckStatus::Pass);
  shell.process().signal(SIGSTOP);
  shell.process().wait_until_stopped();
  EXPECT_EQ(finding("locks").status, CheckStatus::Fail);
}

TEST_F(Sidecars, NameAProgramThatKeepsTheFileForItself) {
  make();
  SqliteShell shell(path());
  shell.run(std::string("PRAGMA locking_mode=EXCLUSIVE; ") + kInsert);
  const Finding finding = this->finding("locks");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.cause, "exclusive-locking-mode");
}

}  // namespace
}  // namespace turnstile::test
