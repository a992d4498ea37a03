// A workspace that somebody has put links into: nothing is read, changed or removed through them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::SizeIs;

/// A folder of somebody who has nothing to do with the workspace.
class LinkedPart : public testing::Test {
 protected:
  LinkedPart() {
    fs::create_directories(home_ / "sub");
    write_file(home_ / "letter", "mine");
    write_file(home_ / "sub" / "letter", "mine too");
    fs::permissions(home_, fs::perms(0755));
    before_ = picture_of(home_);
  }
  void expect_home_untouched() const {
    EXPECT_EQ(picture_of(home_), before_);
    EXPECT_EQ(fs::status(home_).permissions(), fs::perms(0755));
  }
  /// Puts a link in the place of an entry, which is kept elsewhere.
  void link(const fs::path& entry, const fs::path& to) const {
    if (fs::exists(entry)) fs::rename(entry, place_.outside("kept"));
    fs::create_symlink(to, entry);
  }

  WorkspacePlace place_;
  const fs::path home_ = place_.outside("home");
  std::string before_;
};

TEST_F(LinkedPart, InThePlaceOfTheTemporaryFolderKeepsTheWorkspaceClosed) {
  (void)place_.open();
  link(place_.root() / "tmp", home_);
  EXPECT_EQ(thrown<StorageError>([&] { (void)place_.open(); }).code(), "WORKSPACE_NOT_WRITABLE");
  expect_home_untouched();
}

TEST_F(LinkedPart, InThePlaceOfTheFolderOfProfilesKeepsTheWorkspaceClosed) {
  (void)place_.open();
  link(place_.root() / "profiles", home_);
  EXPECT_EQ(thrown<StorageError>([&] { (void)place_.open(); }).code(), "WORKSPACE_NOT_WRITABLE");
  expect_home_untouched();
}

TEST_F(LinkedPart, InThePlaceOfAProfilesTemporaryFolderKeepsTheProfileClosed) {
  const ProfileInfo made = place_.open().create("work");
  link(place_.folder(made) / "tmp", home_);
  Workspace workspace = place_.open();
  EXPECT_THAT(place_.told("PROFILE_NOT_RECOVERED"), SizeIs(1));
  EXPECT_THROW((void)workspace.unlock("work"), Error);
  EXPECT_THROW(workspace.remove("work"), Error);
  expect_home_untouched();
}

TEST_F(LinkedPart, InThePlaceOfAPartKeepsTheProfileClosed) {
  Workspace workspace = place_.open();
  for (const std::string part : {"database.1", "attachments.1", "keys.1", "database.1-wal"}) {
    const ProfileInfo made =
        workspace.create(part, {.kind = ProfileKind::Encrypted, .password = kPassword});
    const fs::path elsewhere = part == "attachments.1" ? home_ : home_ / "letter";
    link(place_.folder(made) / part, elsewhere);
    const auto refused = thrown<VaultError>([&] { (void)workspace.unlock(part, kPassword); });
    EXPECT_EQ(refused.code(), "PROFILE_DAMAGED") << part;
    EXPECT_THROW(workspace.backup(part, place_.outside("backup")), VaultError) << part;
    fs::remove_all(place_.outside("kept"));
  }
  expect_home_untouched();
  EXPECT_FALSE(fs::exists(place_.outside("backup")));
}

TEST_F(LinkedPart, InThePlaceOfAProfileKeepsItClosed) {
  Workspace workspace = place_.open();
  const ProfileInfo made = workspace.create("work");
  const fs::path folder = place_.folder(made);
  fs::rename(folder, place_.outside("elsewhere"));
  fs::create_symlink(place_.outside("elsewhere"), folder);
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace.unlock("work"); }).code(), "PROFILE_DAMAGED");
  EXPECT_EQ(thrown<VaultError>([&] { workspace.remove("work"); }).code(), "PROFILE_DAMAGED");
}

TEST_F(LinkedPart, InThePlaceOfAnAttachmentIsNotCopiedIntoTheProfile) {
  Workspace workspace = place_.open();
  const ProfileInfo made = workspace.create("work");
  std::string id;
  {
    const VaultSession session = workspace.unlock("work");
    id = session.attach_bytes(as_bytes("a file"), {.name = "a.txt"}).id;
  }
  link(place_.folder(made) / "attachments.1" / id, home_ / "letter");
  EXPECT_EQ(
      thrown<StorageError>([&] { workspace.backup("work", place_.outside("backup")); }).code(),
      "PROFILE_STORAGE_READ");
  EXPECT_FALSE(fs::exists(place_.outside("backup")));
  const VaultSession session = workspace.unlock("work");
  EXPECT_EQ(thrown<VaultError>([&] { session.set_password(kPassword); }).code(), "ATTACHMENT_READ");
  EXPECT_EQ(thrown<VaultError>([&] { (void)session.read_attachment(id); }).code(),
            "ATTACHMENT_CORRUPTED");
}

// The way to the root is the caller's.
TEST_F(LinkedPart, OnTheWayToTheWorkspaceIsFollowed) {
  (void)place_.open().create("work");
  const fs::path way = place_.outside("way");
  fs::create_symlink(place_.root(), way);
  Workspace workspace = Workspace::open(way, place_.options());
  EXPECT_EQ(workspace.root(), fs::canonical(place_.root()));
  EXPECT_THAT(names_in(workspace.root() / "profiles"), ElementsAre(workspace.profile("work").id));
}

}  // namespace
}  // namespace turnstile::test
