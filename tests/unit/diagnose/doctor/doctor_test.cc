// The examination as a whole: what a healthy database looks like, and that nobody feels it.
#include <sys/stat.h>

#include <functional>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "diagnose/doctor/content.h"
#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "support/interleaving.h"
#include "support/unprivileged.h"
#include "turnstile/error.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// All that is in a directory, with the times of the last change.
std::string picture(const std::filesystem::path& directory) {
  std::string all;
  for (const std::string& name : names_in(directory)) {
    struct stat status {};
    ::stat((directory / name).c_str(), &status);
    all += name + " " + std::to_string(status.st_ino) + " " + std::to_string(status.st_mode) + " " +
           std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) +
           " " + fingerprint(directory / name) + "\n";
  }
  return all;
}

// DOC-04: a healthy database.
TEST_F(Doctor, FindsNothingWrongWithAHealthyDatabase) {
  make();
  const DoctorReport report = this->report();
  EXPECT_THAT(troubles_of(report), IsEmpty());
  EXPECT_EQ(finding_of(report, "integrity").status, CheckStatus::Pass);
}

// DOC-04: the directory is not there.
TEST_F(Doctor, FailsWhereThereIsNoDirectoryAndOffersToMakeIt) {
  const Finding finding = finding_of(examine(directory_.file("no/such/app.db")), "location");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.fix, HasSubstr("0700"));
}

// DOC-04, DOC-06: a directory in which nothing can be written.
TEST_F(Doctor, FailsInADirectoryThatCannotBeWrittenTo) {
  make();
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0555));
  std::filesystem::permissions(path(), std::filesystem::perms(0644));
  const std::string told = unprivileged([&] {
    const Finding finding = finding_of(examine(path()), "permissions");
    return std::string(to_string(finding.status)) + " " + finding.cause;
  });
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0700));
  EXPECT_EQ(told, "fail read-only-directory");
}

// DOC-04: no file.
TEST_F(Doctor, WarnsOfAFileThatIsNotThere) {
  EXPECT_EQ(finding("location").status, CheckStatus::Warn);
  EXPECT_EQ(finding("integrity").status, CheckStatus::Skip);
}

// DOC-04: a text.
TEST_F(Doctor, FailsWithATextFile) {
  write_file(path(),
             "This is not a database, but it is as long as the header of one, which has a "
             "hundred bytes and no more.");
  const Finding finding = this->finding("header");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.title, HasSubstr("no SQLite database"));
}

// DOC-04: one page damaged.
TEST_F(Doctor, FailsWithADamagedPage) {
  make(
      "CREATE TABLE note(title); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
      "WHERE i < 1000) INSERT INTO note SELECT hex(randomblob(50)) FROM n");
  patch(2 * 4096, std::string(4096, '\x5a'));
  const Finding finding = this->finding("integrity");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("page")));
  EXPECT_EQ(finding.fix, "");
}

TEST_F(Doctor, ComparesIndexesWithTablesOnlyWhenAskedFor) {
  make(
      "CREATE TABLE note(title UNIQUE); INSERT INTO note VALUES ('abcdefgh'); "
      "CREATE INDEX by_title ON note(title)");
  std::string content = read_file(path());
  const std::size_t in_index = content.rfind("abcdefgh");
  const std::size_t in_table = content.find("abcdefgh");
  ASSERT_NE(in_index, in_table);
  patch(in_table, "abcdXfgh");
  EXPECT_EQ(finding("integrity").status, CheckStatus::Pass);
  EXPECT_EQ(finding("integrity", {.full = true}).status, CheckStatus::Fail);
}

TEST_F(Doctor, FailsWithAFileThatWasCutOff) {
  make("CREATE TABLE note(title); INSERT INTO note VALUES (zeroblob(20000))");
  std::filesystem::resize_file(path(), 2 * 4096);
  EXPECT_THAT(finding("header").title, HasSubstr("cut off"));
}

TEST_F(Doctor, TakesAnEmptyFileForADatabaseWithoutTables) {
  write_file(path(), "");
  EXPECT_THAT(troubles_of(report()), IsEmpty());
}

TEST_F(Doctor, ReadsAFileWhoseNameHasTheCharactersOfAUri) {
  const std::string strange = directory_.file("a%41?mode=rwc#b.db");
  run_raw(strange, "PRAGMA journal_mode=wal; CREATE TABLE note(id)");
  EXPECT_EQ(finding_of(examine(strange), "integrity").status, CheckStatus::Pass);
}

TEST_F(Doctor, RefusesAPathThatCanBeNone) {
  EXPECT_THROW(static_cast<void>(examine(std::string_view("a\0b", 3))), MisuseError);
}

TEST_F(Doctor, EndsWhenItIsStopped) {
  make();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(static_cast<void>(report({.stop = stop.get_token()})), Cancelled);
}

// DOC-02: whatever state a database is in.
TEST_F(Doctor, ChangesNothing) {
  const std::string insert = "INSERT INTO note(title) VALUES ('x')";
  const std::vector<std::pair<std::string, std::function<void()>>> states = {
      {"closed", [&] { make(); }},
      {"killed with a log",
       [&] {
         make();
         crash_after(insert);
       }},
      {"killed, and its -shm deleted",
       [&] {
         make();
         crash_after(insert);
         std::filesystem::remove(path() + "-shm");
       }},
      {"a -shm alone",
       [&] {
         make();
         write_file(path() + "-shm", std::string(32768, '\0'));
       }},
      {"killed with a journal",
       [&] {
         make("CREATE TABLE note(id INTEGER PRIMARY KEY, title)", "delete");
         crash_after("PRAGMA cache_size=1; BEGIN; " + insert +
                     "; UPDATE note SET title = zeroblob(100000); " + insert);
       }},
      {"empty", [&] { write_file(path(), ""); }},
      {"missing", [] {}},
      {"encrypted", [&] { write_file(path(), std::string(8192, '\xa7')); }},
  };
  for (const auto& [name, make_state] : states) {
    for (const std::string& file : names_in(directory_.path()))
      std::filesystem::remove(directory_.path() / file);
    make_state();
    const std::string before = picture(directory_.path());
    static_cast<void>(report({.full = true, .expect_encryption = true}));
    EXPECT_EQ(picture(directory_.path()), before) << name;
  }
}

// DOC-02: beside a program that has it open.
TEST_F(Doctor, MakesNoFileBesideAProgramThatUsesTheDatabase) {
  make();
  SqliteShell shell(path());
  shell.run("INSERT INTO note(title) VALUES ('x'); SELECT * FROM note");
  const auto before = names_in(directory_.path());
  static_cast<void>(report());
  EXPECT_EQ(names_in(directory_.path()), before);
}

// DOC-03: in a process that has the file open itself, with either journal.
TEST_F(Doctor, DropsNoLockOfItsOwnProcess) {
  for (const std::string mode : {"wal", "delete"}) {
    make("CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, title TEXT)", mode);
    const Call call;
    sqlite::Connection connection({.path = path()}, call);
    connection.execute("BEGIN IMMEDIATE");
    static_cast<void>(report());
    SqliteShell shell(path());
    EXPECT_THAT(shell.run("BEGIN IMMEDIATE"), HasSubstr("locked")) << mode;
    connection.execute("ROLLBACK");
  }
}

/// An examination on another thread, which stands still inside the database.
class StandingInside {
 public:
  explicit StandingInside(std::string path, const char* point = "doctor:inside")
      : point_(point, 1), thread_([this, path = std::move(path)] { report_ = examine(path); }) {
    point_.wait_until_reached();
  }
  DoctorReport finish() {
    point_.release();
    thread_.join();
    return std::move(report_);
  }

 private:
  DoctorReport report_;
  AtPoint point_;
  std::jthread thread_;
};

// DOC-03: a writer that would not wait at all.
TEST_F(Doctor, LetsWritersCommitWhileItLooksInside) {
  make();
  SqliteShell shell(path());
  shell.run("SELECT * FROM note");
  StandingInside inside(path());
  EXPECT_THAT(shell.run("INSERT INTO note(title) VALUES ('x'); PRAGMA wal_checkpoint(PASSIVE)"),
              testing::StartsWith("0|1|"));
  EXPECT_EQ(finding_of(inside.finish(), "integrity").status, CheckStatus::Pass);
}

// DOC-03: beside a program with a rollback journal, whose commits every reader keeps out.
TEST_F(Doctor, DoesNotLookInsideWhatIsInUseWithoutALog) {
  make("CREATE TABLE note(id)", "delete");
  SqliteShell shell(path());
  shell.run("SELECT * FROM note");
  const Finding finding = this->finding("integrity");
  EXPECT_EQ(finding.status, CheckStatus::Skip);
  EXPECT_THAT(finding.title, HasSubstr("(sqlite3) and has no write-ahead log"));
}

TEST_F(Doctor, TakesNoLockOnAFileThatNobodyUses) {
  make("CREATE TABLE note(id)", "delete");
  StandingInside inside(path());
  SqliteShell shell(path());
  EXPECT_EQ(shell.run("BEGIN EXCLUSIVE; INSERT INTO note VALUES (1); COMMIT"), "");
  static_cast<void>(inside.finish());
}

TEST_F(Doctor, BelievesNothingOfAFileThatSomebodyBeganToUseMeanwhile) {
  make();
  StandingInside inside(path(), "doctor:looked");
  run_raw(path(), "INSERT INTO note(title) VALUES ('x')");
  const Finding finding = finding_of(inside.finish(), "integrity");
  EXPECT_EQ(finding.status, CheckStatus::Skip);
  EXPECT_THAT(finding.title, HasSubstr("meanwhile"));
}

// DOC-03: what keeps a snapshot, and so could make a checkpoint wait, ends in time.
TEST_F(Doctor, AsksNoQuestionForLongerThanItMay) {
  make();
  const diagnose::Content content(path(), diagnose::Content::Manner::Still,
                                  std::chrono::milliseconds(1), {});
  const auto answer = content.ask(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
      "SELECT count(*) FROM n");
  EXPECT_TRUE(answer.too_long);
}

TEST_F(Doctor, SeesWhatOnlyTheLogHas) {
  make();
  SqliteShell shell(path());
  shell.run("CREATE TABLE child(note REFERENCES note(id))");
  EXPECT_EQ(finding("foreign-key-indexes").status, CheckStatus::Warn);
  shell.process().kill();
  EXPECT_EQ(finding("foreign-key-indexes").status, CheckStatus::Warn);
}

TEST_F(Doctor, CannotWriteByAnySql) {
  make();
  SqliteShell shell(path());
  shell.run("INSERT INTO note(title) VALUES ('x')");
  for (const auto manner : {diagnose::Content::Manner::Still, diagnose::Content::Manner::Beside}) {
    const diagnose::Content content(path(), manner, std::nullopt, {});
    ASSERT_EQ(content.ask("SELECT count(*) FROM note").rows.at(0).at(0), "1");
    EXPECT_THAT(content.ask("DELETE FROM note").problem, HasSubstr("readonly"));
    EXPECT_THAT(content.ask("CREATE TABLE t(x)").problem, HasSubstr("readonly"));
    EXPECT_THAT(content.ask("VACUUM").problem, HasSubstr("readonly"));
    static_cast<void>(content.ask("PRAGMA journal_mode=DELETE"));
    static_cast<void>(content.ask("PRAGMA user_version=7"));
    static_cast<void>(content.ask("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  EXPECT_EQ(shell.run("PRAGMA journal_mode; PRAGMA user_version; SELECT count(*) FROM note"),
            "wal\n0\n1\n");
}

}  // namespace
}  // namespace turnstile::test
