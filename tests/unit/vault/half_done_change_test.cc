// A change whose one step was taken, on a medium that failed to say so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "support/interleaving.h"
#include "support/unprivileged.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

/// Runs `change` so that the record is renamed into its place, and the folder cannot be brought to
/// the medium then; `code` of what it throws.
std::string fail_after_rename(const fs::path& folder, const std::function<void()>& change,
                              bool reopens = true) {
  std::string code = "none";
  AtPoint reopening("SessionCore:reopening", 1);
  AtPoint staged("Transition:synced", 1);
  std::jthread changer([&] {
    try {
      change();
    } catch (const Error& error) {
      code = error.code();
    }
  });
  staged.wait_until_reached();
  AtPoint written("write_file_atomic:synced", 1);
  staged.release();
  written.wait_until_reached();
  // Nobody can list it, which is needed to bring it to the medium.
  fs::permissions(folder, fs::perms::owner_write | fs::perms::owner_exec);
  written.release();
  reopens ? reopening.wait_until_reached() : changer.join();
  fs::permissions(folder, fs::perms::owner_all);
  reopening.release();
  if (reopens) changer.join();
  return code;
}

/// A session of a profile of that kind in a child without privileges; what `use` says of it.
std::string with_session(
    ProfileKind kind,
    const std::function<std::string(const fs::path&, Workspace&, VaultSession&)>& use) {
  return unprivileged([&] {
    const WorkspacePlace place;
    Workspace workspace = place.open();
    const std::string_view password = kind == ProfileKind::Plain ? std::string_view() : kPassword;
    const ProfileInfo made = workspace.create("work", {.kind = kind, .password = password});
    VaultSession session = workspace.unlock("work", password);
    add_note(session.lane("notes"), "before");
    return use(place.folder(made), workspace, session);
  });
}

std::string notes_of(const VaultSession& session) {
  std::string all;
  for (const std::string& note : all_notes(session.lane("notes")))
    all += ", " + note;
  return all;
}

TEST(HalfDoneChange, GoesOnWithTheKeysOfAPasswordThatWasSet) {
  const std::string answer = with_session(
      ProfileKind::Plain, [](const fs::path& folder, Workspace& workspace, VaultSession& session) {
        const std::string code = fail_after_rename(
            folder, [&] { session.set_password(kPassword, ProfileKind::Encrypted); });
        add_note(session.lane("notes"), "after");
        session.lock();
        return code + notes_of(workspace.unlock("work", kPassword));
      });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE, before, after");
}

TEST(HalfDoneChange, GoesOnWithTheNewKeysOfARotation) {
  const std::string answer = with_session(
      ProfileKind::Encrypted,
      [](const fs::path& folder, Workspace& workspace, VaultSession& session) {
        const std::string code = fail_after_rename(folder, [&] { session.rotate_key(kPassword); });
        add_note(session.lane("notes"), "after");
        session.lock();
        return code + notes_of(workspace.unlock("work", kPassword));
      });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE, before, after");
}

// With the old key, it could never be read again.
TEST(HalfDoneChange, SealsNothingOfAProfileThatIsPlainNow) {
  const std::string answer = with_session(ProfileKind::Encrypted, [](const fs::path& folder,
                                                                     Workspace& workspace,
                                                                     VaultSession& session) {
    const std::string code = fail_after_rename(folder, [&] { session.remove_password(kPassword); });
    const std::string id = session.attach_bytes(as_bytes("bytes"), {.name = "a"}).id;
    session.lock();
    return code + ", " + text_of(workspace.unlock("work").read_attachment(id));
  });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE, bytes");
}

// What changes the keys' file only does not close the database.
TEST(HalfDoneChange, KnowsWhereTheKeysAreNow) {
  const std::string answer =
      with_session(ProfileKind::Encrypted,
                   [](const fs::path& folder, Workspace& workspace, VaultSession& session) {
                     std::string code = fail_after_rename(
                         folder, [&] { session.change_password(kPassword, "new"); }, false);
                     const std::string key = session.add_recovery_key();
                     session.lock();
                     code += notes_of(workspace.unlock("work", "new"));
                     workspace.eject();
                     return code + notes_of(workspace.unlock("work", key, {.recovery_key = true}));
                   });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE, before, before");
}

}  // namespace
}  // namespace turnstile::test
