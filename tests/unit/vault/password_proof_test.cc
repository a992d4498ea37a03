// Where a session, or a copy, asks for the password once more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class PasswordProof : public testing::Test {
 protected:
  PasswordProof() {
    workspace_->create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
  }
  void throttle() {
    place_.options().throttle = std::chrono::seconds(100);
    workspace_.emplace(place_.open());
  }
  [[nodiscard]] VaultSession unlock() { return workspace_->unlock("vault", kPassword); }
  template <class F>
  [[nodiscard]] static std::string code_of(const F& call) {
    return std::string(thrown<VaultError>(call).code());
  }

  WorkspacePlace place_;
  std::optional<Workspace> workspace_{place_.open()};
};

TEST_F(PasswordProof, OfACopyWaitsAfterAWrongPassword) {
  throttle();
  EXPECT_EQ(code_of([&] { workspace_->duplicate("vault", "copy", "wrong"); }), "INVALID_PASSWORD");
  EXPECT_EQ(code_of([&] { workspace_->duplicate("vault", "copy", kPassword); }),
            "PASSWORD_THROTTLED");
}

TEST_F(PasswordProof, InASessionWaitsAfterAWrongPassword) {
  throttle();
  const VaultSession session = unlock();
  EXPECT_EQ(code_of([&] { session.change_password("wrong", "new"); }), "INVALID_PASSWORD");
  EXPECT_EQ(code_of([&] { session.change_password(kPassword, "new"); }), "PASSWORD_THROTTLED");
}

// One count for all ways, so that none of them makes the others worthless.
TEST_F(PasswordProof, InASessionCountsForTheNextLogin) {
  throttle();
  const VaultSession session = unlock();
  EXPECT_EQ(code_of([&] { session.rotate_key("wrong"); }), "INVALID_PASSWORD");
  session.lock();
  EXPECT_EQ(code_of([&] { (void)unlock(); }), "PASSWORD_THROTTLED");
}

TEST_F(PasswordProof, ByARecoveryKeyReplacesAForgottenPassword) {
  const std::string key = unlock().add_recovery_key();
  workspace_->eject();
  {
    const VaultSession session = workspace_->unlock("vault", key, {.recovery_key = true});
    session.change_password(key, "new");
  }
  EXPECT_EQ(code_of([&] { (void)unlock(); }), "INVALID_PASSWORD");
  EXPECT_NO_THROW((void)workspace_->unlock("vault", "new"));
}

TEST_F(PasswordProof, ByARecoveryKeyRemovesAForgottenPassword) {
  const VaultSession session = unlock();
  const std::string key = session.add_recovery_key();
  session.remove_password(key);
  EXPECT_EQ(workspace_->profile("vault").kind, ProfileKind::Plain);
}

TEST_F(PasswordProof, BySomethingElseThanARecoveryKeyIsRefused) {
  const VaultSession session = unlock();
  (void)session.add_recovery_key();
  EXPECT_EQ(code_of([&] { session.change_password("neither", "new"); }), "INVALID_PASSWORD");
}

// A plain copy of what got a password meanwhile is not made.
TEST_F(PasswordProof, IsNotAvoidedByACopyThatHasBegunBefore) {
  workspace_->create("work");
  const VaultSession session = workspace_->unlock("work");
  add_note(session.lane("notes"), kCanary);
  AtPoint begun("NewProfile:made", 1);
  std::string code;
  std::jthread copier(
      [&] { code = thrown<Timeout>([&] { workspace_->duplicate("work", "copy"); }).code(); });
  begun.wait_until_reached();
  session.set_password(kPassword, ProfileKind::Encrypted);
  begun.release();
  copier.join();
  EXPECT_EQ(code, "PROFILE_BUSY");
  EXPECT_THAT(workspace_->profiles(), SizeIs(2));
  EXPECT_THAT(files_with(place_.root(), kCanary), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
