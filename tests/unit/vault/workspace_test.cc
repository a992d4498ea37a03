// The folder of a workspace: what is in it, who may read it, and that it can be carried away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/forked.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names_of_profiles(const Workspace& workspace) {
  std::vector<std::string> names;
  for (const ProfileInfo& profile : workspace.profiles())
    names.push_back(profile.name);
  return names;
}

// VST-01, PORT-02: nothing in a workspace says where it is.
TEST(Workspace, CanBeMovedElsewhere) {
  WorkspacePlace place;
  std::string id;
  {
    Workspace workspace = place.open();
    id = workspace.create("work").id;
    const VaultSession session = workspace.unlock("work");
    add_note(session.lane("notes"), "carried along");
    session.attach_bytes(as_bytes("a file"), {.name = "a.txt"});
  }
  const fs::path moved = place.outside("moved");
  fs::rename(place.root(), moved);
  EXPECT_THAT(files_with(moved, place.root().string()), IsEmpty());
  Workspace workspace = Workspace::open(moved, place.options());
  const VaultSession session = workspace.unlock(id);
  EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre("carried along"));
  EXPECT_EQ(text_of(session.read_attachment(session.attachments().at(0).id)), "a file");
}

// VST-01
TEST(Workspace, HasToBeSomewhere) {
  EXPECT_EQ(thrown<VaultError>([] { (void)Workspace::open({}); }).code(), "WORKSPACE_INVALID");
}

TEST(Workspace, IsNotMadeWhereThatIsNotWanted) {
  WorkspacePlace place;
  place.options().create = false;
  EXPECT_EQ(thrown<VaultError>([&] { (void)place.open(); }).code(), "WORKSPACE_INVALID");
  EXPECT_FALSE(fs::exists(place.root()));
}

TEST(Workspace, IsNotMadeAmongOtherFiles) {
  WorkspacePlace place;
  fs::create_directory(place.root());
  write_file(place.root() / "letter.txt", "mine");
  EXPECT_EQ(thrown<VaultError>([&] { (void)place.open(); }).code(), "WORKSPACE_INVALID");
  EXPECT_THAT(names_in(place.root()), ElementsAre("letter.txt"));
}

TEST(Workspace, OfALaterFormatIsLeftAlone) {
  WorkspacePlace place;
  (void)place.open();
  write_file(place.root() / "workspace", "turnstile-workspace 9\nsha256 of nothing\n");
  EXPECT_EQ(thrown<VaultError>([&] { (void)place.open(); }).code(), "WORKSPACE_INVALID");
}

// VST-03
TEST(Workspace, IsPrivateWhateverTheProgramsMask) {
  for (const mode_t mask : {mode_t{0}, mode_t{022}}) {
    WorkspacePlace place;
    const std::string wrong = in_child([&] {
      ::umask(mask);
      Workspace workspace = place.open();
      std::string found;
      const auto look = [&] {
        for (const auto& entry : fs::recursive_directory_iterator(place.root())) {
          const auto mode = static_cast<unsigned>(entry.status().permissions());
          const unsigned expected = entry.is_directory() ? 0700 : 0600;
          if (mode != expected) found += entry.path().string() + '\n';
        }
      };
      for (const auto kind : {ProfileKind::Plain, ProfileKind::Sealed, ProfileKind::Encrypted}) {
        const bool plain = kind == ProfileKind::Plain;
        const auto password = plain ? std::string_view() : kPassword;
        workspace.create(to_string(kind), {.kind = kind, .password = password});
        const VaultSession session = workspace.unlock(to_string(kind), password);
        add_note(session.lane("notes"), "x");
        session.attach_bytes(as_bytes("a file"), {.name = "a.txt"});
        look();
      }
      look();
      return found;
    });
    EXPECT_EQ(wrong, "") << "umask " << mask;
  }
}

// VST-03
TEST(Workspace, NarrowsAFolderThatIsOpenToOthersAndSaysSo) {
  WorkspacePlace place;
  (void)place.open().create("work");
  fs::permissions(place.root() / "profiles", fs::perms(0755));
  (void)place.open();
  EXPECT_EQ(fs::status(place.root() / "profiles").permissions(), fs::perms(0700));
  EXPECT_THAT(place.told("FOLDER_NARROWED"), SizeIs(1));
}

// PORT-01: the message names the folder.
TEST(Workspace, ThatCannotBeWrittenToIsRefused) {
  WorkspacePlace place;
  (void)place.open();
  fs::permissions(place.root().parent_path(), fs::perms(0755));
  fs::permissions(place.root(), fs::perms(0555));
  const std::string answer = unprivileged(
      [&]() -> std::string { return thrown<StorageError>([&] { (void)place.open(); }).what(); });
  EXPECT_THAT(answer, HasSubstr("WORKSPACE_NOT_WRITABLE"));
  EXPECT_THAT(answer, HasSubstr(place.root().string()));
  fs::permissions(place.root(), fs::perms(0700));
}

// VST-09
TEST(Workspace, OfOneProgramAloneIsRefusedToTheNextOneWhichIsToldWhoHasIt) {
  WorkspacePlace place;
  place.options().exclusive = true;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  {
    const Workspace first = place.open();
    const Timeout refused = thrown<Timeout>([&] { (void)place.open(); });
    EXPECT_EQ(refused.code(), "WORKSPACE_IN_USE");
    EXPECT_EQ(refused.holder().pid, ::getpid());
    place.options().exclusive = false;
    EXPECT_EQ(thrown<Timeout>([&] { (void)place.open(); }).code(), "WORKSPACE_IN_USE");
  }
  (void)place.open();
}

// VST-04
TEST(Workspace, ListsGetsRenamesAndDeletesProfiles) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  EXPECT_THAT(names_of_profiles(workspace), ElementsAre("work"));
  EXPECT_EQ(workspace.profile("work").id, made.id);
  EXPECT_EQ(workspace.profile(made.id).name, "work");
  workspace.rename("work", "office");
  EXPECT_THAT(names_of_profiles(workspace), ElementsAre("office"));
  workspace.create("home", {.id = made.id, .or_rename = true});
  EXPECT_THAT(names_of_profiles(workspace), ElementsAre("home"));
  workspace.remove("home");
  EXPECT_THAT(workspace.profiles(), IsEmpty());
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace.profile("home"); }).code(),
            "PROFILE_NOT_FOUND");
  EXPECT_THAT(names_in(place.root() / "profiles"), IsEmpty());
  EXPECT_THAT(names_in(place.root() / "tmp"), IsEmpty());
}

// VST-04
TEST(Workspace, RefusesNamesThatAreNone) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const auto code_for = [&](std::string_view name) {
    return std::string(thrown<MisuseError>([&] { workspace.create(name); }).code());
  };
  EXPECT_EQ(code_for("  "), "PROFILE_NAME_REQUIRED");
  EXPECT_EQ(code_for(""), "PROFILE_NAME_REQUIRED");
  EXPECT_EQ(code_for("two\nlines"), "PROFILE_NAME_INVALID");
  EXPECT_EQ(code_for(std::string(256, 'x')), "PROFILE_NAME_INVALID");
  EXPECT_EQ(code_for("\xff"), "PROFILE_NAME_INVALID");
  EXPECT_THAT(workspace.profiles(), IsEmpty());
}

// VST-02
TEST(Workspace, RefusesIdsThatAreNoPartOfAPath) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  for (const std::string& id :
       {std::string(".."), std::string("a/b"), std::string("/x"), std::string("a\0b", 3),
        std::string("C:"), std::string("Upper"), std::string(65, 'a'), std::string(".hidden")}) {
    const auto create = [&] { workspace.create("work", {.id = id}); };
    EXPECT_EQ(thrown<MisuseError>(create).code(), "PROFILE_ID_INVALID") << id;
    EXPECT_THROW((void)workspace.profile(id), VaultError) << id;
  }
  EXPECT_THROW((void)workspace.profile(""), VaultError);
  EXPECT_THAT(names_in(place.root() / "profiles"), IsEmpty());
}

TEST(Workspace, HasEachNameAndIdOnce) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work", {.id = "a"});
  workspace.create("home", {.id = "b"});
  EXPECT_EQ(thrown<MisuseError>([&] { workspace.create("work"); }).code(), "PROFILE_EXISTS");
  EXPECT_EQ(thrown<MisuseError>([&] { workspace.create("x", {.id = "a"}); }).code(),
            "PROFILE_EXISTS");
  EXPECT_EQ(thrown<MisuseError>([&] { workspace.rename("home", "work"); }).code(),
            "PROFILE_EXISTS");
  EXPECT_EQ(workspace.profile("b").name, "home");
}

// VST-05
TEST(Workspace, MakesATornRegistryAnewAndSaysSo) {
  WorkspacePlace place;
  {
    Workspace workspace = place.open();
    workspace.create("work", {.id = "a"});
    workspace.create("home", {.id = "b"});
  }
  const std::string whole = read_file(place.root() / "registry");
  for (const std::string& torn :
       {whole.substr(0, whole.size() / 2), std::string(), std::string("no registry\n")}) {
    write_file(place.root() / "registry", torn);
    const Workspace workspace = place.open();
    EXPECT_THAT(names_of_profiles(workspace), ElementsAre("work", "home"));
  }
  EXPECT_THAT(place.told("REGISTRY_REBUILT"), SizeIs(3));
  EXPECT_EQ(read_file(place.root() / "registry"), whole);
}

TEST(Workspace, MakesARegistryAnewThatIsDamagedWhileItIsOpen) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work");
  write_file(place.root() / "registry", "torn");
  EXPECT_THAT(names_of_profiles(workspace), ElementsAre("work"));
  EXPECT_THAT(place.told("REGISTRY_REBUILT"), SizeIs(1));
}

// VST-05: a flipped bit anywhere in it.
TEST(Workspace, BelievesNoRegistryWithAFlippedBit) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work", {.id = "a"});
  const std::string whole = read_file(place.root() / "registry");
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_file(place.root() / "registry", damaged);
    ASSERT_THAT(names_of_profiles(workspace), ElementsAre("work")) << "bit " << bit;
    ASSERT_EQ(read_file(place.root() / "registry"), whole) << "bit " << bit;
  }
}

// VST-06: the registry does not decide what a profile is, and a record does not fit its hash.
TEST(Workspace, TakesAProfileForWhatItsRecordSays) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo plain = workspace.create("plain");
  const ProfileInfo sealed =
      workspace.create("sealed", {.kind = ProfileKind::Sealed, .password = kPassword});
  EXPECT_EQ(read_file(place.root() / "registry").find("kind"), std::string::npos);
  EXPECT_FALSE(workspace.profile(plain.id).is_protected());
  EXPECT_TRUE(workspace.profile(sealed.id).is_protected());

  // A record with another kind and without its hash being made anew.
  const fs::path record = place.folder(sealed) / "profile";
  std::string text = read_file(record);
  text.replace(text.find("kind sealed"), 11, "kind plain ");
  write_file(record, text);
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace.unlock("sealed"); }).code(),
            "PROFILE_DAMAGED");
  EXPECT_THAT(workspace.profiles().at(1).problem, HasSubstr("PROFILE_DAMAGED"));
  EXPECT_NO_THROW((void)workspace.unlock("plain"));
}

TEST(Workspace, BelievesNoRecordWithAFlippedBit) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  const fs::path record = place.folder(made) / "profile";
  const std::string whole = read_file(record);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    write_file(record, damaged);
    ASSERT_EQ(thrown<VaultError>([&] { (void)workspace.unlock(made.id); }).code(),
              "PROFILE_DAMAGED")
        << "bit " << bit;
  }
}

// VST-08: only when nobody has it open.
TEST(Workspace, DeletesNoProfileThatIsOpen) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work");
  {
    const VaultSession session = workspace.unlock("work");
    EXPECT_EQ(thrown<Timeout>([&] { workspace.remove("work"); }).code(), "PROFILE_BUSY");
    WorkspaceOptions hasty = place.options();
    hasty.database.busy_timeout = std::chrono::milliseconds(0);
    Workspace other = Workspace::open(place.root(), hasty);
    EXPECT_EQ(thrown<Timeout>([&] { other.remove("work"); }).code(), "PROFILE_BUSY");
    add_note(session.lane("notes"), "still there");
  }
  workspace.remove("work");
}

TEST(Workspace, EmptiesItsTemporaryFoldersWhenItIsOpened) {
  WorkspacePlace place;
  const ProfileInfo made = place.open().create("work");
  fs::create_directories(place.root() / "tmp" / "left" / "over");
  write_file(place.folder(made) / "tmp" / "left", "over");
  (void)place.open();
  EXPECT_THAT(names_in(place.root() / "tmp"), IsEmpty());
  EXPECT_THAT(names_in(place.folder(made) / "tmp"), IsEmpty());
}

TEST(Workspace, DuplicatesAProfileWithAllThatItHas) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  for (const auto kind : {ProfileKind::Plain, ProfileKind::Sealed, ProfileKind::Encrypted}) {
    const std::string name(to_string(kind));
    const auto password = kind == ProfileKind::Plain ? std::string_view() : kPassword;
    workspace.create(name, {.kind = kind, .password = password});
    {
      const VaultSession session = workspace.unlock(name, password);
      add_note(session.lane("notes"), "original");
      session.attach_bytes(as_bytes("a file"), {.name = "a.txt"});
      session.set_setting("colour", "blue");
    }
    const ProfileInfo copy = workspace.duplicate(name, name + " copy", password);
    EXPECT_EQ(copy.kind, kind);
    const VaultSession session = workspace.unlock(copy.id, password);
    EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre("original")) << name;
    EXPECT_EQ(text_of(session.read_attachment(session.attachments().at(0).id)), "a file");
    EXPECT_EQ(session.setting("colour"), "blue");
    add_note(session.lane("notes"), "copy");
    EXPECT_EQ(count_notes(workspace.unlock(name, password).lane("notes")), 1);
  }
}

// PORT-03
TEST(Workspace, IsEjectedWithEachDatabaseWholeInItsFile) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  const VaultSession session = workspace.unlock("work");
  add_note(session.lane("notes"), "to be carried away");
  workspace.eject();
  EXPECT_TRUE(session.is_locked());
  const fs::path database = part_of(place.folder(made), "database.");
  EXPECT_FALSE(fs::exists(database.string() + "-wal"));
  fs::copy_file(database, place.outside("copy.db"));
  EXPECT_EQ(run_raw(place.outside("copy.db"), "SELECT text FROM note"), "to be carried away");
}

}  // namespace
}  // namespace turnstile::test
