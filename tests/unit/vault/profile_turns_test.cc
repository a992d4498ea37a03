// How calls of one workspace on one profile wait for each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kDeadline{50};

/// A call on a thread of its own that has come to a sync point, and stays there until let_go() or
/// the destructor.
///
/// Threads: confined.
class CallAt {
 public:
  CallAt(std::string point, std::function<void()> call)
      : point_(std::move(point), 1), call_(std::async(std::launch::async, std::move(call))) {
    point_.wait_until_reached();
  }
  ~CallAt() { point_.release(); }
  CallAt(const CallAt&) = delete;
  CallAt& operator=(const CallAt&) = delete;

  /// Throws what the call throws.
  void let_go() {
    point_.release();
    call_.get();
  }

 private:
  AtPoint point_;
  std::future<void> call_;  // Last: its destructor waits for the call.
};

/// The profiles `plain` and `vault`, which nobody has unlocked.
class ProfileTurns : public testing::Test {
 protected:
  ProfileTurns() {
    Workspace workspace = place_.open();
    plain_ = workspace.create("plain").id;
    vault_ = workspace.create("vault", {.kind = ProfileKind::Sealed, .password = kPassword}).id;
    workspace.backup("plain", place_.outside("backup"));
    open(kDeadline);
  }
  void open(milliseconds deadline) {
    place_.options().database.busy_timeout = deadline;
    workspace_.emplace(place_.open());
  }
  /// Has the profile `plain` until it is let go.
  [[nodiscard]] auto unlocking() {
    return std::make_unique<CallAt>("WorkspaceCore:unlocking",
                                    [this] { (void)workspace_->unlock("plain"); });
  }
  template <class F>
  [[nodiscard]] static std::string code_of(const F& call) {
    return std::string(thrown<Timeout>(call).code());
  }

  WorkspacePlace place_;
  std::string plain_;
  std::string vault_;
  std::optional<Workspace> workspace_;
};

TEST_F(ProfileTurns, AreWaitedForUntilTheDeadline) {
  const auto first = unlocking();
  const auto error = thrown<Timeout>([&] { (void)workspace_->unlock("plain"); });
  EXPECT_EQ(error.code(), "PROFILE_BUSY");
  EXPECT_GE(error.waited(), kDeadline);
}

TEST_F(ProfileTurns, ThatAreNotHadAreToldToBeAnotherCallsOfThisProcess) {
  const auto first = unlocking();
  const auto error = thrown<Timeout>([&] { (void)workspace_->unlock("plain"); });
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("'" + plain_ + "' is in use by another call of this process"));
}

TEST_F(ProfileTurns, AreHadWhenTheCallBeforeIsDone) {
  open(patience());
  const auto first = unlocking();
  AtPoint waiting("CallTurn:waiting");
  auto second = std::async(std::launch::async, [this] { return workspace_->unlock("plain"); });
  waiting.wait_until_reached();
  first->let_go();
  EXPECT_EQ(count_notes(second.get().lane("notes")), 0);
}

TEST_F(ProfileTurns, AreOfOneProfileOnly) {
  const auto first = unlocking();
  EXPECT_NO_THROW((void)workspace_->unlock("vault", kPassword));
}

TEST_F(ProfileTurns, AreGivenBackByACallThatDidNotHaveThem) {
  const auto first = unlocking();
  EXPECT_EQ(code_of([&] { (void)workspace_->guard("plain"); }), "PROFILE_BUSY");
  first->let_go();
  EXPECT_NO_THROW((void)workspace_->guard("plain"));
}

TEST_F(ProfileTurns, LeaveNothingOfAChangeThatDoesNotHaveThem) {
  const auto first = unlocking();
  const std::string before = picture_of(place_.root());
  EXPECT_EQ(code_of([&] { workspace_->rename("plain", "other"); }), "PROFILE_BUSY");
  EXPECT_EQ(code_of([&] { workspace_->remove("plain"); }), "PROFILE_BUSY");
  EXPECT_EQ(code_of([&] { workspace_->duplicate("plain", "copy"); }), "PROFILE_BUSY");
  EXPECT_EQ(code_of([&] { workspace_->restore(place_.outside("backup"), {.profile = plain_}); }),
            "PROFILE_BUSY");
  EXPECT_EQ(picture_of(place_.root()), before);
}

TEST_F(ProfileTurns, LeaveNothingOfABackupThatDoesNotHaveThem) {
  const auto first = unlocking();
  EXPECT_EQ(code_of([&] { workspace_->backup("plain", place_.outside("second")); }),
            "PROFILE_BUSY");
  first->let_go();
  EXPECT_NO_THROW(workspace_->backup("plain", place_.outside("second")));
}

// Of two that are to be the only one, the second one waits for the first, whatever its profile.
TEST_F(ProfileTurns, OfTheOnlySessionAreWaitedForUntilTheDeadline) {
  const CallAt first("WorkspaceCore:unlocking", [this] {
    (void)workspace_->unlock("plain", {}, {.others = OtherSessions::Refuse});
  });
  const auto error = thrown<Timeout>(
      [&] { (void)workspace_->unlock("vault", kPassword, {.others = OtherSessions::Refuse}); });
  EXPECT_EQ(error.code(), "PROFILE_BUSY");
  EXPECT_THAT(std::string(error.message()), HasSubstr("is to be the only one"));
}

// The copy tries the password before it has the profile.
TEST_F(ProfileTurns, OfAPasswordAreWaitedForUntilTheDeadline) {
  const CallAt first("PasswordTries:trying",
                     [this] { workspace_->duplicate("vault", "copy", kPassword); });
  const auto error = thrown<Timeout>([&] { (void)workspace_->unlock("vault", kPassword); });
  EXPECT_EQ(error.code(), "PROFILE_BUSY");
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("a password of the profile '" + vault_ + "' is being tried"));
}

}  // namespace
}  // namespace turnstile::test
