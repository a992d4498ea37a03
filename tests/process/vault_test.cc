// Several programs with one workspace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/sqlite_shell.h"
#include "support/starting_gun.h"
#include "support/test_size.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr int kStarters = 4;

std::unique_ptr<ChildProcess> start(const fs::path& root, std::vector<std::string> words,
                                    int inherited = -1) {
  words.insert(words.begin(), {actor_path("vault"), "", "0", root.string()});
  return std::make_unique<ChildProcess>(std::move(words), inherited);
}

// VIN-06: the seed's first criterion, on a fresh profile each time.
TEST(VaultProcesses, OfEightThreadsEachStartAFreshProfileAtOnceWithoutALockFailure) {
  const int trials = test_size("TURNSTILE_TEST_TRIALS", 5);
  for (int trial = 0; trial < trials; ++trial) {
    WorkspacePlace place;
    const ProfileInfo made = place.open().create("work");
    const StartingGun gun;
    std::vector<std::unique_ptr<ChildProcess>> actors;
    for (int i = 0; i < kStarters; ++i)
      actors.push_back(start(place.root(), {"race"}, gun.descriptor()));
    gun.fire(actors.size());
    for (const auto& actor : actors)
      EXPECT_THAT(actor->read_line(), StartsWith("done"));
    for (const auto& actor : actors)
      EXPECT_EQ(actor->wait(), 0);
    // The second one: as anybody else sees the file.
    const std::string database = part_of(place.folder(made), "database.").string();
    EXPECT_EQ(SqliteShell(database).run("PRAGMA journal_mode"), "wal\n");
    EXPECT_EQ(SqliteShell(database).run("SELECT count(*) FROM note"), "32\n");
  }
}

// VST-05
TEST(VaultProcesses, MakeProfilesAtTheSameTimeAndLoseNone) {
  WorkspacePlace place;
  constexpr int kEight = 8;
  const int each = test_size("TURNSTILE_TEST_PROFILES", 5);
  std::vector<std::unique_ptr<ChildProcess>> actors;
  for (int i = 0; i < kEight; ++i)
    actors.push_back(start(place.root(), {"many", std::to_string(each)}));
  for (const auto& actor : actors)
    EXPECT_THAT(actor->read_line(), StartsWith("done"));
  const Workspace workspace = place.open();
  EXPECT_THAT(workspace.profiles(), SizeIs(kEight * each));
  EXPECT_THAT(place.told("REGISTRY_REBUILT"), IsEmpty());
  EXPECT_THAT(names_in(place.root() / "profiles"), SizeIs(kEight * each));
}

TEST(VaultProcesses, AreToldWhoHasASealedProfile) {
  WorkspacePlace place;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  Workspace workspace = place.open();
  workspace.create("work", {.kind = ProfileKind::Sealed, .password = "password"});
  const auto holder = start(place.root(), {"hold"});
  ASSERT_EQ(holder->read_line(), "ok");
  const Timeout busy = thrown<Timeout>([&] { (void)workspace.unlock("work", "password"); });
  EXPECT_EQ(busy.code(), "PROFILE_BUSY");
  EXPECT_EQ(busy.holder().pid, holder->pid());
  EXPECT_EQ(busy.holder().program, "vault_actor");
  // A lock ends with its owner.
  holder->kill();
  EXPECT_NO_THROW((void)workspace.unlock("work", "password"));
}

// VPL-10
TEST(VaultProcesses, ThatHaveAPlainProfileOpenKeepItFromBeingChanged) {
  WorkspacePlace place;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  Workspace workspace = place.open();
  workspace.create("work");
  const auto holder = start(place.root(), {"hold"});
  ASSERT_EQ(holder->read_line(), "ok");
  const VaultSession session = workspace.unlock("work");
  const Timeout busy = thrown<Timeout>([&] { session.set_password(kPassword); });
  EXPECT_EQ(busy.code(), "PROFILE_BUSY");
  EXPECT_EQ(thrown<Timeout>([&] { (void)place.open().guard("work"); }).code(), "PROFILE_BUSY");
  holder->send("go");
  EXPECT_EQ(holder->wait(), 0);
  session.set_password(kPassword);
}

// VST-09
TEST(VaultProcesses, AreToldWhoHasAWorkspaceAlone) {
  WorkspacePlace place;
  place.open().create("work");
  const auto holder = start(place.root(), {"hold"});
  ASSERT_EQ(holder->read_line(), "ok");
  place.options().exclusive = true;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  EXPECT_EQ(thrown<Timeout>([&] { (void)place.open(); }).code(), "WORKSPACE_IN_USE");
  holder->kill();
  EXPECT_NO_THROW((void)place.open());
}

// VSE-10: what is lost is what was committed after the last save.
TEST(VaultProcesses, ThatAreKilledLoseOfASealedProfileWhatWasNotSaved) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work", {.kind = ProfileKind::Sealed, .password = "password"});
  const auto actor = start(place.root(), {"save"});
  ASSERT_EQ(actor->read_line(), "ok");
  ASSERT_EQ(actor->read_line(), "ok");
  actor->kill();
  const VaultSession session = workspace.unlock("work", "password");
  EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre("saved"));
}

}  // namespace
}  // namespace turnstile::test
