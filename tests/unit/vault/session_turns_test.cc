// Who waits for whom when a session is locked, changed or used at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "support/held.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;

class SessionTurns : public testing::TestWithParam<ProfileKind> {
 protected:
  SessionTurns() { open(); }
  void open() {
    session_.reset();
    workspace_.reset();
    workspace_.emplace(place_.open());
    if (made_.id.empty())
      made_ = workspace_->create("vault", {.kind = GetParam(), .password = kPassword});
    session_ = workspace_->unlock("vault", kPassword);
  }
  /// Calls `act` while the session is being locked.
  void while_locking(const std::function<void()>& act) {
    AtPoint locking("SessionCore:locking", 1);
    AtPoint waiting("SessionCore:waiting");
    std::jthread locker([this] { session_->lock(); });
    locking.wait_until_reached();
    std::jthread second(act);
    waiting.wait_until_reached();
    locking.release();
  }
  /// A second program, which does not wait.
  [[nodiscard]] Workspace other_program(bool exclusive = false) {
    WorkspaceOptions options = place_.options();
    options.database.busy_timeout = milliseconds(0);
    options.exclusive = exclusive;
    return Workspace::open(place_.root(), options);
  }

  WorkspacePlace place_;
  ProfileInfo made_;
  std::optional<Workspace> workspace_;
  std::optional<VaultSession> session_;
};

INSTANTIATE_TEST_SUITE_P(Of, SessionTurns,
                         testing::Values(ProfileKind::Sealed, ProfileKind::Encrypted),
                         [](const auto& param) { return std::string(to_string(param.param)); });

TEST_P(SessionTurns, LockWaitsForALockThatIsGoingOn) {
  while_locking([this] { EXPECT_NO_THROW(session_->lock()); });
  EXPECT_TRUE(session_->is_locked());
}

TEST_P(SessionTurns, UnlockGivesNoSessionThatIsBeingLocked) {
  while_locking([this] {
    const VaultSession next = workspace_->unlock("vault", kPassword);
    EXPECT_NO_THROW(add_note(next.lane("notes"), "x"));
  });
}

// Nobody gets a session without the password because another one is just ending.
TEST_P(SessionTurns, UnlockAsksForThePasswordAfterALock) {
  while_locking([this] {
    EXPECT_EQ(thrown<VaultError>([&] { (void)workspace_->unlock("vault", "wrong"); }).code(),
              "INVALID_PASSWORD");
  });
}

TEST_P(SessionTurns, AutoLockLeavesAloneAWriteThatGoesOn) {
  place_.options().auto_lock = milliseconds(20);
  AtPoint looks("SessionCore:looked");
  open();
  HeldWrite held(session_->lane("notes"), [](WriteTx& tx) { add_note(tx, "slow"); });
  looks.wait_until_reached(looks.reached() + 10);
  EXPECT_FALSE(session_->is_locked());
  EXPECT_NO_THROW(held.let_go());
}

TEST_P(SessionTurns, AutoLockLeavesAloneAReadThatGoesOn) {
  place_.options().auto_lock = milliseconds(20);
  AtPoint looks("SessionCore:looked");
  open();
  HeldRead held(session_->lane("notes"));
  looks.wait_until_reached(looks.reached() + 10);
  EXPECT_FALSE(session_->is_locked());
  EXPECT_NO_THROW(held.let_go());
}

TEST_P(SessionTurns, AChangeInsideAClosureLeavesTheProfileShared) {
  EXPECT_THROW(session_->lane("notes").write(
                   [&](WriteTx&) { workspace_->backup("vault", place_.outside("backup")); }),
               MisuseError);
  const auto unlock_again = [this] {
    if (GetParam() == ProfileKind::Encrypted) (void)place_.open().unlock("vault", kPassword);
  };
  EXPECT_NO_THROW(unlock_again());
  EXPECT_NO_THROW(add_note(session_->lane("notes"), "x"));
}

// Its lock, and its keys, end with it.
TEST_P(SessionTurns, ASessionThatCannotBeOpenedAgainKeepsNothing) {
  AtPoint written("write_archive:synced", 1);
  std::jthread backup(
      [this] { EXPECT_THROW(workspace_->backup("vault", place_.outside("backup")), Error); });
  written.wait_until_reached();
  write_file(part_of(place_.folder(made_), "database."), std::string(8192, 'x'));
  written.release();
  backup.join();
  EXPECT_TRUE(session_->is_locked());
  EXPECT_NO_THROW((void)other_program().guard("vault"));
}

TEST_P(SessionTurns, TheWorkspaceIsInUseForAsLongAsASession) {
  workspace_.reset();
  EXPECT_EQ(thrown<Timeout>([&] { (void)other_program(true); }).code(), "WORKSPACE_IN_USE");
  session_->lock();
  EXPECT_NO_THROW((void)other_program(true));
}

TEST_P(SessionTurns, TheWorkspaceIsInUseForAsLongAsAGuard) {
  session_->lock();
  std::optional<MaintenanceGuard> guard(workspace_->guard("vault"));
  workspace_.reset();
  EXPECT_EQ(thrown<Timeout>([&] { (void)other_program(true); }).code(), "WORKSPACE_IN_USE");
  guard.reset();
  EXPECT_NO_THROW((void)other_program(true));
}

}  // namespace
}  // namespace turnstile::test
