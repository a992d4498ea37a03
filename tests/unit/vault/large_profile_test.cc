// Profiles whose database is larger than memory is to be used for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

class LargeProfile : public testing::TestWithParam<ProfileKind> {
 protected:
  LargeProfile() {
    place_.options().sealed_limit_bytes = 100000;
    workspace_.emplace(place_.open());
    password_ = GetParam() == ProfileKind::Plain ? std::string_view() : kPassword;
    workspace_->create("work", {.kind = GetParam(), .password = password_});
    const VaultSession session = unlock();
    add_note(session.lane("notes"), std::string(300000, 'x'));
  }
  [[nodiscard]] VaultSession unlock() { return workspace_->unlock("work", password_); }

  WorkspacePlace place_;
  std::optional<Workspace> workspace_;
  std::string_view password_;
};

INSTANTIATE_TEST_SUITE_P(Of, LargeProfile,
                         testing::Values(ProfileKind::Plain, ProfileKind::Encrypted),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(LargeProfile, IsDuplicated) {
  const ProfileInfo copy = workspace_->duplicate("work", "copy", password_);
  EXPECT_EQ(count_notes(workspace_->unlock(copy.id, password_).lane("notes")), 1);
}

// PORT-02
TEST_P(LargeProfile, IsExported) {
  const VaultSession session = unlock();
  session.export_database(place_.outside("copy.db"));
  EXPECT_EQ(run_raw(place_.outside("copy.db"), "SELECT length(text) FROM note"), "300000");
  EXPECT_EQ(run_raw(place_.outside("copy.db"), "PRAGMA integrity_check"), "ok");
}

TEST_P(LargeProfile, IsRefusedWhereMemoryIsNeededAndSaysWhatToDo) {
  const VaultSession session = unlock();
  const auto refused = thrown<VaultError>([&] {
    if (GetParam() == ProfileKind::Plain)
      session.set_password(kPassword, ProfileKind::Encrypted);
    else
      session.convert(ProfileKind::Sealed);
  });
  EXPECT_EQ(refused.code(), "VAULT_TOO_LARGE");
  EXPECT_THAT(refused.hint(), testing::HasSubstr("sealed_limit_bytes"));
  EXPECT_EQ(count_notes(session.lane("notes")), 1);
}

TEST(LargeEncryptedProfile, LosesItsPassword) {
  WorkspacePlace place;
  place.options().sealed_limit_bytes = 100000;
  Workspace workspace = place.open();
  workspace.create("work", {.kind = ProfileKind::Encrypted, .password = kPassword});
  const VaultSession session = workspace.unlock("work", kPassword);
  add_note(session.lane("notes"), std::string(300000, 'x'));
  session.remove_password(kPassword);
  EXPECT_EQ(count_notes(session.lane("notes")), 1);
  EXPECT_EQ(workspace.profile("work").kind, ProfileKind::Plain);
}

// PORT-02: at any time, also inside of somebody else's work with the profile.
TEST(Export, DoesNotCloseAPlainOrSealedProfile) {
  for (const auto kind : {ProfileKind::Plain, ProfileKind::Sealed}) {
    WorkspacePlace place;
    Workspace workspace = place.open();
    const auto password = kind == ProfileKind::Plain ? std::string_view() : kPassword;
    workspace.create("work", {.kind = kind, .password = password});
    const VaultSession session = workspace.unlock("work", password);
    const Lane notes = session.lane("notes");
    add_note(notes, kCanary);
    std::optional<VaultSession> other;
    std::optional<Workspace> beside;
    if (kind == ProfileKind::Plain) {
      beside.emplace(place.open());
      other.emplace(beside->unlock("work"));
    }
    session.export_database(place.outside("copy.db"));
    EXPECT_EQ(run_raw(place.outside("copy.db"), "SELECT text FROM note"), kCanary);
    EXPECT_EQ(count_notes(notes), 1) << "the lane from before goes on";
    EXPECT_FALSE(fs::exists(place.outside("copy.db.manifest")));
  }
}

}  // namespace
}  // namespace turnstile::test
