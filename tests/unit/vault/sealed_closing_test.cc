// A sealed session that is locked while somebody writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::Contains;
using testing::ElementsAre;

class SealedClosing : public testing::Test {
 protected:
  SealedClosing() {
    place_.options().save_within = milliseconds(0);
    place_.options().database.busy_timeout = milliseconds(50);
    workspace_.emplace(place_.open());
    made_ = workspace_->create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
    session_ = workspace_->unlock("vault", kPassword);
  }
  /// The notes that another program finds once it gets the profile.
  [[nodiscard]] std::vector<std::string> notes_on_disk() {
    place_.options().database.busy_timeout = patience();
    return all_notes(place_.open().unlock("vault", kPassword).lane("notes"));
  }
  /// Locks it while the medium is gone, with a note that was committed after all else was saved.
  std::string lock_without_medium() {
    const Lane lane = session_->lane("notes");
    add_note(lane, "first");
    AtPoint closing("SealedDatabase:closing", 1);
    std::string code;
    std::jthread locker([&] { code = thrown<Error>([&] { session_->lock(); }).code(); });
    closing.wait_until_reached();
    add_note(lane, "second");
    fs::rename(place_.folder(made_), place_.outside("moved"));
    closing.release();
    locker.join();
    return code;
  }
  void bring_medium_back() const { fs::rename(place_.outside("moved"), place_.folder(made_)); }

  WorkspacePlace place_;
  std::optional<Workspace> workspace_;
  ProfileInfo made_;
  std::optional<VaultSession> session_;
};

TEST_F(SealedClosing, GoesOnWithAllItHasWhenTheRestCannotBeSaved) {
  EXPECT_EQ(lock_without_medium(), "VAULT_NOT_SAVED");
  EXPECT_FALSE(session_->is_locked());
  EXPECT_THAT(all_notes(session_->lane("notes")), ElementsAre("first", "second"));
  bring_medium_back();
}

TEST_F(SealedClosing, SaysThatTheRestIsNotSaved) {
  lock_without_medium();
  const SavedState state = session_->saved_state();
  EXPECT_TRUE(state.unsaved);
  EXPECT_NE(state.failure, nullptr);
  bring_medium_back();
}

TEST_F(SealedClosing, SavesTheRestWhenItIsLockedAgain) {
  lock_without_medium();
  bring_medium_back();
  session_->lock();
  EXPECT_THAT(notes_on_disk(), ElementsAre("first", "second"));
}

TEST_F(SealedClosing, InterruptsAWriteThatGoesOnForLonger) {
  std::latch begun(1);
  const Lane lane = session_->lane("notes");
  std::jthread writer([&] {
    EXPECT_THROW(lane.write([&](WriteTx& tx) {
      begun.count_down();
      (void)tx
          .query<std::int64_t>(
              "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
              " SELECT count(*) FROM c")
          .one();
    }),
                 Error);
  });
  begun.wait();
  EXPECT_NO_THROW(session_->lock({.drain = milliseconds(20)}));
  EXPECT_TRUE(session_->is_locked());
}

/// Locked while a closure does not end, with a note that was committed and is not saved.
class SealedClosingLate : public SealedClosing {
 protected:
  SealedClosingLate() {
    add_note(session_->lane("notes"), "committed");
    held_.emplace(session_->lane("notes"), [](WriteTx& tx) { add_note(tx, "cut off"); });
    code_ = thrown<Timeout>([&] { session_->lock({.drain = milliseconds(20)}); }).code();
  }
  /// Ends the closure; the notes on the disk when all is done that comes of it.
  std::vector<std::string> let_go() {
    try {
      held_->let_go();
    } catch (const Error&) {
      // It was interrupted.
    }
    return notes_on_disk();
  }

  std::optional<HeldWrite> held_;
  std::string code_;
};

TEST_F(SealedClosingLate, IsLockedAtOnce) {
  EXPECT_EQ(code_, "CLOSE_TIMEOUT");
  EXPECT_TRUE(session_->is_locked());
  let_go();
}

TEST_F(SealedClosingLate, SavesWhatWasCommittedWhenTheClosureEnds) {
  EXPECT_THAT(let_go(), Contains("committed"));
}

TEST_F(SealedClosingLate, KeepsTheProfileUntilThen) {
  session_.reset();
  Workspace other = place_.open();
  EXPECT_EQ(thrown<Timeout>([&] { (void)other.unlock("vault", kPassword); }).code(),
            "PROFILE_BUSY");
  let_go();
}

}  // namespace
}  // namespace turnstile::test
