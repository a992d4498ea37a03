// What a lock leaves, and what a second login finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/interleaving.h"
#include "support/memory_scan.h"
#include "support/thrown.h"
#include "support/workspace.h"
#include "vault/profile_keys.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class LockedSession : public testing::TestWithParam<ProfileKind> {
 protected:
  LockedSession() {
    place_.options().save_within = milliseconds(0);
    workspace_ = std::make_unique<Workspace>(place_.open());
    made_ = workspace_->create("vault", {.kind = GetParam(), .password = kPassword});
  }

  WorkspacePlace place_;
  std::unique_ptr<Workspace> workspace_;
  ProfileInfo made_;
};

INSTANTIATE_TEST_SUITE_P(Of, LockedSession,
                         testing::Values(ProfileKind::Sealed, ProfileKind::Encrypted),
                         [](const auto& param) { return std::string(to_string(param.param)); });

// VSE-07: every call that has to do with data.
TEST_P(LockedSession, RefusesEveryCall) {
  const VaultSession session = workspace_->unlock("vault", kPassword);
  const std::string id = session.attach_bytes(as_bytes("x"), {.name = "a"}).id;
  const Lane lane = session.lane("notes");
  session.lock();
  write_file(place_.outside("b"), "y");
  const std::vector<std::pair<std::string_view, std::function<void()>>> calls = {
      {"info", [&] { (void)session.info(); }},
      {"lane", [&] { (void)session.lane("notes"); }},
      {"database_info", [&] { (void)session.database_info(); }},
      {"export_database", [&] { session.export_database(place_.outside("copy")); }},
      {"touch", [&] { session.touch(); }},
      {"save", [&] { session.save(); }},
      {"saved_state", [&] { (void)session.saved_state(); }},
      {"set_password", [&] { session.set_password("new"); }},
      {"change_password", [&] { session.change_password(kPassword, "new"); }},
      {"remove_password", [&] { session.remove_password(kPassword); }},
      {"convert", [&] { session.convert(ProfileKind::Sealed); }},
      {"rotate_key", [&] { session.rotate_key(kPassword); }},
      {"add_recovery_key", [&] { (void)session.add_recovery_key(); }},
      {"remove_recovery_keys", [&] { session.remove_recovery_keys(); }},
      {"attach", [&] { session.attach(place_.outside("b")); }},
      {"attach_bytes", [&] { session.attach_bytes(as_bytes("x"), {.name = "a"}); }},
      {"attachments", [&] { (void)session.attachments(); }},
      {"attachment", [&] { (void)session.attachment(id); }},
      {"read_attachment", [&] { (void)session.read_attachment(id); }},
      {"save_attachment", [&] { session.save_attachment(id, place_.outside("c")); }},
      {"remove_attachment", [&] { session.remove_attachment(id); }},
      {"recover_attachment", [&] { session.recover_attachment(id); }},
      {"purge_attachment", [&] { session.purge_attachment(id); }},
      {"sweep_attachments", [&] { session.sweep_attachments(); }},
      {"setting", [&] { (void)session.setting("colour"); }},
      {"set_setting", [&] { session.set_setting("colour", "blue"); }},
  };
  const std::string before = picture_of(place_.root());
  for (const auto& [name, call] : calls)
    EXPECT_EQ(thrown<VaultError>(call).code(), "VAULT_LOCKED") << name;
  // A lane belongs to the database, and it is the session that says why that is closed.
  EXPECT_EQ(thrown<MisuseError>([&] { (void)count_notes(lane); }).code(), "DB_CLOSED");
  EXPECT_EQ(thrown<MisuseError>([&] { add_note(lane, "x"); }).code(), "DB_CLOSED");
  EXPECT_EQ(picture_of(place_.root()), before);
}

// VSE-07: what was committed and not saved yet is saved.
TEST_P(LockedSession, HasSavedEverything) {
  const VaultSession session = workspace_->unlock("vault", kPassword);
  add_note(session.lane("notes"), "saved by lock");
  session.lock();
  workspace_ = std::make_unique<Workspace>(place_.open());
  EXPECT_THAT(all_notes(workspace_->unlock("vault", kPassword).lane("notes")),
              ElementsAre("saved by lock"));
}

// VSE-07, SEC-12: the key is gone although session and lane are still there.
TEST_P(LockedSession, LeavesNoKeyInMemory) {
  const auto pattern = [&] {
    const Call call{};
    const vault::ProfileFolder folder(place_.folder(made_));
    const vault::ProfileRecord record = vault::require_record(folder, call);
    const auto slots = vault::read_key_slots(folder, record, call);
    return HiddenPattern(vault::unlock_keys(slots, kPassword, false, call).data_key.bytes());
  }();
  ASSERT_EQ(pattern.times_in_memory(), 0U);
  const VaultSession session = workspace_->unlock("vault", kPassword);
  const Lane lane = session.lane("notes");
  add_note(lane, "x");
  EXPECT_GT(pattern.times_in_memory(), 0U) << "what is looked for is found while it is there";
  session.lock();
  EXPECT_EQ(pattern.times_in_memory(), 0U);
}

// VSE-12: one key derivation, whoever comes at the same time.
TEST_P(LockedSession, IsUnlockedOnceByWhoeverAsksAtOnce) {
  const AtPoint derived("WorkspaceCore:unlocking");
  constexpr int kThreads = 4;
  std::barrier together(kThreads);
  std::vector<VaultSession> sessions;
  std::mutex mutex;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        together.arrive_and_wait();
        VaultSession session = workspace_->unlock("vault", kPassword);
        const std::lock_guard lock(mutex);
        sessions.push_back(std::move(session));
      });
    }
  }
  EXPECT_EQ(derived.reached(), 1U);
  sessions.front().lock();
  for (const VaultSession& session : sessions)
    EXPECT_TRUE(session.is_locked());
}

// VSE-12: of two which refuse to be beside another one, one is refused, however they meet.
TEST_P(LockedSession, IsTheOnlyOneThatIsUnlockedByWhoRefusesOthers) {
  workspace_->create("other", {.kind = GetParam(), .password = kPassword});
  for (const OtherSessions others : {OtherSessions::Refuse, OtherSessions::Lock}) {
    AtPoint unlocking("WorkspaceCore:unlocking", 1);
    std::atomic<int> refused{0};
    std::vector<VaultSession> sessions;
    std::mutex mutex;
    const auto unlock = [&](std::string_view name) {
      try {
        VaultSession session = workspace_->unlock(name, kPassword, {.others = others});
        const std::lock_guard lock(mutex);
        sessions.push_back(std::move(session));
      } catch (const MisuseError& error) {
        EXPECT_EQ(error.code(), "PROFILE_OTHER_OPEN");
        ++refused;
      }
    };
    std::jthread first([&] { unlock("vault"); });
    unlocking.wait_until_reached();
    AtPoint coming("WorkspaceCore:alone");
    std::jthread second([&] { unlock("other"); });
    coming.wait_until_reached();
    unlocking.release();
    first.join();
    second.join();
    const auto open = std::ranges::count_if(
        sessions, [](const VaultSession& session) { return !session.is_locked(); });
    EXPECT_EQ(open, 1);
    EXPECT_EQ(refused, others == OtherSessions::Refuse ? 1 : 0);
    workspace_->eject();
  }
}

}  // namespace
}  // namespace turnstile::test
