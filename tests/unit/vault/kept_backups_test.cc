// Backups that a workspace keeps by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/manual_clock.h"
#include "support/thrown.h"
#include "support/workspace.h"
#include "vault/text_record.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsSupersetOf;
using testing::SizeIs;

class KeptBackupsOfAWorkspace : public testing::Test {
 protected:
  KeptBackupsOfAWorkspace() {
    place_.options().kept_backups = {
        .folder = folder(), .limit = 3, .every = hours(1), .now = clock_.source()};
    workspace_ = std::make_unique<Workspace>(place_.open());
    made_ = workspace_->create("work");
  }
  [[nodiscard]] fs::path folder() const { return fs::path(place_.outside("backups")) / "of all"; }
  [[nodiscard]] fs::path shelf() const { return folder() / made_.id; }
  KeptBackup keep() {
    clock_.advance(minutes(1));
    return workspace_->keep_backup("work");
  }
  [[nodiscard]] std::vector<std::string> kept() const {
    std::vector<std::string> files;
    for (const KeptBackup& each : workspace_->kept_backups("work"))
      files.push_back(each.file.filename().string());
    return files;
  }
  [[nodiscard]] std::vector<std::string> backup_files() const {
    std::vector<std::string> names = names_in(shelf());
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".backup"); });
    return names;
  }

  WorkspacePlace place_;
  ManualClock clock_;
  std::unique_ptr<Workspace> workspace_;
  ProfileInfo made_;
};

// VBK-09: of five, the three newest are there, and in the index.
TEST_F(KeptBackupsOfAWorkspace, AreTheNewest) {
  std::vector<std::string> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(keep().file.filename().string());
  EXPECT_THAT(kept(), ElementsAre(all[2], all[3], all[4]));
  EXPECT_THAT(backup_files(), SizeIs(3));
  const auto index = vault::TextRecord::parse(read_file(shelf() / "index"));
  ASSERT_TRUE(index.has_value());
  std::vector<std::string> indexed;
  for (const auto& [name, created] : index->lines())
    indexed.push_back(name);
  EXPECT_THAT(indexed, ElementsAre(all[2], all[3], all[4]));
  EXPECT_EQ(inspect_backup(shelf() / all[4]).id, made_.id);
}

TEST_F(KeptBackupsOfAWorkspace, AreGoodForARestore) {
  add_note(workspace_->unlock("work").lane("notes"), "kept");
  const KeptBackup backup = keep();
  add_note(workspace_->unlock("work").lane("notes"), "later");
  workspace_->restore(backup.file, {.profile = "work"});
  EXPECT_THAT(all_notes(workspace_->unlock("work").lane("notes")), ElementsAre("kept"));
}

// VBK-09: nothing but what the workspace has made is ever removed, not even when the index says so.
TEST_F(KeptBackupsOfAWorkspace, LeaveTheFilesOfOthersAlone) {
  write_file(place_.outside("mine"), "mine");
  keep();
  workspace_->backup("work", (shelf() / "by hand.backup").string());
  write_file(shelf() / (std::string(32, 'a') + ".backup"), "no backup");
  fs::create_symlink(place_.outside("mine"), shelf() / (std::string(32, 'b') + ".backup"));
  vault::TextRecord index("turnstile-backups 1");
  index.add("../../../mine", "1");
  index.add("by hand.backup", "2");
  index.add(std::string(32, 'b') + ".backup", "3");
  for (int i = 0; i < 6; ++i) {
    write_file(shelf() / "index", index.to_text());
    keep();
  }
  EXPECT_THAT(kept(), SizeIs(3));
  EXPECT_EQ(read_file(place_.outside("mine")), "mine");
  EXPECT_THAT(names_in(shelf()),
              IsSupersetOf({std::string("by hand.backup"), std::string(32, 'a') + ".backup",
                            std::string(32, 'b') + ".backup"}));
}

// VBK-09: of a maker that was killed before it was in the index, or before the oldest was removed.
TEST_F(KeptBackupsOfAWorkspace, AreFoundWithoutTheirIndex) {
  const std::string first = keep().file.filename().string();
  const std::string second = keep().file.filename().string();
  fs::remove(shelf() / "index");
  EXPECT_THAT(kept(), testing::UnorderedElementsAre(first, second));
  for (int i = 0; i < 3; ++i)
    keep();
  EXPECT_THAT(backup_files(), SizeIs(3));
}

// VBK-09: each hour of a day.
TEST_F(KeptBackupsOfAWorkspace, AreMadeWhenTheyAreDue) {
  workspace_->create("other");
  std::size_t of_work = 0;
  std::size_t of_other = 0;
  for (int minute = 0; minute < 24 * 60; minute += 10) {
    for (const KeptBackup& each : workspace_->keep_due_backups())
      ++(each.profile == made_.id ? of_work : of_other);
    clock_.advance(minutes(10));
  }
  EXPECT_EQ(of_work, 24U);
  EXPECT_EQ(of_other, 24U);
  EXPECT_THAT(kept(), SizeIs(3));
}

TEST_F(KeptBackupsOfAWorkspace, ThatCannotBeMadeDoNotKeepTheOthersFromBeing) {
  workspace_->create("other");
  const MaintenanceGuard guard = workspace_->guard("work");
  const auto made = workspace_->keep_due_backups();
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_NE(made[0].profile, made_.id);
  EXPECT_THAT(place_.told("BACKUP_NOT_KEPT"), SizeIs(1));
}

TEST_F(KeptBackupsOfAWorkspace, NeedAFolderOutsideAndALimit) {
  const auto code_with = [&](const KeptBackups& options) {
    place_.options().kept_backups = options;
    Workspace workspace = place_.open();
    return std::string(thrown<MisuseError>([&] { workspace.keep_backup("work"); }).code());
  };
  const std::string before = picture_of(place_.root());
  EXPECT_EQ(code_with({}), "OPTION_INVALID");
  EXPECT_EQ(code_with({.folder = folder(), .limit = 0}), "OPTION_INVALID");
  EXPECT_EQ(code_with({.folder = place_.root() / "backups"}), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_with({.folder = place_.root()}), "TARGET_FORBIDDEN");
  EXPECT_EQ(picture_of(place_.root()), before);
  EXPECT_FALSE(fs::exists(folder()));
}

}  // namespace
}  // namespace turnstile::test
