// Setting, changing and removing the password of a profile, and changing its form: each is one step
// that covers all parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A profile `work` with a note and an attachment, unlocked.
class Password : public testing::Test {
 protected:
  Password() {
    place_.options().save_within = std::chrono::milliseconds(0);
    workspace_ = std::make_unique<Workspace>(place_.open());
    made_ = workspace_->create("work");
    session_ = std::make_unique<VaultSession>(workspace_->unlock("work"));
    add_note(session_->lane("notes"), kCanary);
    session_->attach_bytes(as_bytes(kCanary), {.name = "a.txt"});
  }
  [[nodiscard]] const VaultSession& session() const { return *session_; }
  [[nodiscard]] fs::path folder() const { return place_.folder(made_); }
  [[nodiscard]] fs::path part(std::string_view word) const { return part_of(folder(), word); }

  /// Everything is there, for the session and for whoever unlocks it next.
  void expect_whole(std::string_view password) {
    expect_whole_session();
    session_->lock();
    session_ = std::make_unique<VaultSession>(workspace_->unlock("work", password));
    expect_whole_session();
  }
  void expect_whole_session() const {
    EXPECT_THAT(all_notes(session().lane("notes")), ElementsAre(kCanary));
    const auto attachments = session().attachments();
    ASSERT_THAT(attachments, SizeIs(1));
    EXPECT_EQ(text_of(session().read_attachment(attachments[0].id)), kCanary);
  }
  [[nodiscard]] bool lets_in(std::string_view password) {
    session_->lock();
    try {
      session_ = std::make_unique<VaultSession>(workspace_->unlock("work", password));
      return true;
    } catch (const VaultError& error) {
      EXPECT_EQ(error.code(), "INVALID_PASSWORD");
      return false;
    }
  }

  WorkspacePlace place_;
  std::unique_ptr<Workspace> workspace_;
  ProfileInfo made_;
  std::unique_ptr<VaultSession> session_;
};

/// With the form that a protected profile has.
class PasswordOf : public Password, public testing::WithParamInterface<ProfileKind> {};

INSTANTIATE_TEST_SUITE_P(Form, PasswordOf,
                         testing::Values(ProfileKind::Sealed, ProfileKind::Encrypted),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

// VTR-02, VTR-08, VTR-10: all of it, the session goes on, and nothing plain is left.
TEST_P(PasswordOf, CoversAllOfAProfileWhenItIsSet) {
  ASSERT_THAT(files_with(folder(), kCanary), Not(IsEmpty()));
  session().set_password(kPassword, GetParam());
  EXPECT_THAT(files_with(folder(), kCanary), IsEmpty());
  EXPECT_EQ(session().info().kind, GetParam());
  expect_whole(kPassword);
  EXPECT_FALSE(lets_in("wrong"));
  EXPECT_THAT(files_with(folder(), kCanary), IsEmpty());
}

// VTR-09
TEST_P(PasswordOf, LeavesADatabaseWithALogAndItsPoolWhenItIsRemoved) {
  session().set_password(kPassword, GetParam());
  session().remove_password(kPassword);
  EXPECT_EQ(session().info().kind, ProfileKind::Plain);
  EXPECT_EQ(session().database_info().pool.connections, 4);
  expect_whole("");
  EXPECT_EQ(part("keys."), "");
  session().lock();
  EXPECT_EQ(run_raw(part("database."), "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(run_raw(part("database."), "SELECT text FROM note"), kCanary);
}

// VTR-06: whatever the size of the profile.
TEST_P(PasswordOf, IsChangedWithoutRewritingAnythingButTheKeys) {
  session().set_password(kPassword, GetParam());
  session().save();
  const Lane lane = session().lane("notes");
  const fs::path database = part("database.");
  const std::string attachments = picture_of(part("attachments."));
  const auto changed_at = fs::last_write_time(database);
  const std::string keys = read_file(part("keys."));
  session().change_password(kPassword, "another");
  EXPECT_EQ(part("database."), database);
  EXPECT_EQ(fs::last_write_time(database), changed_at);
  EXPECT_EQ(picture_of(part("attachments.")), attachments);
  EXPECT_NE(read_file(part("keys.")), keys);
  EXPECT_EQ(count_notes(lane), 1) << "lanes go on";
  expect_whole("another");
  EXPECT_FALSE(lets_in(kPassword));
}

// VTR-11
TEST_P(PasswordOf, IsTakenByteForByte) {
  session().set_password("  x ", GetParam());
  EXPECT_FALSE(lets_in("x"));
  EXPECT_FALSE(lets_in("  x"));
  EXPECT_TRUE(lets_in("  x "));
  const std::string with_nul("a\0b", 3);
  session().change_password("  x ", with_nul);
  EXPECT_FALSE(lets_in("a"));
  EXPECT_TRUE(lets_in(with_nul));
}

// VTR-01
TEST_P(PasswordOf, IsNotSetTwiceNorChangedOrRemovedWithoutItself) {
  session().set_password(kPassword, GetParam());
  session().save();
  const std::string before = picture_of(folder());
  EXPECT_EQ(thrown<MisuseError>([&] { session().set_password("other"); }).code(),
            "PROFILE_ALREADY_PROTECTED");
  EXPECT_EQ(thrown<VaultError>([&] { session().change_password("wrong", "other"); }).code(),
            "INVALID_PASSWORD");
  EXPECT_EQ(thrown<MisuseError>([&] { session().change_password(kPassword, " "); }).code(),
            "PASSWORD_REQUIRED");
  EXPECT_EQ(thrown<VaultError>([&] { session().remove_password("wrong"); }).code(),
            "INVALID_PASSWORD");
  EXPECT_EQ(thrown<VaultError>([&] { session().rotate_key("wrong"); }).code(), "INVALID_PASSWORD");
  session().save();
  EXPECT_EQ(GetParam() == ProfileKind::Sealed ? picture_of(folder()) : before, before);
  expect_whole(kPassword);
}

TEST_P(PasswordOf, StaysWhenTheFormOfTheProfileChanges) {
  const ProfileKind other =
      GetParam() == ProfileKind::Sealed ? ProfileKind::Encrypted : ProfileKind::Sealed;
  session().set_password(kPassword, GetParam());
  session().convert(other);
  EXPECT_EQ(session().info().kind, other);
  EXPECT_THAT(files_with(folder(), kCanary), IsEmpty());
  expect_whole(kPassword);
  session().convert(GetParam());
  expect_whole(kPassword);
  session().convert(GetParam());  // Nothing to do.
  expect_whole(kPassword);
  EXPECT_THAT(place_.told("VAULT_OLDER"), IsEmpty());
}

TEST_P(PasswordOf, StaysWhenTheDataKeyChanges) {
  session().set_password(kPassword, GetParam());
  const std::string recovery = session().add_recovery_key();
  session().save();
  const std::string database = read_file(part("database."));
  const std::string attachment = picture_of(part("attachments."));
  session().rotate_key(kPassword);
  expect_whole(kPassword);
  session().lock();
  EXPECT_NE(read_file(part("database.")), database);
  EXPECT_NE(picture_of(part("attachments.")), attachment);
  EXPECT_THROW((void)workspace_->unlock("work", recovery, {.recovery_key = true}), VaultError);
  EXPECT_THAT(place_.told("VAULT_OLDER"), IsEmpty());
}

// VTR-01
TEST_F(Password, IsNotSetBlankNorOfAProfileWithoutOneChanged) {
  const std::string before = picture_of(folder());
  for (const std::string_view blank : {"", "  ", "\n"}) {
    EXPECT_EQ(thrown<MisuseError>([&] { session().set_password(blank); }).code(),
              "PASSWORD_REQUIRED");
  }
  const auto refused = [](const auto& act) {
    EXPECT_EQ(thrown<MisuseError>(act).code(), "PROFILE_NOT_PROTECTED");
  };
  refused([&] { session().change_password("a", "b"); });
  refused([&] { session().remove_password("a"); });
  refused([&] { session().rotate_key("a"); });
  refused([&] { session().convert(ProfileKind::Sealed); });
  refused([&] { (void)session().add_recovery_key(); });
  EXPECT_EQ(picture_of(folder()), before);
  session().lock();
  EXPECT_EQ(thrown<VaultError>([&] { session().set_password(kPassword); }).code(), "VAULT_LOCKED");
  EXPECT_EQ(thrown<VaultError>([&] { session().change_password("a", "b"); }).code(),
            "VAULT_LOCKED");
}

// VTR-07: what others have committed is in it, whether it is in the file yet or in the log.
TEST_F(Password, ThatIsSetFindsWhatIsInTheLog) {
  for (int i = 0; i < 100; ++i)
    add_note(session().lane("notes"), std::to_string(i));
  session().set_password(kPassword);
  EXPECT_EQ(count_notes(session().lane("notes")), 101);
  EXPECT_THAT(session().lane("notes").read(
                  [](ReadTx& tx) { return tx.query<std::string>("PRAGMA integrity_check").all(); }),
              ElementsAre("ok"));
}

// VTR-05: what a dead process has left is gone before anything else begins.
TEST_F(Password, ChangesOnlyWhatWasPutInOrderBefore) {
  session().set_password(kPassword);
  write_file(folder() / "database.99", "half a transition");
  fs::create_directory(folder() / "attachments.99");
  write_file(folder() / "tmp" / "left", "over");
  session().change_password(kPassword, "another");
  EXPECT_FALSE(fs::exists(folder() / "database.99"));
  EXPECT_FALSE(fs::exists(folder() / "attachments.99"));
  EXPECT_THAT(names_in(folder() / "tmp"), IsEmpty());
  session().lock();
  write_file(folder() / "database.99", "half a transition");
  EXPECT_TRUE(lets_in("another"));
  EXPECT_FALSE(fs::exists(folder() / "database.99"));
  EXPECT_THAT(place_.told("TRANSITION_RECOVERED"), SizeIs(1));
}

}  // namespace
}  // namespace turnstile::test
