// The file of an open database is deleted or replaced: the next write says so, and nothing goes
// into a file that nobody will look into, nor into one that is another program's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "sqlite/connection.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Replacement {
  std::string name;
  // Makes `file` anything else; `spare` is a name that is free.
  std::function<void(const std::string& file, const std::string& spare)> replace;
};

class ReplacedFile : public testing::TestWithParam<Replacement> {
 protected:
  ReplacedFile() { add_note(notes_.lane(), "before"); }

  void replace() const { GetParam().replace(notes_.file(), notes_.directory().file("spare.db")); }

  NoteDatabase notes_;
};

TEST_P(ReplacedFile, IsNotWrittenTo) {
  const std::string log_before = content(notes_.file() + "-wal");
  replace();
  const std::string before = content(notes_.file());
  const auto error = thrown<StorageError>([&] { add_note(notes_.lane("late"), "after"); });
  EXPECT_EQ(error.code(), "DB_FILE_REPLACED");
  EXPECT_THAT(std::string(error.message()), HasSubstr(notes_.file()));
  EXPECT_THAT(std::string(error.hint()), HasSubstr("-wal"));
  EXPECT_EQ(error.lane(), "late");
  EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
  EXPECT_FALSE(error.retry_is_safe());
  EXPECT_EQ(content(notes_.file()), before);
  EXPECT_EQ(content(notes_.file() + "-wal"), log_before);
}

TEST_P(ReplacedFile, RefusesSubmittedWritesToo) {
  replace();
  auto written = notes_.lane().submit([](WriteTx& tx) { add_note(tx, "after"); });
  EXPECT_EQ(thrown<StorageError>([&] { written.get(); }).code(), "DB_FILE_REPLACED");
}

TEST_P(ReplacedFile, IsRefusedAgainAndAgain) {
  replace();
  for (int i = 0; i < 3; ++i)
    EXPECT_THROW(add_note(notes_.lane(), "after"), StorageError);
  EXPECT_EQ(notes_->info().counters.writes, 1U);
}

TEST_P(ReplacedFile, IsLeftAloneByTheClosing) {
  replace();
  const bool is_there = fs::exists(notes_.file());
  const std::string before = content(notes_.file());
  (*notes_).close();
  EXPECT_EQ(fs::exists(notes_.file()), is_there);
  EXPECT_EQ(content(notes_.file()), before);
}

TEST_P(ReplacedFile, CanStillBeReadFromAsItWas) {
  replace();
  EXPECT_THAT(all_notes(notes_.lane()), testing::ElementsAre("before"));
}

INSTANTIATE_TEST_SUITE_P(
    By, ReplacedFile,
    testing::Values(Replacement{"Unlink", [](const std::string& file,
                                             const std::string&) { fs::remove(file); }},
                    Replacement{"RenameAway",
                                [](const std::string& file, const std::string& spare) {
                                  fs::rename(file, spare);
                                }},
                    Replacement{"RenameAnotherOver",
                                [](const std::string& file, const std::string& spare) {
                                  run_raw(spare,
                                          "CREATE TABLE other(a); INSERT INTO other VALUES (1)");
                                  fs::rename(spare, file);
                                }},
                    Replacement{"UnlinkAndMakeAnew",
                                [](const std::string& file, const std::string&) {
                                  fs::remove(file);
                                  std::ofstream(file).flush();
                                }}),
    [](const auto& replacement) { return replacement.param.name; });

// A symbolic link may lead elsewhere from now on; the database's own file is still in its place.
TEST(ReplacedLink, LeavesTheDatabaseInPlace) {
  const TempDir directory;
  const std::string link = directory.file("link.db");
  fs::create_symlink(directory.file("a.db"), link);
  const Database db = Database::open(link, with_notes());
  add_note(db.lane("notes"), "one");
  fs::remove(link);
  fs::create_symlink(directory.file("b.db"), link);
  add_note(db.lane("notes"), "two");
  EXPECT_EQ(run_raw(directory.file("a.db"), "SELECT count(*) FROM note"), "2");
}

TEST(MovedFile, HasNoLogToCopyAnyMore) {
  const TempDir directory;
  const std::string path = directory.file("a.db");
  run_raw(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  const Call call;
  sqlite::Connection connection({.path = path}, call);
  connection.execute("INSERT INTO t VALUES (zeroblob(100000))");
  EXPECT_FALSE(connection.has_moved());
  fs::rename(path, directory.file("former.db"));
  const std::string before = content(directory.file("former.db"));
  EXPECT_TRUE(connection.has_moved());
  const auto result = connection.checkpoint(sqlite::CheckpointMode::Passive);
  EXPECT_NE(result.code, 0);
  EXPECT_FALSE(result.busy);
  EXPECT_EQ(result.log_frames, -1);
  EXPECT_EQ(content(directory.file("former.db")), before);
  fs::rename(directory.file("former.db"), path);
  EXPECT_FALSE(connection.has_moved());
  EXPECT_EQ(connection.checkpoint(sqlite::CheckpointMode::Passive).code, 0);
}

TEST(MovedFile, IsNotWhatADatabaseInMemoryHas) {
  const Database db = Database::open(":memory:", with_notes());
  add_note(db.lane("notes"), "one");
  EXPECT_EQ(count_notes(db.lane("notes")), 1);
}

}  // namespace
}  // namespace turnstile::test
