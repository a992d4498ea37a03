// Where a database can be, and what is said of the places where it cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>

#include "support/files.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Options in_mode(OpenMode mode) {
  Options options;
  options.mode = mode;
  return options;
}

std::string path_of(const std::string& path, const Options& options = {}) {
  return Database::open(path, options).info().path;
}

StorageError refusal(const std::string& path, const Options& options = {}) {
  return thrown<StorageError>([&] { (void)Database::open(path, options); });
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

// The code of the error that opening gives, and its message.
std::string outcome(const std::string& path, const Options& options = {}) {
  try {
    (void)Database::open(path, options);
    return "opened";
  } catch (const Error& error) {
    return std::string(error.what()) + " (errno " + std::to_string(error.system_code()) + ")";
  }
}

// A directory that an unprivileged user can get into.
class PublicDirectory {
 public:
  PublicDirectory() { fs::permissions(directory_.path(), fs::perms(0755)); }
  ~PublicDirectory() { restore(); }
  PublicDirectory(const PublicDirectory&) = delete;
  PublicDirectory& operator=(const PublicDirectory&) = delete;

  [[nodiscard]] const fs::path& path() const { return directory_.path(); }
  [[nodiscard]] std::string file(std::string_view name) const { return directory_.file(name); }
  void set(unsigned mode) const { fs::permissions(directory_.path(), fs::perms(mode)); }

 private:
  void restore() const {
    std::error_code ignored;
    fs::permissions(directory_.path(), fs::perms(0700), ignored);
  }
  TempDir directory_;
};

// Goes back to where it was; the process has only one working directory.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const fs::path& path) : before_(fs::current_path()) {
    fs::current_path(path);
  }
  ~WorkingDirectory() {
    std::error_code ignored;
    fs::current_path(before_, ignored);
  }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;

 private:
  fs::path before_;
};

TEST(Location, OfARelativePathIsAbsolute) {
  const TempDir directory;
  const WorkingDirectory here(directory.path());
  EXPECT_EQ(path_of("a.db"), directory.file("a.db"));
}

TEST(Location, HasNoDotsInIt) {
  const TempDir directory;
  fs::create_directory(directory.path() / "sub");
  EXPECT_EQ(path_of(directory.file("sub/.././a.db")), directory.file("a.db"));
}

TEST(Location, IsWhatASymbolicLinkLeadsTo) {
  const TempDir directory;
  const std::string target = directory.file("target.db");
  { const Database made = Database::open(target); }
  fs::create_symlink("target.db", directory.path() / "link.db");
  fs::create_symlink(directory.path() / "link.db", directory.path() / "second.db");
  EXPECT_EQ(path_of(directory.file("second.db")), target);
}

TEST(Location, IsBehindALinkToADirectory) {
  const TempDir directory;
  fs::create_directory(directory.path() / "real");
  fs::create_directory_symlink("real", directory.path() / "link");
  EXPECT_EQ(path_of(directory.file("link/a.db")), directory.file("real/a.db"));
}

TEST(Location, IsMadeAtTheEndOfADanglingLink) {
  const TempDir directory;
  fs::create_directory(directory.path() / "real");
  fs::create_symlink("real/a.db", directory.path() / "link.db");
  EXPECT_EQ(path_of(directory.file("link.db")), directory.file("real/a.db"));
  EXPECT_THAT(names_in(directory.path()), Not(Contains(StartsWith("link.db-"))));
}

TEST(Location, RefusesADanglingLinkWhereNothingMayBeMade) {
  const TempDir directory;
  fs::create_symlink("missing.db", directory.path() / "link.db");
  EXPECT_EQ(refusal(directory.file("link.db"), in_mode(OpenMode::ReadWrite)).code(),
            "DB_NOT_FOUND");
}

TEST(Location, RefusesALinkToItself) {
  const TempDir directory;
  fs::create_symlink("loop.db", directory.path() / "loop.db");
  const StorageError error = refusal(directory.file("loop.db"));
  EXPECT_EQ(error.code(), "DB_OPEN_FAILED") << error.what();
  EXPECT_EQ(error.system_code(), ELOOP);
}

TEST(Location, DoesNotExpandATilde) {
  const TempDir directory;
  const WorkingDirectory here(directory.path());
  EXPECT_EQ(refusal("~/a.db").code(), "DB_NO_DIRECTORY");
  EXPECT_EQ(path_of("~a.db"), directory.file("~a.db"));
}

TEST(Location, TakesAnyBytesInAName) {
  const TempDir directory;
  const std::string path = directory.file("a?b#c%20 '\xFF\n.db");
  EXPECT_EQ(path_of(path), path);
}

TEST(Location, RefusesAMissingFileUnlessItMayBeMade) {
  const TempDir directory;
  for (const OpenMode mode : {OpenMode::ReadWrite, OpenMode::ReadOnly}) {
    const StorageError error = refusal(directory.file("a.db"), in_mode(mode));
    EXPECT_EQ(error.code(), "DB_NOT_FOUND");
    EXPECT_THAT(error.what(), HasSubstr(directory.file("a.db")));
  }
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, RefusesAMissingDirectory) {
  const TempDir directory;
  const StorageError error = refusal(directory.file("sub/a.db"));
  EXPECT_EQ(error.code(), "DB_NO_DIRECTORY") << error.what();
  EXPECT_THAT(error.what(), HasSubstr(directory.file("sub")));
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, MakesDirectoriesForTheOwnerOnly) {
  const TempDir directory;
  fs::permissions(directory.path(), fs::perms(0755));
  Options options;
  options.create_directories = true;
  (void)path_of(directory.file("one/two/a.db"), options);
  EXPECT_EQ(mode_of(directory.path() / "one"), 0700U);
  EXPECT_EQ(mode_of(directory.path() / "one/two"), 0700U);
  EXPECT_EQ(mode_of(directory.path()), 0755U);
}

TEST(Location, MakesNoDirectoriesForAFileThatMustExist) {
  const TempDir directory;
  for (const OpenMode mode : {OpenMode::ReadWrite, OpenMode::ReadOnly}) {
    Options options = in_mode(mode);
    options.create_directories = true;
    EXPECT_EQ(refusal(directory.file("sub/a.db"), options).code(), "DB_NO_DIRECTORY");
  }
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, RefusesAFileWhereADirectoryShouldBe) {
  const TempDir directory;
  write_file(directory.path() / "file", "text");
  Options options;
  for (const bool create : {false, true}) {
    options.create_directories = create;
    for (const char* path : {"file/a.db", "file/sub/a.db"}) {
      const StorageError error = refusal(directory.file(path), options);
      EXPECT_EQ(error.code(), "DB_NO_DIRECTORY") << error.what();
    }
  }
  EXPECT_EQ(read_file(directory.path() / "file"), "text");
}

TEST(Location, RefusesADirectory) {
  const TempDir directory;
  fs::create_directory(directory.path() / "sub");
  for (const char* path : {"sub", "sub/", "sub/.", "sub/.."})
    EXPECT_EQ(refusal(directory.file(path)).code(), "DB_IS_DIRECTORY") << path;
  EXPECT_THAT(names_in(directory.path() / "sub"), IsEmpty());
}

TEST(Location, RefusesAPathThatEndsLikeADirectory) {
  const TempDir directory;
  Options options;
  options.create_directories = true;
  EXPECT_EQ(refusal(directory.file("missing/"), options).code(), "DB_IS_DIRECTORY");
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, RefusesAFifoWithoutOpeningIt) {
  const TempDir directory;
  ASSERT_EQ(::mkfifo(directory.file("pipe").c_str(), 0600), 0);
  const StorageError error = refusal(directory.file("pipe"));
  EXPECT_EQ(error.code(), "DB_OPEN_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("not a regular file"));
}

TEST(Location, RefusesANameThatIsTooLong) {
  const TempDir directory;
  const StorageError error = refusal(directory.file(std::string(300, 'a')));
  EXPECT_EQ(error.code(), "DB_OPEN_FAILED") << error.what();
  EXPECT_EQ(error.system_code(), ENAMETOOLONG);
}

TEST(Location, RefusesAnEmptyPath) {
  const auto error = thrown<MisuseError>([] { (void)Database::open(""); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
}

TEST(Location, RefusesANulByte) {
  const TempDir directory;
  const std::string path = directory.file(std::string_view("a\0b.db", 6));
  const auto error = thrown<MisuseError>([&] { (void)Database::open(path); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, RefusalPointsAtTheCaller) {
  const TempDir directory;
  EXPECT_STREQ(refusal(directory.file("sub/a.db")).where().file_name(), __FILE__);
}

TEST(Location, InAReadOnlyDirectoryIsRefusedWithTheUser) {
  const PublicDirectory directory;
  { const Database made = Database::open(directory.file("a.db")); }
  fs::permissions(directory.file("a.db"), fs::perms(0666));
  directory.set(0555);
  const std::string said = unprivileged(
      [&] { return outcome(directory.file("a.db")) + " as " + std::to_string(::geteuid()); });
  EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  EXPECT_THAT(said, HasSubstr("user id " + said.substr(said.rfind(' ') + 1)));
}

TEST(Location, OfANewFileInAReadOnlyDirectoryIsRefused) {
  const PublicDirectory directory;
  directory.set(0555);
  const std::string said = unprivileged([&] { return outcome(directory.file("a.db")); });
  EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  EXPECT_THAT(said, HasSubstr("(errno 13)"));
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(Location, OfAReadOnlyFileIsRefusedForWriting) {
  const PublicDirectory directory;
  { const Database made = Database::open(directory.file("a.db")); }
  fs::permissions(directory.file("a.db"), fs::perms(0444));
  directory.set(0777);
  const std::string before = fingerprint(directory.file("a.db"));
  const std::string said = unprivileged([&] { return outcome(directory.file("a.db")); });
  EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  EXPECT_THAT(said, HasSubstr("a.db"));
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

TEST(Location, OfAnUnreadableFileIsRefused) {
  const PublicDirectory directory;
  { const Database made = Database::open(directory.file("a.db")); }
  fs::permissions(directory.file("a.db"), fs::perms(0000));
  for (const OpenMode mode : {OpenMode::ReadWrite, OpenMode::ReadOnly}) {
    const std::string said =
        unprivileged([&] { return outcome(directory.file("a.db"), in_mode(mode)); });
    EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  }
}

TEST(Location, InAnUnsearchableDirectoryIsRefused) {
  const PublicDirectory directory;
  fs::create_directory(directory.path() / "closed");
  write_file(directory.path() / "closed/a.db", "");
  fs::permissions(directory.path() / "closed", fs::perms(0000));
  for (const OpenMode mode : {OpenMode::ReadWriteCreate, OpenMode::ReadOnly}) {
    const std::string said =
        unprivileged([&] { return outcome(directory.file("closed/a.db"), in_mode(mode)); });
    EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  }
}

TEST(Location, CannotBeMadeUnderAReadOnlyDirectory) {
  const PublicDirectory directory;
  directory.set(0555);
  const std::string said = unprivileged([&] {
    Options options;
    options.create_directories = true;
    return outcome(directory.file("sub/a.db"), options);
  });
  EXPECT_THAT(said, StartsWith("DB_PERMISSION: "));
  EXPECT_THAT(said, HasSubstr("sub"));
}

}  // namespace
}  // namespace turnstile::test
