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
  try {
    workspace.eject();
  } catch (const Error&) {
    // It may say that the profile is in use; that is not the claim.
  }
  EXPECT_EQ(gate::file_locks(database).size(), locks);
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
