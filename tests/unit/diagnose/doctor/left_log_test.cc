// Whether a log that lies beside a file is its own and whole, before anything takes it in.
#include <sys/stat.h>

#include <cstdint>
#include <utility>

#include "diagnose/doctor/file_facts.h"
#include "turnstile/error.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::size_t kLogHeaderBytes = 32;
constexpr std::size_t kFrameBytes = 24 + 4096;

class LeftLog : public Doctor {
 protected:
  /// A sound file of more than thirty pages, closed.
  void make_large() const {
    make(
        "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT); WITH RECURSIVE n(i) AS (SELECT 1 "
        "UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO note SELECT i, printf('%.*c', "
        "1500, 'x') FROM n");
  }
  /// The log of another database, in which statements were run after `sql`.
  [[nodiscard]] std::string log_of_another(const std::string& sql, const std::string& last) const {
    const std::string other = directory_.file("other.db");
    run_raw(other, "PRAGMA journal_mode=wal;" + sql);
    SqliteShell shell(other);
    shell.run(last);
    shell.process().kill();
    return read_file(other + "-wal");
  }
  /// Twenty rows in as many transactions that only the log has.
  [[nodiscard]] std::string leave_twenty() const {
    make();
    std::string inserts;
    for (int i = 0; i < 20; ++i)
      inserts += "INSERT INTO note(title) VALUES ('x');";
    crash_after(inserts);
    return read_file(wal());
  }
  static void damage(std::string& bytes, std::size_t at) {
    bytes[at] = static_cast<char>(~bytes[at]);
  }
};

// The log has pages 25 to 30 of another file with the same page size, and no first page.
TEST_F(LeftLog, OfAnotherDatabaseFailsWhereTheFileIsWholeWithoutItOnly) {
  make_large();
  const std::string log = log_of_another(
      "CREATE TABLE big(id INTEGER PRIMARY KEY, data); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n WHERE i < 60) INSERT INTO big SELECT i, zeroblob(3500) FROM n",
      "UPDATE big SET data = randomblob(3500) WHERE id BETWEEN 23 AND 28");
  write_file(wal(), log);
  ASSERT_FALSE(diagnose::read_log(wal()).change_counter.has_value());
  const DoctorReport report = this->report();
  const Finding sidecars = finding_of(report, "sidecars");
  EXPECT_EQ(sidecars.status, CheckStatus::Fail);
  EXPECT_EQ(sidecars.cause, "leftover-log");
  EXPECT_EQ(sidecars.fix, "");
  EXPECT_THAT(sidecars.evidence, Contains(HasSubstr("whole without the log")));
  EXPECT_EQ(finding_of(report, "integrity").status, CheckStatus::Fail);
  EXPECT_EQ(finding_of(report, "integrity").cause, "leftover-log");
}

TEST_F(LeftLog, OfAnotherDatabaseIsNotTakenInByARepairThatWasOfferedForItsOwn) {
  make_large();
  crash_after("UPDATE note SET title = 'y' WHERE id = 1");
  const Finding offered = finding("sidecars");
  ASSERT_NE(offered.fix, "");
  const std::string log = log_of_another(
      "CREATE TABLE big(id INTEGER PRIMARY KEY, data); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
      "SELECT i + 1 FROM n WHERE i < 60) INSERT INTO big SELECT i, zeroblob(3500) FROM n",
      "UPDATE big SET data = randomblob(3500) WHERE id BETWEEN 23 AND 28");
  write_file(wal(), log);
  const std::string before = fingerprint(path());
  EXPECT_THROW(repair(path(), offered), MisuseError);
  EXPECT_EQ(fingerprint(path()), before);
  EXPECT_EQ(read_file(wal()), log);
}

TEST_F(LeftLog, OfAnotherDatabaseThatHasAllOfItFailsByItsTables) {
  make_large();
  std::string tables;
  for (char name = 'a'; name < 'z'; ++name)
    tables += std::string("CREATE TABLE ") + name + "(id);";
  write_file(wal(), log_of_another("", tables));
  const Finding sidecars = finding("sidecars");
  EXPECT_EQ(sidecars.status, CheckStatus::Fail);
  EXPECT_EQ(sidecars.cause, "leftover-log");
  EXPECT_EQ(sidecars.fix, "");
  EXPECT_THAT(sidecars.evidence, Contains(HasSubstr("none of the tables")));
}

TEST_F(LeftLog, IsNotOfferedToAFileThatIsDamagedWithAndWithoutIt) {
  make_large();
  crash_after("UPDATE note SET title = 'y' WHERE id = 1");
  patch(20 * 4096, std::string(4096, '\x5a'));
  const DoctorReport report = this->report();
  EXPECT_EQ(finding_of(report, "sidecars").status, CheckStatus::Warn);
  EXPECT_EQ(finding_of(report, "sidecars").fix, "");
  EXPECT_EQ(finding_of(report, "integrity").cause, "damaged-file");
}

TEST_F(LeftLog, ThatIsOlderThanItsFileIsSaidToBe) {
  static_cast<void>(leave_twenty());
  const auto older = HasSubstr("last written before the file");
  EXPECT_THAT(finding("sidecars").evidence, Not(Contains(older)));
  std::filesystem::last_write_time(
      wal(), std::filesystem::last_write_time(path()) - std::chrono::hours(1));
  EXPECT_THAT(finding("sidecars").evidence, Contains(older));
}

TEST_F(LeftLog, IsNotTakenInForTheSakeOfAJournal) {
  make("CREATE TABLE note(id INTEGER PRIMARY KEY, title); INSERT INTO note(title) VALUES (1)",
       "delete");
  crash_after("PRAGMA cache_size=1; BEGIN; UPDATE note SET title = zeroblob(100000)");
  ASSERT_NE(finding("sidecars").fix, "");
  write_file(wal(), log_of_another("", "CREATE TABLE a(id); CREATE TABLE b(id)"));
  for (const Finding& finding : findings_of(report(), "sidecars"))
    EXPECT_EQ(finding.fix, "") << finding.title;
}

// Damaged logs.

TEST_F(LeftLog, FailsWhereCommitsAreBehindAWrongChecksum) {
  std::string log = leave_twenty();
  const std::size_t frames = (log.size() - kLogHeaderBytes) / kFrameBytes;
  ASSERT_GE(frames, 20U);
  damage(log, kLogHeaderBytes + 5 * kFrameBytes + 1000);
  write_file(wal(), log);
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.fix, "");
  EXPECT_EQ(finding.title, "the log is damaged; " + std::to_string(frames - 5) +
                               " committed pages cannot be read");
}

TEST_F(LeftLog, FailsWhereItsHeaderHasAWrongChecksum) {
  for (const std::size_t at : {std::size_t{16}, std::size_t{24}}) {  // A salt, the checksum.
    std::string log = leave_twenty();
    damage(log, at);
    write_file(wal(), log);
    EXPECT_THAT(finding("sidecars").title, HasSubstr("the log is damaged")) << at;
    for (const char* suffix : {"", "-wal", "-shm"})
      std::filesystem::remove(path() + suffix);
  }
}

// A program is killed between the two writes that make a frame: it has nothing behind it.
TEST_F(LeftLog, CanEndInAFrameThatWasNotWrittenToItsEnd) {
  std::string log = leave_twenty();
  damage(log, log.size() - 100);
  write_file(wal(), log);
  const Finding finding = this->finding("sidecars");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_NE(finding.fix, "");
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("counts for nothing")));
}

// What https://sqlite.org/fileformat2.html#checksum_algorithm says, once more.
void write_checksums(std::string& log, bool is_big_endian) {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8U | static_cast<unsigned char>(log[at + (is_big_endian ? i : 3 - i)]);
    return value;
  };
  const auto add = [&](std::size_t from, std::size_t to) {
    for (std::size_t at = from; at < to; at += 8) {
      first += word(at) + second;
      second += word(at + 4) + first;
    }
  };
  const auto write = [&](std::size_t at) {
    for (const std::uint32_t value : {first, second})
      for (const unsigned shift : {24U, 16U, 8U, 0U})
        log[at++] = static_cast<char>(value >> shift);
  };
  log[3] = static_cast<char>(is_big_endian ? 0x83 : 0x82);
  add(0, 24);
  write(24);
  for (std::size_t at = kLogHeaderBytes; at < log.size(); at += kFrameBytes) {
    add(at, at + 8);
    add(at + 24, at + kFrameBytes);
    write(at + 16);
  }
}

TEST_F(LeftLog, IsReadInEitherOrderOfBytes) {
  std::string log = leave_twenty();
  const std::uint64_t frames = (log.size() - kLogHeaderBytes) / kFrameBytes;
  for (const bool is_big_endian : {false, true}) {
    write_checksums(log, is_big_endian);
    write_file(wal(), log);
    EXPECT_EQ(diagnose::read_log(wal()).committed_frames, frames);
    EXPECT_EQ(diagnose::read_log(wal()).lost_frames, 0U);
  }
  EXPECT_EQ(run_raw(path(), "SELECT count(*) FROM note"), "20");  // SQLite reads it too.
}

// What is no file.

TEST_F(LeftLog, ThatIsAFifoIsNotWaitedFor) {
  for (const std::string suffix : {"-wal", "-shm", "-journal"}) {
    make();
    ASSERT_EQ(::mkfifo((path() + suffix).c_str(), 0600), 0);
    const DoctorReport report = this->report();
    EXPECT_EQ(finding_of(report, "sidecars").status, CheckStatus::Fail) << suffix;
    EXPECT_THAT(finding_of(report, "sidecars").title, HasSubstr("not a regular file"));
    EXPECT_EQ(finding_of(report, "sidecars").fix, "");
    EXPECT_EQ(finding_of(report, "integrity").status, CheckStatus::Skip) << suffix;
    std::filesystem::remove(path() + suffix);
    std::filesystem::remove(path());
  }
}

// Repair.

TEST_F(LeftLog, IsCopiedAsideWithItsFileBeforeItIsTakenIn) {
  const std::string log = leave_twenty();
  const std::string file = read_file(path());
  const std::string done = repair(path(), finding("sidecars"));
  EXPECT_EQ(run_raw(path(), "SELECT count(*) FROM note"), "20");
  for (const std::string& name : names_in(directory_.path())) {
    if (!name.starts_with("app.db.aside-")) continue;
    const std::filesystem::path aside = directory_.path() / name;
    EXPECT_THAT(done, HasSubstr(aside.string()));
    EXPECT_EQ(read_file(aside / "app.db"), file);
    EXPECT_EQ(read_file(aside / "app.db-wal"), log);
    return;
  }
  FAIL() << done;
}

}  // namespace
}  // namespace turnstile::test
