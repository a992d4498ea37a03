// A change of a profile while a closure of its session does not end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "support/door.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

/// A profile with a note, and a reader of it that stands in its closure.
class HeldProfile : public testing::TestWithParam<ProfileKind> {
 protected:
  HeldProfile() {
    place_.options().database.busy_timeout = milliseconds(50);
    place_.options().save_within = milliseconds(0);
    workspace_ = std::make_unique<Workspace>(place_.open());
    made_ = workspace_->create("work", {.kind = GetParam(), .password = password()});
    session_ = workspace_->unlock("work", password());
    add_note(session_->lane("notes"), "kept");
    const Lane lane = session_->lane("notes");
    reader_ = std::jthread([this, lane] {
      try {
        lane.read([this](ReadTx&) { door_.pass(); });
      } catch (const Error&) {
        // It was interrupted, which its closure could not notice.
      }
    });
    door_.wait_for(1);
  }
  ~HeldProfile() override { door_.open(); }
  [[nodiscard]] std::string_view password() const {
    return GetParam() == ProfileKind::Plain ? std::string_view() : kPassword;
  }
  void change() const {
    if (GetParam() == ProfileKind::Plain)
      session_->set_password(kPassword);
    else
      session_->rotate_key(kPassword);
  }
  [[nodiscard]] std::string record() const { return read_file(place_.folder(made_) / "profile"); }

  WorkspacePlace place_;
  std::unique_ptr<Workspace> workspace_;
  ProfileInfo made_;
  std::optional<VaultSession> session_;
  Door door_;
  std::jthread reader_;  // Joined first.
};

INSTANTIATE_TEST_SUITE_P(Of, HeldProfile,
                         testing::Values(ProfileKind::Plain, ProfileKind::Sealed,
                                         ProfileKind::Encrypted),
                         [](const auto& param) { return std::string(to_string(param.param)); });

// VPL-08: the change fails within its own time, and the profile is as it was.
TEST_P(HeldProfile, IsNotChanged) {
  const std::string before = record();
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(thrown<Timeout>([&] { change(); }).code(), "CLOSE_TIMEOUT");
  EXPECT_LT(std::chrono::steady_clock::now() - started,
            std::chrono::seconds(4) * TURNSTILE_TEST_SLOWDOWN);
  EXPECT_EQ(record(), before);
  EXPECT_TRUE(session_->is_locked());
  door_.open();
  reader_.join();
  place_.options().database.busy_timeout = patience();
  Workspace later = place_.open();
  EXPECT_EQ(later.profile("work").kind, GetParam());
  EXPECT_THAT(all_notes(later.unlock("work", password()).lane("notes")), ElementsAre("kept"));
}

/// Whose database is a file that somebody has open.
class HeldFile : public HeldProfile {};

INSTANTIATE_TEST_SUITE_P(Of, HeldFile, testing::Values(ProfileKind::Plain, ProfileKind::Encrypted),
                         [](const auto& param) { return std::string(to_string(param.param)); });

// VPL-08: no file is moved while somebody has it open, not even when the session is gone.
TEST_P(HeldFile, StaysWhereItIsUntilTheClosureEnds) {
  EXPECT_THROW(change(), Timeout);
  session_.reset();
  const auto code_of = [&](const auto& act) { return std::string(thrown<Timeout>(act).code()); };
  EXPECT_EQ(code_of([&] { (void)workspace_->guard("work"); }), "PROFILE_BUSY");
  EXPECT_EQ(code_of([&] { workspace_->remove("work"); }), "PROFILE_BUSY");
  Workspace other = place_.open();
  EXPECT_EQ(code_of([&] { (void)other.guard("work"); }), "PROFILE_BUSY");
  door_.open();
  reader_.join();
  place_.options().database.busy_timeout = patience();
  EXPECT_NO_THROW(place_.open().remove("work"));
}

TEST_P(HeldFile, IsLockedToOthersWhenItsSessionIsLocked) {
  EXPECT_EQ(thrown<Timeout>([&] { session_->lock({.drain = milliseconds(20)}); }).code(),
            "CLOSE_TIMEOUT");
  EXPECT_TRUE(session_->is_locked());
  EXPECT_EQ(thrown<Timeout>([&] { (void)workspace_->guard("work"); }).code(), "PROFILE_BUSY");
}

}  // namespace
}  // namespace turnstile::test
