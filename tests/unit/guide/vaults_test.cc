// The examples of docs/guide/vaults.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "support/workspace.h"
#include "turnstile/vault.h"

namespace turnstile::test {
namespace {

using testing::SizeIs;

class GuideToVaults : public testing::Test {
 protected:
  static Migrations app_schema() { return note_schema(); }
  [[nodiscard]] Workspace open_with_profiles() {
    Workspace workspace = place_.open();
    workspace.create("work");
    workspace.create("bank", {.kind = ProfileKind::Sealed, .password = kPassword});
    return workspace;
  }

  WorkspacePlace place_;
  const std::string_view password = kPassword;
};

TEST_F(GuideToVaults, ShowsHowAWorkspaceIsMade) {
  const std::filesystem::path folder = place_.root();
  turnstile::Workspace workspace =
      turnstile::Workspace::open(folder, {.database = {.migrations = app_schema()}});
  workspace.create("work");
  workspace.create("bank", {.kind = turnstile::ProfileKind::Sealed, .password = password});
  EXPECT_THAT(workspace.profiles(), SizeIs(2));
}

TEST_F(GuideToVaults, ShowsASession) {
  Workspace workspace = open_with_profiles();
  turnstile::VaultSession session = workspace.unlock("bank", password);
  turnstile::Lane notes = session.lane("notes");
  notes.write([](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO note(text) VALUES ('not on the disk as it stands')");
  });
  session.set_setting("colour", "blue");
  session.lock();
  EXPECT_THAT(files_with(place_.root(), "not on the disk as it stands"), testing::IsEmpty());
}

TEST_F(GuideToVaults, ShowsHowThePasswordIsChanged) {
  Workspace workspace = open_with_profiles();
  turnstile::VaultSession session = workspace.unlock("bank", password);
  session = workspace.unlock("work");
  session.set_password(password, turnstile::ProfileKind::Encrypted);
  session.change_password(password, "another one");
  std::string on_paper = session.add_recovery_key();
  session.convert(turnstile::ProfileKind::Sealed);
  session.rotate_key("another one");
  session.remove_password("another one");
  EXPECT_FALSE(session.info().is_protected());
  EXPECT_FALSE(on_paper.empty());
}

TEST_F(GuideToVaults, ShowsAttachments) {
  Workspace workspace = open_with_profiles();
  const turnstile::VaultSession session = workspace.unlock("bank", password);
  const std::string file = place_.outside("photo.png");
  const std::string copy = place_.outside("copy.png");
  write_file(file, "a picture");
  turnstile::Attachment photo = session.attach(file, {.owner = "card 7", .type = "image/png"});
  std::vector<std::byte> preview = session.read_attachment(photo.id);
  session.save_attachment(photo.id, copy);
  session.remove_attachment(photo.id);
  session.purge_attachment(photo.id);
  EXPECT_EQ(text_of(preview), "a picture");
  EXPECT_EQ(read_file(copy), "a picture");
}

TEST_F(GuideToVaults, ShowsABackup) {
  Workspace workspace = open_with_profiles();
  const std::string archive = place_.outside("work.backup");
  workspace.backup("work", archive, {.password = "of the backup"});
  turnstile::BackupInfo info = turnstile::inspect_backup(archive);
  workspace.restore(archive, {.password = "of the backup", .profile = "work"});
  EXPECT_FALSE(info.unprotected);
}

}  // namespace
}  // namespace turnstile::test
