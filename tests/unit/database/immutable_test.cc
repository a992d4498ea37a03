// Reading from media and directories where SQLite's own files cannot be made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Matcher;
using testing::StartsWith;

namespace fs = std::filesystem;

Options reading(bool immutable = false) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  options.connections = 2;
  options.immutable = immutable;
  return options;
}

std::string count(const std::string& file, const Options& options) {
  const Database db = Database::open(file, options);
  return db.lane("a").read([](ReadTx& tx) {
    return tx.query<std::string>("SELECT count(*) || '' FROM t").one();
  }) + " rows";
}

enum class Log { None, Empty, Full };

// A file with one row; a log with content has a second one.
void make_file(const TempDir& made, const fs::path& directory, Log log, bool with_index) {
  const std::string file = made.file("made.db");
  SqliteShell shell(file);
  (void)shell.run(
      "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
      "CREATE TABLE t(x); INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(TRUNCATE);");
  if (log == Log::Full) (void)shell.run("INSERT INTO t VALUES (2)");
  const std::string copy = directory / "a.db";
  fs::copy_file(file, copy);
  if (log != Log::None) fs::copy_file(file + "-wal", copy + "-wal");
  if (with_index) fs::copy_file(file + "-shm", copy + "-shm");
}

struct Case {
  bool writable = false;  // The directory.
  Log log = Log::None;
  bool has_index = false;

  [[nodiscard]] std::string name() const {
    const char* const logs[] = {"no log", "an empty log", "a log with content"};
    return std::string(writable ? "writable" : "read-only") + " directory, " +
           logs[static_cast<int>(log)] + (has_index ? ", an index" : ", no index");
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const bool writable : {true, false})
    for (const Log log : {Log::None, Log::Empty, Log::Full})
      for (const bool has_index : {false, true})
        cases.push_back({writable, log, has_index});
  return cases;
}

// What an open of such a file says to somebody who may not write it.
std::string outcome(const Case& each, bool immutable) {
  const TempDir made;
  const TempDir directory;
  make_file(made, directory.path(), each.log, each.has_index);
  for (const std::string& name : names_in(directory.path()))
    fs::permissions(directory.file(name), fs::perms(0444));
  fs::permissions(directory.path(), fs::perms(each.writable ? 0777 : 0555));
  const auto before = names_in(directory.path());
  std::string said = unprivileged([&]() -> std::string {
    try {
      return count(directory.file("a.db"), reading(immutable));
    } catch (const Error& error) {
      return std::string(error.what()) + " [hint: " + std::string(error.hint()) + "]";
    }
  });
  if (!each.writable && names_in(directory.path()) != before) said += ", and made files";
  fs::permissions(directory.path(), fs::perms(0700));
  return said;
}

// RO-05: the ladder. Twelve cases: rows are never missing in silence, and who is refused is told
// what to do.
TEST(ReadOnlyMedium, ShowsAllRowsOrSaysWhatToDo) {
  for (const Case& each : all_cases()) {
    const std::string all = each.log == Log::Full ? "2 rows" : "1 rows";
    const std::string said = outcome(each, false);
    EXPECT_THAT(said,
                AnyOf(all, AllOf(StartsWith("DB_"),
                                 HasSubstr(each.log == Log::Full ? "[hint: The file has a "
                                                                   "write-ahead log: copy both"
                                                                 : "Options::immutable"))))
        << each.name();
    const bool nothing_to_work_with = !each.writable && !each.has_index;
    EXPECT_TRUE(!nothing_to_work_with || said.starts_with("DB_")) << each.name() << ": " << said;
  }
}

// RO-05: only by the explicit option, and refused with a log that has content.
TEST(ReadOnlyMedium, IsReadAsImmutableUnlessALogHasContent) {
  for (const Case& each : all_cases()) {
    const std::string said = outcome(each, true);
    const Matcher<std::string> wanted =
        each.log == Log::Full
            ? Matcher<std::string>(AllOf(StartsWith("DB_LOG_LEFT: "), HasSubstr("a.db-wal"),
                                         HasSubstr("[hint: Copy the file together with its -wal")))
            : Matcher<std::string>("1 rows");
    EXPECT_THAT(said, wanted) << each.name();
  }
}

TEST(Immutable, MakesNoFiles) {
  const TempDir made;
  const TempDir directory;
  make_file(made, directory.path(), Log::None, false);
  const std::string before = fingerprint(directory.file("a.db"));
  EXPECT_EQ(count(directory.file("a.db"), reading(true)), "1 rows");
  EXPECT_THAT(names_in(directory.path()), testing::ElementsAre("a.db"));
  EXPECT_EQ(fingerprint(directory.file("a.db")), before);
}

TEST(Immutable, OpensAFileWhoseNameHasTheMarksOfAUri) {
  const TempDir made;
  const TempDir directory;
  make_file(made, directory.path(), Log::None, false);
  fs::rename(directory.path() / "a.db", directory.path() / "a?b#c%20d.db");
  EXPECT_EQ(count(directory.file("a?b#c%20d.db"), reading(true)), "1 rows");
}

TEST(Immutable, CanBeAskedForInAUri) {
  const TempDir made;
  const TempDir directory;
  make_file(made, directory.path(), Log::None, false);
  EXPECT_EQ(count("file:" + directory.file("a.db") + "?mode=ro&immutable=1", {}), "1 rows");
}

TEST(Immutable, RefusesAHotJournal) {
  const TempDir made;
  const TempDir directory;
  make_file(made, directory.path(), Log::None, false);
  write_file(directory.path() / "a.db-journal", "left by a crash");
  EXPECT_EQ(
      thrown<StorageError>([&] { (void)count(directory.file("a.db"), reading(true)); }).code(),
      "DB_LOG_LEFT");
}

TEST(Immutable, IsForReadingOnly) {
  Options options;
  options.immutable = true;
  const TempDir directory;
  EXPECT_EQ(
      thrown<MisuseError>([&] { (void)Database::open(directory.file("a.db"), options); }).code(),
      "OPTION_INVALID");
}

}  // namespace
}  // namespace turnstile::test
