// A profile that is being made, and one that is looked at while it changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "gate/sync_point.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

// Of the child below, which ends after its test.
fs::path& folder_of_profiles() {
  static fs::path path;
  return path;
}

// The folder can be changed from here on, but not brought to the medium.
void take_reading_away(std::string_view point) {
  if (point == "NewProfile:filled") fs::permissions(folder_of_profiles(), fs::perms(0300));
}

// VST-07
TEST(NewProfile, IsNotThereWhenItsNameCouldNotBeBroughtToTheMedium) {
  WorkspacePlace place;
  fs::permissions(place.root().parent_path(), fs::perms(0777));
  const std::string answer = unprivileged([&]() -> std::string {
    Workspace workspace = place.open();
    folder_of_profiles() = place.root() / "profiles";
    gate::sync_point_hook = take_reading_away;
    const auto refused = thrown<StorageError>([&] { workspace.create("work"); });
    gate::sync_point_hook = nullptr;
    fs::permissions(folder_of_profiles(), fs::perms(0700));
    const std::size_t left = workspace.profiles().size() + names_in(folder_of_profiles()).size();
    workspace.create("work");
    return std::string(refused.code()) + ' ' + std::to_string(left);
  });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE 0");
}

TEST(ProfileInfo, IsOfOneStateOfTheProfileWhileItsKeysAreReplaced) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work", {.kind = ProfileKind::Encrypted, .password = kPassword});
  const VaultSession session = workspace.unlock("work", kPassword);
  AtPoint looking("describe:keys", 1);
  ProfileInfo seen;
  std::jthread looker([&] { seen = workspace.profile("work"); });
  looking.wait_until_reached();
  (void)session.add_recovery_key();
  looking.release();
  looker.join();
  EXPECT_THAT(seen.problem, IsEmpty());
  EXPECT_EQ(seen.recovery_keys, 1);
}

}  // namespace
}  // namespace turnstile::test
