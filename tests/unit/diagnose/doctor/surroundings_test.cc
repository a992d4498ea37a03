// What surrounds a database: the disk, names, permissions, programs and their engines.
#include <sqlite3.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <limits>

#include "diagnose/doctor/engines.h"
#include "diagnose/doctor/processes.h"
#include "sqlite/engine.h"
#include "support/small_disk.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Surroundings : public Doctor {
 protected:
  /// With another answer of statfs(2).
  [[nodiscard]] Finding on(std::string_view id, const struct statfs& answer) const {
    return finding_of(diagnose::examine(path(), {},
                                        [&](const std::filesystem::path&, struct statfs& to) {
                                          to = answer;
                                          return true;
                                        }),
                      id);
  }

  static struct statfs roomy(std::uint32_t type) {
    struct statfs answer {};
    answer.f_type = static_cast<decltype(answer.f_type)>(type);
    answer.f_bsize = 4096;
    answer.f_bavail = 1 << 20;
    return answer;
  }
};

// DOC-06: a network file system.
TEST_F(Surroundings, FailWhereALogIsOnANetworkFileSystem) {
  make();
  const Finding finding = on("file-system", roomy(0x6969));
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.title, HasSubstr("NFS"));
  EXPECT_EQ(finding.cause, "network-file-system");
}

TEST_F(Surroundings, OnlyWarnWhereARollbackJournalIsOnANetworkFileSystem) {
  make("CREATE TABLE note(id)", "delete");
  EXPECT_EQ(on("file-system", roomy(0xFF534D42)).status, CheckStatus::Warn);
  EXPECT_EQ(on("journal-mode", roomy(0xFF534D42)).status, CheckStatus::Pass);
}

// DOC-06: FUSE.
TEST_F(Surroundings, WarnOfAFileSystemThatAProgramProvides) {
  make();
  EXPECT_THAT(on("file-system", roomy(0x65735546)).title, HasSubstr("FUSE"));
}

// DOC-06: a read-only medium.
TEST_F(Surroundings, WarnOfAReadOnlyMedium) {
  make();
  struct statfs answer = roomy(0xEF53);
  answer.f_flags = ST_RDONLY;
  const Finding finding = on("file-system", answer);
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_EQ(finding.cause, "read-only-directory");
}

TEST_F(Surroundings, AreFineOnADisk) {
  make();
  EXPECT_EQ(on("file-system", roomy(0xEF53)).status, CheckStatus::Pass);
  EXPECT_EQ(on("free-space", roomy(0xEF53)).status, CheckStatus::Pass);
}

// DOC-06: less than 10 MiB free, on a real file system of 2 MiB.
TEST_F(Surroundings, WarnOfADiskThatIsNearlyFull) {
  const std::string told = on_small_disk(2 << 20, [](const std::string& place) {
    run_raw(place + "/app.db", "CREATE TABLE note(id)");
    const Finding finding = finding_of(examine(place + "/app.db"), "free-space");
    return std::string(to_string(finding.status)) + " " + finding.cause;
  });
  if (told.starts_with(kNoSmallDisk)) {
    make();
    struct statfs answer = roomy(0xEF53);
    answer.f_bavail = 100;
    EXPECT_EQ(on("free-space", answer).status, CheckStatus::Warn);
  } else {
    EXPECT_EQ(told, "warn disk-full");
  }
}

// DOC-06: two hard links.
TEST_F(Surroundings, WarnOfASecondName) {
  make();
  EXPECT_EQ(finding("hard-links").status, CheckStatus::Pass);
  std::filesystem::create_hard_link(path(), directory_.file("other.db"));
  EXPECT_THAT(finding("hard-links").title, HasSubstr("2 names"));
}

// DOC-06: a folder that is synchronised.
TEST_F(Surroundings, WarnOfAFolderThatIsSynchronised) {
  const std::string folder = directory_.file("Dropbox (Personal)/data");
  std::filesystem::create_directories(folder);
  run_raw(folder + "/app.db", "CREATE TABLE note(id)");
  const Finding finding = finding_of(examine(folder + "/app.db"), "cloud-sync");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.evidence, Contains(directory_.file("Dropbox (Personal)")));
}

TEST_F(Surroundings, WarnOfAFolderThatAProgramHasMarkedAsSynchronised) {
  make();
  EXPECT_EQ(finding("cloud-sync").status, CheckStatus::Pass);
  std::filesystem::create_directory(directory_.file(".stfolder"));
  EXPECT_EQ(finding("cloud-sync").status, CheckStatus::Warn);
}

// DOC-06: permissions.
TEST_F(Surroundings, WarnOfAFileThatEverybodyMayWrite) {
  make();
  std::filesystem::permissions(path(), std::filesystem::perms(0666));
  const Finding finding = this->finding("permissions");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("mode 0666")));
}

TEST_F(Surroundings, NameTheProgramsThatUseTheFile) {
  make();
  EXPECT_THAT(finding("processes").title, HasSubstr("nobody"));
  SqliteShell shell(path());
  shell.run("SELECT * FROM note");
  EXPECT_THAT(findings_of(report(), "processes").back().evidence,
              Contains(HasSubstr("process " + std::to_string(shell.pid()) + " (sqlite3)")));
}

// DOC-05: a file that was replaced under a program.
TEST_F(Surroundings, FailWhereAProgramUsesADeletedFile) {
  make();
  SqliteShell shell(path());
  shell.run("SELECT * FROM note");
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(path() + suffix);
  make();
  const Finding finding = this->finding("replaced-file");
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_EQ(finding.cause, "replaced-file");
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("process " + std::to_string(shell.pid()) +
                                                   " (sqlite3) has " + path() + " open")));
}

// Engines.

TEST(LoadedEngines, AreFoundInTheFilesThatAProcessRunsFrom) {
  const TempDir directory;
  run_raw(directory.file("app.db"), "CREATE TABLE note(id)");
  SqliteShell shell(directory.file("app.db"));
  const std::string version = shell.run("SELECT sqlite_version() FROM (SELECT count(*) FROM note)");
  const std::string source_id = shell.run("SELECT sqlite_source_id()");
  const auto survey = diagnose::find_users(directory.file("app.db"));
  ASSERT_EQ(survey.users.size(), 1U);
  ASSERT_EQ(survey.users.front().engines.size(), 1U);
  const diagnose::LoadedEngine& engine = survey.users.front().engines.front();
  EXPECT_EQ(diagnose::version_text(engine.version) + "\n", version);
  // The last digits say that the source was changed; the hash before them is the same.
  EXPECT_EQ(engine.source_id.substr(0, 80), source_id.substr(0, 80));
}

TEST(LoadedEngines, AreFoundInTheProgramItself) {
  const TempDir directory;
  run_raw(directory.file("app.db"), "CREATE TABLE note(id)");
  const RawSqlite own(directory.file("app.db"));
  const auto survey = diagnose::find_users(directory.file("app.db"));
  ASSERT_EQ(survey.users.size(), 1U);
  EXPECT_EQ(survey.users.front().pid, ::getpid());
  ASSERT_EQ(survey.users.front().engines.size(), 1U);
  EXPECT_EQ(survey.users.front().engines.front().version, sqlite3_libversion_number());
}

TEST(LoadedEngines, AreNotSeenInTextsAboutThem) {
  const std::string magic("SQLite format 3\0", 16);
  const std::string id =
      "2022-12-28 14:03:47 df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f38a24";
  const std::string version("\0003.40.1\0", 8);
  EXPECT_TRUE(diagnose::engine_in(magic + id + version));
  EXPECT_FALSE(diagnose::engine_in(magic + id));
  EXPECT_FALSE(diagnose::engine_in(id + version));
  EXPECT_FALSE(diagnose::engine_in(magic + version));
  EXPECT_FALSE(diagnose::engine_in(magic + id.substr(0, 60) + version));
}

TEST(LoadedEngines, HaveTheHighestVersionThatTheirFileNames) {
  const std::string bytes = std::string("SQLite format 3\0", 16) +
                            "2022-12-28 14:03:47 "
                            "df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f38a24" +
                            std::string("\0003.11.2\0003.40.1\0003.x\0003.2\0", 22);
  EXPECT_EQ(diagnose::engine_in(bytes).value().version, 3'040'001);
}

TEST(LoadedEngines, AreLookedForWhereCodeRuns) {
  EXPECT_THAT(diagnose::executable_files("7f0-7f1 r-xp 00000000 fe:00 123    /usr/lib/lib a.so\n"
                                         "7f1-7f2 r--p 00000000 fe:00 124    /usr/lib/b.so\n"
                                         "7f2-7f3 rw-s 00000000 fe:00 125    /data/app.db-shm\n"
                                         "7f3-7f4 r-xp 00001000 fe:00 123    /usr/lib/lib a.so\n"
                                         "7f4-7f5 r-xp 00000000 00:00 0      [vdso]\n"
                                         "7f5-7f6 r-xp 00000000 00:00 0\n"),
              testing::ElementsAre("/usr/lib/lib a.so"));
}

// DOC-06: an engine with the WAL-reset bug.
TEST_F(Surroundings, WarnOfAProgramWhoseEngineHasTheWalResetBug) {
  make();
  SqliteShell shell(path());
  const std::string version = shell.run("SELECT sqlite_version() FROM (SELECT count(*) FROM note)");
  const auto users = diagnose::find_users(path()).users;
  ASSERT_FALSE(users.empty());
  const bool has_bug =
      !sqlite::why_version_is_unsuitable(users.front().engines.front().version).empty();
  const Finding finding = this->finding("engine-version");
  EXPECT_EQ(finding.status, has_bug ? CheckStatus::Warn : CheckStatus::Pass) << version;
  if (!has_bug) return;
  EXPECT_THAT(finding.title, HasSubstr("WAL-reset bug"));
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("(sqlite3)")));
}

TEST_F(Surroundings, WarnOfAWriterOfTheFileWhoseEngineHadTheWalResetBug) {
  make();
  EXPECT_EQ(finding("engine-version").status, CheckStatus::Pass);
  patch(96, std::string("\x00\x2e\x63\x01", 4));  // 3040001
  const Finding finding = this->finding("engine-version");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.evidence, Contains(HasSubstr("SQLite 3.40.1")));
}

}  // namespace
}  // namespace turnstile::test
