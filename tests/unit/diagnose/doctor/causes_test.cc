// Which cause of docs/reference/causes.md each finding leads to.
#include <functional>
#include <optional>

#include "turnstile/causes.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

class FindingCause : public Doctor {
 protected:
  void expect(const std::string& id, CheckStatus status, const std::string& cause) const {
    const Finding finding = this->finding(id);
    EXPECT_EQ(finding.status, status) << id << ": " << finding.title;
    EXPECT_EQ(finding.cause, cause) << id << ": " << finding.title;
    EXPECT_NE(find_cause(cause), nullptr) << cause;
  }
  /// A program stopped by SIGSTOP after some statements.
  [[nodiscard]] std::unique_ptr<SqliteShell> stopped_after(const std::string& sql) const {
    auto shell = std::make_unique<SqliteShell>(path());
    shell->run(sql);
    shell->process().signal(SIGSTOP);
    shell->process().wait_until_stopped();
    return shell;
  }
};

TEST_F(FindingCause, OfALogWithOtherPagesIsALeftoverLog) {
  make();
  crash_after("INSERT INTO note(title) VALUES ('x')");
  const std::string log = read_file(wal());
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(path() + suffix);
  run_raw(path(), "PRAGMA page_size=8192; PRAGMA journal_mode=wal; CREATE TABLE other(id)");
  write_file(wal(), log);
  expect("sidecars", CheckStatus::Fail, "leftover-log");
}

TEST_F(FindingCause, OfASecondNameIsAHardLink) {
  make();
  std::filesystem::create_hard_link(path(), directory_.file("other.db"));
  expect("hard-links", CheckStatus::Warn, "hard-link");
}

TEST_F(FindingCause, OfAStoppedWriterIsAStoppedProcess) {
  make();
  const auto shell = stopped_after("BEGIN IMMEDIATE");
  expect("locks", CheckStatus::Fail, "stopped-process");
}

TEST_F(FindingCause, OfAStoppedReaderIsAStoppedProcess) {
  make("CREATE TABLE note(id); INSERT INTO note VALUES (1)");
  const auto shell = stopped_after("BEGIN; SELECT * FROM note");
  expect("locks", CheckStatus::Warn, "stopped-process");
}

TEST_F(FindingCause, OfALargeLogThatIsReadIsALongReader) {
  make();
  SqliteShell reader(path());
  reader.run("BEGIN; SELECT * FROM note");
  SqliteShell writer(path());
  writer.run("INSERT INTO note(title) VALUES (zeroblob(70000000))");
  expect("log-size", CheckStatus::Warn, "long-reader");
}

TEST_F(FindingCause, OfAnOldEngineIsTheWalResetBug) {
  make();
  patch(96, std::string("\x00\x2e\x63\x01", 4));  // 3040001
  expect("engine-version", CheckStatus::Warn, "wal-reset-bug");
}

TEST_F(FindingCause, OfARollbackJournalIsItsReader) {
  make("CREATE TABLE note(id)", "delete");
  expect("journal-mode", CheckStatus::Warn, "rollback-journal-reader");
}

TEST_F(FindingCause, OfATextIsThatItIsNoDatabase) {
  write_file(path(), "no database");
  expect("header", CheckStatus::Fail, "not-a-database");
}

TEST_F(FindingCause, OfAFileThatWasCutOffIsATruncatedFile) {
  make("CREATE TABLE note(title); INSERT INTO note VALUES (zeroblob(20000))");
  std::filesystem::resize_file(path(), 2 * 4096);
  expect("header", CheckStatus::Fail, "truncated-file");
}

TEST_F(FindingCause, OfADamagedPageIsADamagedFile) {
  make("CREATE TABLE note(title); INSERT INTO note VALUES (1)");
  patch(4096, std::string(4096, '\x5a'));
  expect("integrity", CheckStatus::Fail, "damaged-file");
}

TEST_F(FindingCause, OfAMissingDirectoryIsOne) {
  const Finding finding = finding_of(examine(directory_.file("no/app.db")), "location");
  EXPECT_EQ(finding.cause, "missing-directory");
  EXPECT_NE(find_cause(finding.cause), nullptr);
}

TEST_F(FindingCause, OfALogThatWasLeftIsACrash) {
  make();
  crash_after("INSERT INTO note(title) VALUES ('x')");
  expect("sidecars", CheckStatus::Warn, "recovery-after-crash");
}

TEST_F(FindingCause, OfRowsWithoutAParentIsAnIgnoredSetting) {
  make(
      "CREATE TABLE folder(id INTEGER PRIMARY KEY); CREATE TABLE note(folder REFERENCES folder);"
      "INSERT INTO note VALUES (7)");
  expect("foreign-keys", CheckStatus::Warn, "ignored-setting");
}

}  // namespace
}  // namespace turnstile::test
