// Backups of profiles, and what they are good for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/interleaving.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "support/workspace.h"
#include "vault/text_record.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string code_thrown_by(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return std::string(error.code());
  }
  return "nothing was thrown";
}

class ProfileBackup : public testing::TestWithParam<ProfileKind> {
 protected:
  ProfileBackup() {
    password_ = GetParam() == ProfileKind::Plain ? std::string_view() : kPassword;
    made_ = workspace_.create("work", {.kind = GetParam(), .password = password_});
    const VaultSession session = unlock();
    add_note(session.lane("notes"), kCanary);
    session.attach_bytes(as_bytes(kCanary), {.name = "a.txt"});
    session.set_setting("colour", "blue");
  }
  [[nodiscard]] VaultSession unlock() { return workspace_.unlock("work", password_); }
  [[nodiscard]] std::string file() const { return place_.outside("work.backup"); }
  void expect_content(const VaultSession& session) const {
    EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre(kCanary));
    ASSERT_THAT(session.attachments(), SizeIs(1));
    EXPECT_EQ(text_of(session.read_attachment(session.attachments()[0].id)), kCanary);
    EXPECT_EQ(session.setting("colour"), "blue");
  }

  WorkspacePlace place_;
  Workspace workspace_ = place_.open();
  std::string_view password_;
  ProfileInfo made_;
};

INSTANTIATE_TEST_SUITE_P(Of, ProfileBackup,
                         testing::Values(ProfileKind::Plain, ProfileKind::Sealed,
                                         ProfileKind::Encrypted),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

// VBK-01
TEST_P(ProfileBackup, GivesTheProfileBackInAnotherWorkspace) {
  const BackupInfo info = workspace_.backup("work", file());
  EXPECT_EQ(info.id, made_.id);
  EXPECT_EQ(info.name, "work");
  EXPECT_EQ(info.kind, GetParam());
  EXPECT_EQ(info.files, GetParam() == ProfileKind::Plain ? 2 : 3);
  WorkspacePlace elsewhere;
  Workspace other = elsewhere.open();
  const ProfileInfo restored = other.restore(file());
  EXPECT_EQ(restored.id, made_.id);
  EXPECT_EQ(restored.created, made_.created);
  expect_content(other.unlock("work", password_));
}

// VBK-01, VBK-08
TEST_P(ProfileBackup, SaysWhatItIsAndWhetherAnybodyCanReadIt) {
  workspace_.backup("work", file());
  const BackupInfo info = inspect_backup(file());
  EXPECT_EQ(info.name, "work");
  EXPECT_EQ(info.kind, GetParam());
  EXPECT_EQ(info.unprotected, GetParam() == ProfileKind::Plain);
  const bool readable = read_file(file()).find(kCanary) != std::string::npos;
  EXPECT_EQ(readable, info.unprotected);
}

// VBK-02: what the session has not saved yet is in it.
TEST_P(ProfileBackup, HoldsWhatWasCommittedLast) {
  const VaultSession session = unlock();
  add_note(session.lane("notes"), "last");
  workspace_.backup("work", file());
  EXPECT_EQ(count_notes(session.lane("notes")), 2) << "the session goes on";
  WorkspacePlace elsewhere;
  Workspace other = elsewhere.open();
  other.restore(file());
  EXPECT_EQ(count_notes(other.unlock("work", password_).lane("notes")), 2);
}

// VBK-02
TEST_P(ProfileBackup, IsMadeOnceAtATime) {
  AtPoint writing("WorkspaceCore:backup", 1);
  std::jthread first([&] { workspace_.backup("work", file()); });
  writing.wait_until_reached();
  EXPECT_EQ(code_thrown_by([&] { workspace_.backup("work", place_.outside("b")); }),
            "BACKUP_ALREADY_RUNNING");
  writing.release();
  first.join();
  workspace_.backup("work", place_.outside("b"));
}

// VBK-04: database and attachments are of one moment.
TEST_P(ProfileBackup, IsOfOneMoment) {
  VaultSession session = unlock();
  std::jthread attaching([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      try {
        session.attach_bytes(as_bytes(std::to_string(i)), {.name = "a"});
      } catch (const Error& error) {
        EXPECT_THAT(std::string(error.code()), AnyOf("PROFILE_MAINTENANCE", "DB_CLOSED"));
      }
    }
  });
  for (int i = 0; i < 5; ++i) {
    const std::string name = place_.outside("backup " + std::to_string(i));
    workspace_.backup("work", name);
    WorkspacePlace elsewhere;
    Workspace other = elsewhere.open();
    other.restore(name);
    const VaultSession restored = other.unlock("work", password_);
    const SweepReport report = restored.sweep_attachments();
    EXPECT_THAT(report.files_without_row, IsEmpty());
    EXPECT_THAT(report.rows_without_file, IsEmpty());
  }
}

// VBK-06
TEST_P(ProfileBackup, TakesTheProfileBackToWhatItWas) {
  workspace_.backup("work", file());
  {
    const VaultSession session = unlock();
    add_note(session.lane("notes"), "later");
    session.purge_attachment(session.attachments().at(0).id);
    EXPECT_EQ(code_thrown_by([&] { workspace_.restore(file(), {.profile = "work"}); }),
              "PROFILE_BUSY");
  }
  workspace_.restore(file(), {.profile = "work"});
  expect_content(unlock());
}

// VBK-05: the id has to fit.
TEST_P(ProfileBackup, IsOfItsProfileOnly) {
  workspace_.backup("work", file());
  workspace_.create("other");
  EXPECT_EQ(code_thrown_by([&] { workspace_.restore(file(), {.profile = "other"}); }),
            "BACKUP_PROFILE_DIFFERS");
  EXPECT_EQ(code_thrown_by([&] { workspace_.restore(file()); }), "PROFILE_EXISTS");
}

TEST_P(ProfileBackup, IsNotWrittenOverAFileNorIntoTheWorkspace) {
  workspace_.backup("work", file());
  EXPECT_EQ(code_thrown_by([&] { workspace_.backup("work", file()); }), "BACKUP_EXISTS");
  workspace_.backup("work", file(), {.overwrite = true});
  EXPECT_EQ(code_thrown_by([&] { workspace_.backup("work", place_.root() / "b"); }),
            "TARGET_FORBIDDEN");
}

// VBK-10, VBK-05: what is too much for a restore is too much for a backup.
TEST_P(ProfileBackup, IsRefusedBeyondItsLimitsBothWays) {
  workspace_.backup("work", file());
  for (const BackupLimits limits : {BackupLimits{.files = 1}, BackupLimits{.file_bytes = 100},
                                    BackupLimits{.total_bytes = 100}}) {
    WorkspacePlace elsewhere;
    elsewhere.options().backup_limits = limits;
    Workspace other = elsewhere.open();
    EXPECT_EQ(code_thrown_by([&] { other.restore(file()); }), "BACKUP_LIMIT");
    EXPECT_THAT(other.profiles(), IsEmpty());
    place_.options().backup_limits = limits;
    EXPECT_EQ(code_thrown_by([&] { place_.open().backup("work", place_.outside("b")); }),
              "BACKUP_LIMIT");
    EXPECT_FALSE(fs::exists(place_.outside("b")));
  }
}

// VBK-10: whoever allows more for backups can also look at what was made so.
TEST_P(ProfileBackup, IsLookedAtWithinTheLimitsThatAreGiven) {
  workspace_.backup("work", file());
  EXPECT_EQ(code_thrown_by([&] { (void)inspect_backup(file(), {.files = 1}); }), "BACKUP_LIMIT");
  EXPECT_EQ(inspect_backup(file(), {.files = 3}).id, made_.id);
}

// VBK-05: a flipped bit, wherever it is, and nothing is touched.
TEST_P(ProfileBackup, WithAFlippedBitIsNotRestored) {
  workspace_.backup("work", file());
  const std::string whole = read_file(file());
  const std::string before = picture_of(place_.root());
  std::mt19937_64 random(test_seed());
  constexpr std::size_t kFirst = 1200;  // The head and the manifest.
  constexpr int kTrials = 250;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::size_t byte = random() % (trial % 2 == 0 ? kFirst : whole.size());
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << (random() % 8)));
    write_file(file(), damaged);
    ASSERT_THAT(code_thrown_by([&] { workspace_.restore(file(), {.profile = "work"}); }),
                AnyOf("BACKUP_INVALID", "VAULT_FORMAT_UNSUPPORTED", "BACKUP_LIMIT"))
        << "byte " << byte;
  }
  write_file(file(), whole.substr(0, whole.size() - 1));
  EXPECT_EQ(code_thrown_by([&] { workspace_.restore(file(), {.profile = "work"}); }),
            "BACKUP_INVALID");
  write_file(file(), whole + "x");
  EXPECT_EQ(code_thrown_by([&] { workspace_.restore(file(), {.profile = "work"}); }),
            "BACKUP_INVALID");
  EXPECT_EQ(picture_of(place_.root()), before);
}

/// An archive that somebody has made by hand.
std::string archive_of(const vault::TextRecord& manifest, std::string_view bodies) {
  const std::string text = manifest.to_text();
  std::string length;
  for (std::size_t rest = text.size(), i = 0; i < 8; ++i, rest /= 256)
    length += static_cast<char>(rest % 256);
  return "TURNSTILE-BACKUP" + length + text + std::string(bodies);
}

vault::TextRecord manifest_with(const std::vector<std::string>& files,
                                const std::string& form = "plain") {
  vault::TextRecord manifest("turnstile-backup 1");
  manifest.add("created_us", "1");
  manifest.add("library_version", "0");
  manifest.add("id", "abc");
  manifest.add("name", "hostile");
  manifest.add("kind", form);
  manifest.add("form", form);
  manifest.add("profile_created_us", "1");
  for (const std::string& file : files)
    manifest.add("file", file);
  return manifest;
}

// VBK-05: hostile ones.
TEST(HostileBackup, IsRefusedAndLeavesNothing) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const std::string hash =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";  // Of nothing.
  const std::string empty = "0 " + hash + ' ';
  const std::string before = picture_of(place.root());
  const auto restore = [&](const std::string& archive) {
    write_file(place.outside("hostile"), archive);
    return code_thrown_by([&] { workspace.restore(place.outside("hostile")); });
  };
  const auto refused = [&](const std::vector<std::string>& files, const std::string& form) {
    EXPECT_EQ(restore(archive_of(manifest_with(files, form), "")), "BACKUP_INVALID")
        << testing::PrintToString(files);
  };
  refused({}, "plain");
  refused({empty + "../../../escaped"}, "plain");
  refused({empty + "database", empty + "/escaped"}, "plain");
  refused({empty + "database", empty + "attachments/../../escaped"}, "plain");
  refused({empty + "database", empty + "attachments/a/b"}, "plain");
  refused({empty + "database", empty + "database"}, "plain");
  refused({empty + "database", empty + "keys"}, "plain");
  refused({empty + "database"}, "sealed");
  refused({"-1 " + hash + " database"}, "plain");
  refused({"99999999999999999999 " + hash + " database"}, "plain");
  EXPECT_EQ(restore(archive_of(manifest_with({"9000000000000000000 " + hash + " database"}), "")),
            "BACKUP_LIMIT");
  EXPECT_EQ(restore("a letter"), "BACKUP_INVALID");
  EXPECT_EQ(restore(""), "BACKUP_INVALID");
  EXPECT_EQ(picture_of(place.root()), before);
  EXPECT_FALSE(fs::exists(place.outside("escaped")));
}

// VBK-05: also for who sets no limits.
TEST(HostileBackup, OfMoreBytesThanCanBeCountedIsRefused) {
  WorkspacePlace place;
  constexpr auto kAll = std::numeric_limits<std::int64_t>::max();
  place.options().backup_limits = {.file_bytes = kAll, .total_bytes = kAll};
  Workspace workspace = place.open();
  const std::string file = "9000000000000000000 " + std::string(64, '0') + ' ';
  write_file(place.outside("hostile"),
             archive_of(manifest_with({file + "database", file + "attachments/a"}), ""));
  EXPECT_EQ(code_thrown_by([&] { workspace.restore(place.outside("hostile")); }), "BACKUP_LIMIT");
}

// VBK-05: headers are checked: a plain database in a protected profile's backup is refused.
TEST(HostileBackup, WithAPlainDatabaseForAProtectedProfileIsRefused) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("vault", {.kind = ProfileKind::Encrypted, .password = kPassword});
  workspace.backup("vault", place.outside("honest"));
  write_file(place.outside("plain.db"), "");
  run_raw(place.outside("plain.db"), "CREATE TABLE note(id)");
  // The honest one with another database, and a manifest to match.
  const fs::path folder = place.folder(workspace.profile("vault"));
  fs::remove(part_of(folder, "database."));
  fs::copy_file(place.outside("plain.db"), folder / "database.1");
  workspace.backup("vault", place.outside("hostile"));
  workspace.remove("vault");
  EXPECT_EQ(code_thrown_by([&] { workspace.restore(place.outside("hostile")); }), "BACKUP_INVALID");
  workspace.restore(place.outside("honest"));
}

// VBK-05: who can exchange the file must not get what is written afterwards in the clear.
TEST(PlainBackup, TakesNoPasswordAwayUnlessThatIsMeant) {
  for (const std::string_view password : {"", "of the backup"}) {
    WorkspacePlace place;
    Workspace workspace = place.open();
    workspace.create("work");
    workspace.backup("work", place.outside("backup"), {.password = password});
    {
      const VaultSession session = workspace.unlock("work");
      session.set_password(kPassword);
    }
    const std::string before = picture_of(place.root());
    RestoreProfile options{.password = password, .profile = "work"};
    EXPECT_EQ(code_thrown_by([&] { workspace.restore(place.outside("backup"), options); }),
              "PROFILE_ALREADY_PROTECTED");
    EXPECT_EQ(picture_of(place.root()), before);
    options.remove_password = true;
    EXPECT_EQ(workspace.restore(place.outside("backup"), options).kind, ProfileKind::Plain);
  }
}

// VBK-10: what a restore would refuse is not written.
TEST(BackupOfManyFiles, IsRefusedWhenItsListIsTooLongForARestore) {
  WorkspacePlace place;
  place.options().backup_limits.files = 100000;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  constexpr int kFiles = 40000;
  for (int i = 0; i < kFiles; ++i) {
    const std::string number = std::to_string(i);
    write_file(
        place.folder(made) / "attachments.1" / (std::string(32 - number.size(), '0') + number), "");
  }
  EXPECT_EQ(code_thrown_by([&] { workspace.backup("work", place.outside("backup")); }),
            "BACKUP_LIMIT");
  EXPECT_FALSE(fs::exists(place.outside("backup")));
}

// VBK-08
TEST(EncryptedBackup, OfAProfileWithoutAPasswordNeedsItsOwn) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work");
  {
    const VaultSession session = workspace.unlock("work");
    add_note(session.lane("notes"), kCanary);
    session.attach_bytes(as_bytes(kCanary), {.name = "a.txt"});
  }
  const BackupInfo info =
      workspace.backup("work", place.outside("backup"), {.password = "of the backup"});
  EXPECT_FALSE(info.unprotected);
  EXPECT_EQ(info.kind, ProfileKind::Plain);
  EXPECT_EQ(read_file(place.outside("backup")).find(kCanary), std::string::npos);
  WorkspacePlace elsewhere;
  Workspace other = elsewhere.open();
  EXPECT_EQ(code_thrown_by([&] { other.restore(place.outside("backup")); }), "PASSWORD_REQUIRED");
  EXPECT_EQ(code_thrown_by([&] { other.restore(place.outside("backup"), {.password = "x"}); }),
            "INVALID_PASSWORD");
  EXPECT_THAT(names_in(elsewhere.root() / "tmp"), IsEmpty());
  other.restore(place.outside("backup"), {.password = "of the backup"});
  const VaultSession session = other.unlock("work");
  EXPECT_THAT(all_notes(session.lane("notes")), ElementsAre(kCanary));
  EXPECT_EQ(text_of(session.read_attachment(session.attachments().at(0).id)), kCanary);
  EXPECT_THAT(names_in(elsewhere.root() / "tmp"), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
