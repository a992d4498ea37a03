// Unlocking and locking a profile, and who may do what meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/door.h"
#include "support/interleaving.h"
#include "support/thrown.h"
#include "support/workspace.h"
#include "turnstile/diagnose.h"
#include "vault/throttle.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A workspace with a protected profile `vault`.
class ProtectedSession : public testing::TestWithParam<ProfileKind> {
 protected:
  ProtectedSession() {
    place_.options().save_within = milliseconds(0);
    workspace_ = std::make_unique<Workspace>(place_.open());
    made_ = workspace_->create("vault", {.kind = GetParam(), .password = kPassword});
  }
  [[nodiscard]] VaultSession unlock() { return workspace_->unlock("vault", kPassword); }
  void open_anew() {
    workspace_ = nullptr;
    workspace_ = std::make_unique<Workspace>(place_.open());
  }

  WorkspacePlace place_;
  std::unique_ptr<Workspace> workspace_;
  ProfileInfo made_;
};

INSTANTIATE_TEST_SUITE_P(Of, ProtectedSession,
                         testing::Values(ProfileKind::Sealed, ProfileKind::Encrypted),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(ProtectedSession, FindsWhatTheLastOneWrote) {
  add_note(unlock().lane("notes"), kCanary);
  open_anew();
  EXPECT_THAT(all_notes(unlock().lane("notes")), ElementsAre(kCanary));
}

// VSE-01: not even while it is open.
TEST_P(ProtectedSession, LeavesNothingPlainOnTheDisk) {
  const VaultSession session = unlock();
  add_note(session.lane("notes"), kCanary);
  session.attach_bytes(as_bytes(kCanary), {.name = "a.txt"});
  EXPECT_THAT(files_with(place_.root(), kCanary), IsEmpty());
  session.save();
  EXPECT_THAT(files_with(place_.root(), kCanary), IsEmpty());
  session.lock();
  EXPECT_THAT(files_with(place_.root(), kCanary), IsEmpty());
  EXPECT_THAT(files_with(place_.root(), "CREATE TABLE"), IsEmpty());
}

// A statement may hold what the database keeps secret; a sealed one shows not even its lanes.
TEST_P(ProtectedSession, ShowsItsStatementsToNobody) {
  const VaultSession session = unlock();
  const std::string path = part_of(place_.folder(made_), "database.").string();
  session.lane("notes").read([&](ReadTx& tx) {
    static_cast<void>(tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema").one());
    const std::vector<ProcessInfo> shown = processes(path);
    ASSERT_THAT(shown, SizeIs(GetParam() == ProfileKind::Encrypted ? 1 : 0));
    for (const ProcessInfo& process : shown) {
      ASSERT_THAT(process.calls, SizeIs(1));
      EXPECT_EQ(process.calls[0].lane, "notes");
      EXPECT_EQ(process.calls[0].sql, "");
    }
  });
}

// VSE-04
TEST_P(ProtectedSession, TellsAWrongPasswordFromADamagedVault) {
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace_->unlock("vault", "wrong"); }).code(),
            "INVALID_PASSWORD");
  const fs::path database = part_of(place_.folder(made_), "database.");
  std::string content = read_file(database);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  write_file(database, content);
  const auto problems = workspace_->verify("vault", kPassword).problems;
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0], HasSubstr("VAULT_CORRUPTED"));
  fs::remove(part_of(place_.folder(made_), "keys."));
  EXPECT_EQ(thrown<VaultError>([&] { (void)unlock(); }).code(), "VAULT_CORRUPTED");
}

TEST_P(ProtectedSession, NeedsAPassword) {
  for (const std::string_view blank : {"", "  ", "\t\n"}) {
    EXPECT_EQ(thrown<MisuseError>([&] { (void)workspace_->unlock("vault", blank); }).code(),
              "PASSWORD_REQUIRED");
  }
}

// VSE-07
TEST_P(ProtectedSession, ThatIsLockedAnswersNothing) {
  const VaultSession session = unlock();
  const Lane lane = session.lane("notes");
  add_note(lane, "x");
  session.lock();
  EXPECT_TRUE(session.is_locked());
  const auto locked = [](const auto& act) {
    EXPECT_EQ(thrown<VaultError>(act).code(), "VAULT_LOCKED");
  };
  locked([&] { (void)session.lane("notes"); });
  locked([&] { (void)session.info(); });
  locked([&] { session.save(); });
  locked([&] { (void)session.attachments(); });
  locked([&] { (void)session.setting("colour"); });
  locked([&] { session.change_password(kPassword, "other"); });
  EXPECT_THROW((void)count_notes(lane), Error);
  session.lock();  // Nothing to do.
}

TEST_P(ProtectedSession, EndsWithItsLastCopy) {
  {
    VaultSession copy = unlock();
    const VaultSession session = copy;
    add_note(session.lane("notes"), "x");
  }
  EXPECT_FALSE(workspace_->profile("vault").unlocked);
  EXPECT_EQ(count_notes(unlock().lane("notes")), 1);
}

// VSE-12: a second login is the same session.
TEST_P(ProtectedSession, IsTheSameForWhoeverUnlocksItAgain) {
  const VaultSession first = unlock();
  const Lane lane = first.lane("notes");
  // No key is derived: nobody looks at the password.
  const VaultSession second = workspace_->unlock("vault", "not the password");
  add_note(second.lane("notes"), "x");
  EXPECT_EQ(count_notes(lane), 1);
  second.lock();
  EXPECT_TRUE(first.is_locked());
}

// VSE-12
TEST_P(ProtectedSession, IsLockedOrKeptOrInTheWayWhenAnotherProfileIsUnlocked) {
  workspace_->create("plain");
  workspace_->create("other", {.kind = GetParam(), .password = "other"});
  const VaultSession plain = workspace_->unlock("plain");
  const VaultSession session = unlock();
  add_note(session.lane("notes"), "saved");
  EXPECT_EQ(thrown<MisuseError>([&] {
              (void)workspace_->unlock("other", "other", {.others = OtherSessions::Refuse});
            }).code(),
            "PROFILE_OTHER_OPEN");
  EXPECT_FALSE(session.is_locked());
  const VaultSession other = workspace_->unlock("other", "other", {.others = OtherSessions::Lock});
  EXPECT_TRUE(session.is_locked());
  EXPECT_FALSE(plain.is_locked());
  EXPECT_EQ(count_notes(unlock().lane("notes")), 1);
  EXPECT_FALSE(other.is_locked());
}

TEST_P(ProtectedSession, IsLockedWhenNobodyUsesIt) {
  place_.options().auto_lock = milliseconds(40);
  open_anew();
  const VaultSession session = unlock();
  add_note(session.lane("notes"), "saved");
  const auto until = std::chrono::steady_clock::now() + patience();
  while (!session.is_locked() && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_TRUE(session.is_locked());
  place_.options().auto_lock = milliseconds(0);
  open_anew();
  EXPECT_EQ(count_notes(unlock().lane("notes")), 1);
}

TEST_P(ProtectedSession, IsNotLockedWhileALaneIsUsed) {
  place_.options().auto_lock = milliseconds(200 * TURNSTILE_TEST_SLOWDOWN);
  open_anew();
  const VaultSession session = unlock();
  const Lane lane = session.lane("notes");
  const auto until = std::chrono::steady_clock::now() + 3 * place_.options().auto_lock;
  while (std::chrono::steady_clock::now() < until)
    ASSERT_EQ(count_notes(lane), 0);
  EXPECT_FALSE(session.is_locked());
}

TEST_P(ProtectedSession, LetsARecoveryKeyIn) {
  const std::string key = unlock().add_recovery_key();
  EXPECT_EQ(workspace_->profile("vault").recovery_keys, 1);
  open_anew();
  add_note(workspace_->unlock("vault", key, {.recovery_key = true}).lane("notes"), "x");
  EXPECT_THROW((void)workspace_->unlock("vault", key), VaultError);
  unlock().remove_recovery_keys();
  EXPECT_EQ(thrown<VaultError>([&] {
              (void)workspace_->unlock("vault", key, {.recovery_key = true});
            }).code(),
            "INVALID_PASSWORD");
  EXPECT_EQ(count_notes(unlock().lane("notes")), 1);
}

TEST_P(ProtectedSession, MakesWhoGivesWrongPasswordsWait) {
  place_.options().throttle = seconds(100);
  open_anew();
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace_->unlock("vault", "wrong"); }).code(),
            "INVALID_PASSWORD");
  EXPECT_EQ(thrown<VaultError>([&] { (void)unlock(); }).code(), "PASSWORD_THROTTLED");
  // Of this profile only.
  workspace_->create("other", {.kind = GetParam(), .password = "other"});
  EXPECT_NO_THROW((void)workspace_->unlock("other", "other"));
}

// VSE-06
TEST_P(ProtectedSession, IsRefusedWhenTheDatabaseLacksATable) {
  place_.options().required_tables = {"note", "card"};
  open_anew();
  const VaultError refused = thrown<VaultError>([&] { (void)unlock(); });
  EXPECT_EQ(refused.code(), "VAULT_CORRUPTED");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("'card'"));
  place_.options().required_tables = {"note"};
  open_anew();
  EXPECT_NO_THROW((void)unlock());
}

// VSE-06: one version old, it is migrated and saved.
TEST_P(ProtectedSession, BringsItsSchemaUpToDate) {
  place_.options().database.migrations.push_back({2, "cards", "CREATE TABLE card(id)"});
  open_anew();
  (void)unlock();
  place_.options().database.migrations.clear();
  place_.options().required_tables = {"card"};
  open_anew();
  EXPECT_NO_THROW((void)unlock());
}

TEST(Throttle, DoublesTheWaitUpToAMinute) {
  vault::Throttle throttle;
  const auto now = vault::Throttle::Clock::now();
  EXPECT_EQ(throttle.wait(now), milliseconds(0));
  throttle.failed(milliseconds(500), now);
  EXPECT_EQ(throttle.wait(now), milliseconds(500));
  throttle.failed(milliseconds(500), now);
  EXPECT_EQ(throttle.wait(now), milliseconds(1000));
  for (int i = 0; i < 20; ++i)
    throttle.failed(milliseconds(500), now);
  EXPECT_EQ(throttle.wait(now), milliseconds(60000));
  EXPECT_EQ(throttle.wait(now + seconds(59)), milliseconds(1000));
  throttle.succeeded();
  EXPECT_EQ(throttle.wait(now), milliseconds(0));
}

class PlainSession : public testing::Test {
 protected:
  PlainSession() { workspace_.create("work"); }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
};

TEST_F(PlainSession, WantsNoPassword) {
  EXPECT_EQ(thrown<MisuseError>([&] { (void)workspace_.unlock("work", kPassword); }).code(),
            "PASSWORD_UNEXPECTED");
}

TEST_F(PlainSession, KeepsSettings) {
  {
    const VaultSession session = workspace_.unlock("work");
    EXPECT_EQ(session.setting("colour"), std::nullopt);
    session.set_setting("colour", "blue");
    session.set_setting("size", "7");
    session.set_setting("size", std::nullopt);
  }
  const VaultSession session = workspace_.unlock("work");
  EXPECT_EQ(session.setting("colour"), "blue");
  EXPECT_EQ(session.setting("size"), std::nullopt);
}

// PORT-02: an export is one whole file.
TEST_F(PlainSession, ExportsItsDatabaseAsOneFile) {
  const VaultSession session = workspace_.unlock("work");
  add_note(session.lane("notes"), "exported");
  session.export_database(place_.outside("copy.db"));
  EXPECT_EQ(run_raw(place_.outside("copy.db"), "SELECT text FROM note"), "exported");
  EXPECT_EQ(count_notes(session.lane("notes")), 1) << "the session goes on";
}

// VFS-02
TEST_F(PlainSession, ExportsNothingIntoTheWorkspaceAndNothingThatIsNoFile) {
  const VaultSession session = workspace_.unlock("work");
  const fs::path folder = place_.root() / "profiles" / session.id();
  fs::create_directory_symlink(folder, place_.outside("link"));
  fs::create_symlink(place_.root() / "registry", place_.outside("registry link"));
  fs::create_directory(place_.outside("directory"));
  const auto code_for = [&](const fs::path& target) {
    return std::string(thrown<MisuseError>([&] { session.export_database(target); }).code());
  };
  const std::string before = picture_of(place_.root());
  EXPECT_EQ(code_for(folder / "copy.db"), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(place_.root() / "registry"), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(place_.root() / "workspace"), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(place_.root() / "workspace.lock"), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(fs::path(place_.outside("link")) / "copy.db"), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(place_.outside("registry link")), "TARGET_FORBIDDEN");
  EXPECT_EQ(code_for(place_.outside("missing/copy.db")), "TARGET_INVALID");
  EXPECT_EQ(code_for(place_.outside("directory")), "TARGET_INVALID");
  EXPECT_EQ(picture_of(place_.root()), before);
  session.export_database(place_.outside("copy.db"));
}

// VPL-09: at once, and nested.
TEST_F(PlainSession, IsNotToBeHadUnderAMaintenanceGuard) {
  auto guard = std::make_unique<MaintenanceGuard>(workspace_.guard("work"));
  auto nested = std::make_unique<MaintenanceGuard>(workspace_.guard("work"));
  const auto refused = [&] {
    return std::string(thrown<MisuseError>([&] { (void)workspace_.unlock("work"); }).code());
  };
  EXPECT_EQ(refused(), "PROFILE_MAINTENANCE");
  guard = nullptr;
  EXPECT_EQ(refused(), "PROFILE_MAINTENANCE");
  // VPL-10
  WorkspaceOptions hasty = place_.options();
  hasty.database.busy_timeout = milliseconds(0);
  Workspace other = Workspace::open(place_.root(), hasty);
  const Timeout busy = thrown<Timeout>([&] { (void)other.unlock("work"); });
  EXPECT_EQ(busy.code(), "PROFILE_BUSY");
  EXPECT_EQ(busy.holder().pid, ::getpid());
  nested = nullptr;
  EXPECT_NO_THROW((void)workspace_.unlock("work"));
}

TEST_F(PlainSession, KeepsAGuardAway) {
  const VaultSession session = workspace_.unlock("work");
  EXPECT_EQ(thrown<Timeout>([&] { (void)workspace_.guard("work"); }).code(), "PROFILE_BUSY");
}

// VPL-09: no session is there while a guard is, however they race.
TEST_F(PlainSession, AndAGuardAreNeverThereTogether) {
  place_.options().database.busy_timeout = milliseconds(0);
  place_.options().database.connections = 1;
  Workspace workspace = place_.open();
  Workspace other = place_.open();
  std::atomic<int> sessions{0};
  std::atomic<int> guards{0};
  std::atomic<int> both{0};
  std::atomic<int> rounds{0};
  constexpr int kRounds = 300;
  const auto try_session = [&](Workspace& mine) {
    for (int i = 0; i < kRounds; ++i) {
      try {
        const VaultSession session = mine.unlock("work");
        ++sessions;
        if (guards > 0) ++both;
        ++rounds;
        --sessions;
      } catch (const Error&) {
        // The guard was first.
      }
    }
  };
  const auto try_guard = [&] {
    for (int i = 0; i < kRounds; ++i) {
      try {
        const MaintenanceGuard guard = workspace.guard("work");
        ++guards;
        if (sessions > 0) ++both;
        ++rounds;
        --guards;
      } catch (const Error&) {
        // A session was first.
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { try_session(workspace); });
    threads.emplace_back([&] { try_session(other); });
    threads.emplace_back(try_guard);
  }
  EXPECT_EQ(both, 0);
  EXPECT_GT(rounds, 0);
}

// VPL-08: who does not end keeps the change from being, and nothing is changed.
TEST_F(PlainSession, IsNotChangedWhileACallOfItGoesOn) {
  place_.options().database.busy_timeout = milliseconds(20);
  Workspace workspace = place_.open();
  const VaultSession session = workspace.unlock("work");
  write_file(place_.outside("a.txt"), "a file");
  AtPoint attaching("AttachmentStore:file", 1);
  auto attached =
      std::async(std::launch::async, [&] { return session.attach(place_.outside("a.txt")); });
  attaching.wait_until_reached();
  EXPECT_EQ(thrown<Timeout>([&] { session.set_password(kPassword); }).code(), "PROFILE_BUSY");
  EXPECT_EQ(session.info().kind, ProfileKind::Plain);
  attaching.release();
  EXPECT_EQ(attached.get().name, "a.txt");
  EXPECT_NO_THROW(session.set_password(kPassword));
}

// VPL-08
TEST_F(PlainSession, IsNotChangedByItsOwnClosure) {
  const VaultSession session = workspace_.unlock("work");
  session.lane("notes").write([&](WriteTx& tx) {
    add_note(tx, "x");
    EXPECT_THROW(session.set_password(kPassword), MisuseError);
  });
  EXPECT_EQ(count_notes(session.lane("notes")), 1);
  EXPECT_EQ(session.info().kind, ProfileKind::Plain);
}

TEST_F(PlainSession, RefusesOthersAtOnceWhileItIsChanged) {
  const VaultSession session = workspace_.unlock("work");
  AtPoint changing("SessionCore:changing", 1);
  std::jthread change([&] { session.set_password(kPassword); });
  changing.wait_until_reached();
  EXPECT_EQ(thrown<MisuseError>([&] { (void)session.lane("notes"); }).code(),
            "PROFILE_MAINTENANCE");
  EXPECT_EQ(thrown<MisuseError>([&] { session.remove_password(kPassword); }).code(),
            "PROFILE_MAINTENANCE");
  changing.release();
  change.join();
  EXPECT_EQ(session.info().kind, ProfileKind::Sealed);
}

// VPL-10: a profile that another program has is not changed.
TEST_F(PlainSession, IsNotChangedWhileAnotherProgramHasIt) {
  place_.options().database.busy_timeout = milliseconds(100);
  Workspace first = place_.open();
  Workspace other = place_.open();
  const VaultSession session = first.unlock("work");
  const VaultSession theirs = other.unlock("work");
  EXPECT_EQ(thrown<Timeout>([&] { theirs.set_password(kPassword); }).code(), "PROFILE_BUSY");
  add_note(theirs.lane("notes"), "both go on");
  EXPECT_EQ(count_notes(session.lane("notes")), 1);
}

// ERR-03, VPL-05: each reason for not getting on has a code of its own.
TEST_F(PlainSession, TellsTheReasonsForWaitingApart) {
  place_.options().database.connections = 2;
  Workspace workspace = place_.open();
  workspace.create("other");
  const VaultSession session = workspace.unlock("other");
  const Lane lane = session.lane("notes");
  const CallOptions at_once{.timeout = milliseconds(0)};
  Door door;
  const auto wait_inside = [&](auto&) { door.pass(); };
  std::jthread reader([&] { lane.read(wait_inside); });
  std::jthread writer([&] { lane.write(wait_inside); });
  door.wait_for(2);
  const auto nothing = [](auto&) {};
  EXPECT_EQ(thrown<Timeout>([&] { lane.read(at_once, nothing); }).code(), "READ_TIMEOUT");
  EXPECT_EQ(thrown<Timeout>([&] { lane.write(at_once, nothing); }).code(), "WRITE_TIMEOUT");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(thrown<Cancelled>([&] { lane.write({.stop = stop.get_token()}, nothing); }).code(),
            "CANCELLED");
  EXPECT_EQ(thrown<Timeout>([&] { (void)workspace.guard("other"); }).code(), "PROFILE_BUSY");
  door.open();
  reader.join();
  writer.join();
  session.lock();
  const MaintenanceGuard guard = workspace.guard("other");
  EXPECT_EQ(thrown<MisuseError>([&] { (void)workspace.unlock("other"); }).code(),
            "PROFILE_MAINTENANCE");
  fs::remove(part_of(place_.folder(workspace.profile("work")), "database."));
  EXPECT_EQ(thrown<VaultError>([&] { (void)workspace.unlock("work"); }).code(), "DB_OPEN_FAILED");
}

}  // namespace
}  // namespace turnstile::test
