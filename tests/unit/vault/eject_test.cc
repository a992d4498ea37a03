// What a workspace has done before its medium is removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "gate/file_locks.h"
#include "support/forked.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

// PORT-03: another session of this process has that profile open, with SQLite's locks.
TEST(Eject, LeavesTheLocksOfOtherSessionsAlone) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  Workspace other = place.open();
  const VaultSession session = other.unlock("work");
  add_note(session.lane("notes"), "x");
  const fs::path database = part_of(place.folder(made), "database.");
  const auto locks = gate::file_locks(database).size();
  ASSERT_GT(locks, 0U);
  EXPECT_EQ(thrown<Timeout>([&] { workspace.eject(); }).code(), "PROFILE_BUSY");
  EXPECT_EQ(gate::file_locks(database).size(), locks);
}

// PORT-03: a program that knows nothing of profiles reads, so that the log stays.
TEST(Eject, SaysWhenALogIsLeft) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  const VaultSession session = workspace.unlock("work");
  const std::string database = part_of(place.folder(made), "database.").string();
  {
    RawSqlite reader(database);
    reader.run("BEGIN; SELECT count(*) FROM note");
    add_note(session.lane("notes"), "in the log");
    EXPECT_EQ(thrown<StorageError>([&] { workspace.eject(); }).code(), "DB_LOG_LEFT");
  }
  workspace.eject();
  EXPECT_FALSE(fs::exists(database + "-wal"));
}

// PORT-03: what a dead process has left.
TEST(Eject, TakesALogInThatNobodyHas) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  const std::string database = part_of(place.folder(made), "database.").string();
  const std::string kept = place.outside("kept");
  {
    const VaultSession session = workspace.unlock("work");
    add_note(session.lane("notes"), "in the log");
    fs::copy_file(database + "-wal", kept);
  }
  fs::copy_file(kept, database + "-wal");
  workspace.eject();
  EXPECT_FALSE(fs::exists(database + "-wal"));
}

// A child hangs for this test where it can.
TEST(Eject, WaitsForNoFifo) {
  WorkspacePlace place;
  { place.open().create("work"); }
  ASSERT_EQ(::mkfifo((place.root() / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(in_child([&]() -> std::string {
              ::alarm(20);
              place.open().eject();
              return "ejected";
            }),
            "ejected");
}

}  // namespace
}  // namespace turnstile::test
