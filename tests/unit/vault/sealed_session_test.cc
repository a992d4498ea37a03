// What is particular to a profile whose database is in memory and sealed in one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/small_disk.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SealedSession : public testing::Test {
 protected:
  SealedSession() {
    place_.options().save_within = milliseconds(0);
    made_ = place_.open().create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
  }
  [[nodiscard]] fs::path image() const { return part_of(place_.folder(made_), "database."); }

  WorkspacePlace place_;
  ProfileInfo made_;
};

// One writer: the second one is told who has it.
TEST_F(SealedSession, IsOfOneProgramAtATime) {
  Workspace first = place_.open();
  const VaultSession session = first.unlock("vault", kPassword);
  WorkspaceOptions hasty = place_.options();
  hasty.database.busy_timeout = milliseconds(0);
  Workspace second = Workspace::open(place_.root(), hasty);
  const Timeout busy = thrown<Timeout>([&] { (void)second.unlock("vault", kPassword); });
  EXPECT_EQ(busy.code(), "PROFILE_BUSY");
  EXPECT_EQ(busy.holder().pid, ::getpid());
  EXPECT_THAT(std::string(busy.message()), HasSubstr(std::to_string(::getpid())));
}

// VSE-03: an older image that was put back is reported.
TEST_F(SealedSession, ReportsAnOlderImage) {
  Workspace workspace = place_.open();
  add_note(workspace.unlock("vault", kPassword).lane("notes"), "first");
  const std::string older = read_file(image());
  add_note(workspace.unlock("vault", kPassword).lane("notes"), "second");
  EXPECT_THAT(place_.told("VAULT_OLDER"), IsEmpty());
  write_file(image(), older);
  EXPECT_EQ(count_notes(workspace.unlock("vault", kPassword).lane("notes")), 1);
  EXPECT_THAT(place_.told("VAULT_OLDER"), SizeIs(1));
  // Once.
  (void)workspace.unlock("vault", kPassword);
  EXPECT_THAT(place_.told("VAULT_OLDER"), SizeIs(1));
}

// VSE-03
TEST_F(SealedSession, ReportsThatNothingSaysWhichImageWasTheLastOne) {
  fs::remove(image().string() + ".seen");
  (void)place_.open().unlock("vault", kPassword);
  EXPECT_THAT(place_.told("VAULT_OLDER"), SizeIs(1));
}

// VSE-02: of another profile with the same password.
TEST_F(SealedSession, RefusesTheImageOfAnotherProfile) {
  Workspace workspace = place_.open();
  const ProfileInfo other =
      workspace.create("other", {.kind = ProfileKind::Sealed, .password = kPassword});
  const VaultSession session = workspace.unlock("other", kPassword);
  session.attach_bytes(as_bytes("one"), {.name = "a"});
  session.attach_bytes(as_bytes("two"), {.name = "b"});
  const fs::path attachments = part_of(place_.folder(other), "attachments.");
  const auto ids = names_in(attachments);
  fs::copy_file(attachments / ids.at(0), attachments / ids.at(1),
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(thrown<VaultError>([&] { (void)session.read_attachment(ids.at(1)); }).code(),
            "ATTACHMENT_CORRUPTED");
  session.lock();
  fs::copy_file(part_of(place_.folder(other), "database."), image(),
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace.unlock("vault", kPassword); }).code(),
            "VAULT_CORRUPTED");
}

// VSE-11
TEST_F(SealedSession, LargerThanItMayBeIsRefusedBeforeItIsRead) {
  Workspace workspace = place_.open();
  workspace.unlock("vault", kPassword).lane("notes").write([](WriteTx& tx) {
    tx.execute("INSERT INTO note(text) VALUES (hex(randomblob(500000)))");
  });
  place_.options().sealed_limit_bytes = 500000;
  Workspace small = place_.open();
  EXPECT_EQ(thrown<VaultError>([&] { (void)small.unlock("vault", kPassword); }).code(),
            "VAULT_TOO_LARGE");
}

// VSE-08
TEST_F(SealedSession, SharesSavesAmongThoseWhoAskAtOnce) {
  Workspace workspace = place_.open();
  const VaultSession session = workspace.unlock("vault", kPassword);
  constexpr int kSavers = 8;
  constexpr int kSaves = 20;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kSavers; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kSaves; ++i) {
          add_note(session.lane("notes"), std::to_string(t) + " " + std::to_string(i));
          session.save();
        }
      });
    }
  }
  EXPECT_LE(session.saved_state().saves, kSavers * kSaves);
  EXPECT_FALSE(session.saved_state().unsaved);
  session.lock();
  EXPECT_EQ(count_notes(workspace.unlock("vault", kPassword).lane("notes")), kSavers * kSaves);
}

// VSE-09, PORT-05: on a medium that is full.
TEST(SealedSessionOnAFullDisk, IsNotLockedUntilItIsSavedOrGivenUp) {
  const std::string answer =
      on_small_disk(std::size_t{2} << 20, [](const std::string& disk) -> std::string {
        WorkspaceOptions options = cheap_options();
        options.save_within = milliseconds(0);
        Workspace workspace = Workspace::open(disk + "/workspace", options);
        workspace.create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
        const VaultSession session = workspace.unlock("vault", kPassword);
        session.lane("notes").write([](WriteTx& tx) {
          tx.execute("INSERT INTO note(text) VALUES (hex(randomblob(700000)))");
        });
        const auto code_of_lock = [&](const LockOptions& how) -> std::string {
          try {
            session.lock(how);
            return "locked";
          } catch (const Error& error) {
            return std::string(error.code());
          }
        };
        std::string said = code_of_lock({});
        said += session.is_locked() ? ", locked" : ", open";
        said += ", " + std::to_string(count_notes(session.lane("notes")));
        said += session.saved_state().failure ? ", failure" : ", none";
        said += ", " + code_of_lock({.discard_unsaved = true});
        said +=
            ", " + std::to_string(count_notes(workspace.unlock("vault", kPassword).lane("notes")));
        return said;
      });
  if (is_without_small_disk(answer)) return;
  EXPECT_EQ(answer, "VAULT_NOT_SAVED, open, 1, failure, locked, 0");
}

}  // namespace
}  // namespace turnstile::test
