// Databases that are sealed in a file and open in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/files.h"
#include "support/forked.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/memory_scan.h"
#include "support/note_database.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/vault_bytes.h"
#include "turnstile/turnstile.h"
#include "vault/storage/memory_store.h"
#include "vault/storage/sealed_database.h"

namespace turnstile::vault {
namespace {

using namespace std::chrono_literals;
using test::add_note;
using test::count_notes;
using test::fixed_key;
using test::names_in;
using test::read_file;
using test::seal_of;
using test::TempDir;
using test::thrown;
using testing::ElementsAre;
using testing::HasSubstr;

SealedOptions on_demand() {
  SealedOptions options;
  options.save_within = 0ms;
  options.database.migrations = test::note_schema();
  return options;
}

SealedOptions scheduled() {
  SealedOptions options = on_demand();
  options.save_within = 1ms;
  return options;
}

std::string pragma(const Database& database, const std::string& name) {
  for (const Setting& setting : database.info().settings)
    if (setting.name == name) return setting.in_force;
  return "?";
}

class SealedDatabases : public testing::Test {
 protected:
  SealedDatabase create(SealedOptions options = on_demand()) {
    return SealedDatabase::create(path(), key_, seal_, std::move(options));
  }
  SealedDatabase open(SealedOptions options = on_demand()) {
    return SealedDatabase::open(path(), key_, seal_, std::move(options));
  }
  /// The rows of the file, as another one finds them who opens it.
  std::int64_t saved() { return count_notes(open().database().lane("test")); }
  [[nodiscard]] std::string path() const { return folder_.file("vault"); }

  const TempDir folder_;
  const SecretBytes key_ = fixed_key();
  const Seal seal_ = seal_of(Purpose::Database, "profile");
};

TEST_F(SealedDatabases, KeepWhatWasWrittenWhenTheyAreClosed) {
  {
    SealedDatabase sealed = create();
    add_note(sealed.database().lane("test"), "first");
    EXPECT_TRUE(sealed.close().was_last_handle);
  }
  SealedDatabase sealed = open();
  EXPECT_EQ(count_notes(sealed.database().lane("test")), 1);
  EXPECT_EQ(sealed.state().generation, 2U);
}

TEST_F(SealedDatabases, AreInTheFileFromTheBeginning) {
  const SealedDatabase sealed = create();
  EXPECT_EQ(saved(), 0);
  EXPECT_EQ(thrown<StorageError>([&] { (void)create(); }).code(), "BACKUP_EXISTS");
}

TEST_F(SealedDatabases, WithoutATableAreSavedToo) {
  SealedOptions options;
  options.save_within = 0ms;
  create(options).close();
  SealedDatabase sealed = open(options);
  sealed.database().lane("test").write([](WriteTx& tx) { tx.execute("CREATE TABLE t(a)"); });
  sealed.close();
  EXPECT_EQ(open(options).database().lane("test").read(
                [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM t").one(); }),
            0);
}

// VPL-03, S2-9: journal in memory; the same settings of a connection as elsewhere.
// VPL-04: a named store of the memdb VFS, no shared cache.
TEST_F(SealedDatabases, HaveTheirJournalInMemory) {
  SealedDatabase sealed = create();
  EXPECT_EQ(pragma(sealed.database(), "journal_mode"), "memory");
  EXPECT_EQ(pragma(sealed.database(), "foreign_keys"), "on");
  EXPECT_EQ(pragma(sealed.database(), "busy_timeout"), "5000 ms");
  const std::string store = sealed.database().lane("test").read([](ReadTx& tx) {
    return tx.query<std::int64_t>("PRAGMA temp_store").one() == 2 ? "memory" : "file";
  });
  EXPECT_EQ(store, "memory");
}

// VPL-04: several connections see each other's commits, and none is ever locked.
TEST_F(SealedDatabases, AreUsedByManyThreads) {
  SealedDatabase sealed = create(scheduled());
  constexpr int kThreads = 8;
  constexpr int kRows = 50;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&sealed, i] {
        for (int row = 0; row < kRows; ++row) {
          const std::int64_t before = count_notes(sealed.database().lane("test"));
          add_note(sealed.database().lane("test"), std::to_string(i) + "/" + std::to_string(row));
          EXPECT_GT(count_notes(sealed.database().lane("test")), before);
        }
      });
    }
  }
  EXPECT_EQ(count_notes(sealed.database().lane("test")), kThreads * kRows);
  sealed.close();
  EXPECT_EQ(saved(), kThreads * kRows);
}

// VSE-01: no plain page on the medium, in no file, at any time; the rows are large enough to fill
// journals and sorters that would go to files.
TEST_F(SealedDatabases, LeaveNothingPlainOnTheMedium) {
  SealedOptions options = scheduled();
  SealedDatabase sealed = create(options);
  const std::string canary = "the canary sings at dawn";
  sealed.database().lane("test").write([&](WriteTx& tx) {
    tx.execute(
        "INSERT INTO note(text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 20000) SELECT ? || i FROM n",
        canary);
    tx.execute("UPDATE note SET text = text || 'x'");
    tx.execute("CREATE TEMP TABLE sorted AS SELECT text FROM note ORDER BY text DESC");
  });
  EXPECT_THAT(test::open_files_in("/tmp"), testing::Not(testing::Contains(HasSubstr("etilqs"))));
  sealed.save();
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("vault"));
  EXPECT_THAT(test::files_with(folder_.path(), "canary"), testing::IsEmpty());
  sealed.close();
  EXPECT_THAT(names_in(folder_.path()), ElementsAre("vault"));
  EXPECT_THAT(test::files_with(folder_.path(), "canary"), testing::IsEmpty());
}

// SEC-12, VSE-07: after the end neither key nor content is in memory.
TEST_F(SealedDatabases, LeaveNoKeyInMemoryWhenTheyAreClosed) {
  SecretBytes key = SecretBytes::random(kDataKeySize);
  const test::HiddenPattern pattern(key.bytes());
  SealedDatabase sealed = SealedDatabase::create(path(), key, seal_, on_demand());
  key.wipe();
  add_note(sealed.database().lane("test"), "first");
  sealed.save();
  ASSERT_EQ(pattern.times_in_memory(), 1U);
  sealed.close();
  EXPECT_EQ(pattern.times_in_memory(), 0U);
}

TEST(MemoryStoreOfAVault, IsOverwrittenAtItsEnd) {
  const SecretBytes secret = SecretBytes::random(40);
  const test::HiddenPattern pattern(secret.bytes());
  {
    MemoryStore store(1 << 20);
    store.reserve(100000);
    store.write(50000, secret.bytes());
    ASSERT_EQ(pattern.times_in_memory(), 2U);
  }
  EXPECT_EQ(pattern.times_in_memory(), 1U);
}

// Lanes that are still there find it closed.
TEST_F(SealedDatabases, RefuseLanesThatOutliveThem) {
  SealedDatabase sealed = create();
  const Lane lane = sealed.database().lane("test");
  sealed.close();
  EXPECT_EQ(thrown<MisuseError>([&] { lane.write([](WriteTx&) {}); }).code(), "DB_CLOSED");
}

TEST_F(SealedDatabases, AreVacuumed) {
  SealedDatabase sealed = create();
  sealed.database().lane("test").write([](WriteTx& tx) {
    tx.execute("CREATE TABLE large AS SELECT zeroblob(1000000)");
    tx.execute("DROP TABLE large");
    add_note(tx, "first");
  });
  sealed.save();
  const std::uint64_t before = sealed.state().content_bytes;
  sealed.database().maintenance().vacuum();
  sealed.save();
  EXPECT_LT(sealed.state().content_bytes, before / 2);
  EXPECT_EQ(saved(), 1);
}

TEST_F(SealedDatabases, CannotBeAskedForWhenTheyAreClosed) {
  SealedDatabase sealed = create();
  sealed.close();
  EXPECT_EQ(thrown<VaultError>([&] { (void)sealed.database(); }).code(), "VAULT_LOCKED");
  EXPECT_FALSE(sealed.state().unsaved);
  sealed.close();  // Again, which does nothing.
}

// ---- Saving ----

TEST_F(SealedDatabases, OfOneConnectionAreSaved) {
  SealedOptions options = scheduled();
  options.database.connections = 1;
  SealedDatabase sealed = create(options);
  test::AtPoint published("SealedWriter:published");
  add_note(sealed.database().lane("test"), "first");
  published.wait_until_reached();
  sealed.close();
  EXPECT_EQ(saved(), 1);
}

TEST_F(SealedDatabases, AreInTheFileWhenSaveReturns) {
  SealedDatabase sealed = create();
  add_note(sealed.database().lane("test"), "first");
  EXPECT_TRUE(sealed.state().unsaved);
  EXPECT_EQ(saved(), 0);
  sealed.save();
  EXPECT_FALSE(sealed.state().unsaved);
  EXPECT_EQ(saved(), 1);
}

TEST_F(SealedDatabases, AreNotWrittenWhenNothingWasChanged) {
  SealedDatabase sealed = create();
  const std::string before = read_file(path());
  EXPECT_EQ(count_notes(sealed.database().lane("test")), 0);
  sealed.save();
  EXPECT_EQ(read_file(path()), before);
  sealed.close();
  EXPECT_EQ(read_file(path()), before);
}

// VSE-10: the time between a commit and its save is bounded.
TEST_F(SealedDatabases, AreSavedBySchedule) {
  SealedDatabase sealed = create(scheduled());
  test::AtPoint published("SealedWriter:published");
  add_note(sealed.database().lane("test"), "first");
  published.wait_until_reached();
  EXPECT_EQ(saved(), 1);
}

// VSE-08: requests at the same time share a save, and none is lost.
TEST_F(SealedDatabases, ShareASaveAmongManyRequests) {
  SealedDatabase sealed = create();
  test::AtPoint first_copied("SealedDatabase:copied", 1);
  add_note(sealed.database().lane("test"), "first");
  std::jthread first([&] { sealed.save(); });
  first_copied.wait_until_reached();
  // From now on a save has its copy, and these come too late for it.
  add_note(sealed.database().lane("test"), "second");
  std::vector<std::jthread> others;
  std::atomic<int> asked{0};
  constexpr int kOthers = 8;
  for (int i = 0; i < kOthers; ++i) {
    others.emplace_back([&] {
      ++asked;
      sealed.save();
      EXPECT_EQ(sealed.state().generation, 3U);
    });
  }
  while (asked < kOthers)
    std::this_thread::yield();
  first_copied.release();
  first.join();
  others.clear();
  EXPECT_EQ(sealed.state().saves, 3U);  // Made, first, second.
  EXPECT_EQ(saved(), 2);
}

// A commit while the copy is encrypted and written is not in it, and is not forgotten either.
TEST_F(SealedDatabases, DoNotForgetACommitDuringASave) {
  SealedDatabase sealed = create(scheduled());
  test::AtPoint copied("SealedDatabase:copied", 1);
  add_note(sealed.database().lane("test"), "first");
  copied.wait_until_reached();
  add_note(sealed.database().lane("test"), "during the save");
  EXPECT_TRUE(sealed.state().unsaved);
  test::AtPoint published("SealedWriter:published");
  copied.release();
  published.wait_until_reached(2);
  EXPECT_EQ(saved(), 2);
}

// VSE-13: a writer does not wait for the encrypting and the writing.
TEST_F(SealedDatabases, AreWrittenToWhileTheyAreSaved) {
  SealedDatabase sealed = create();
  add_note(sealed.database().lane("test"), "first");
  test::AtPoint copied("SealedDatabase:copied", 1);
  std::jthread save([&] { sealed.save(); });
  copied.wait_until_reached();
  add_note(sealed.database().lane("test"), "second");
  EXPECT_EQ(count_notes(sealed.database().lane("test")), 2);
  copied.release();
}

// VSE-09: a save that fails is told, kept in memory, and made up for.
TEST_F(SealedDatabases, StayOpenWhenTheyCannotBeSaved) {
  const std::filesystem::path moved = folder_.path() / "moved";
  const std::filesystem::path place = folder_.path() / "place";
  std::filesystem::create_directory(place);
  SealedDatabase sealed = SealedDatabase::create(place / "vault", key_, seal_, on_demand());
  std::filesystem::rename(place, moved);
  add_note(sealed.database().lane("test"), "first");
  const auto refused = thrown<StorageError>([&] { sealed.save(); });
  EXPECT_EQ(refused.code(), "PROFILE_STORAGE_WRITE");
  EXPECT_NE(sealed.state().failure, nullptr);
  EXPECT_TRUE(sealed.state().unsaved);
  const auto locked = thrown<VaultError>([&] { sealed.close(); });
  EXPECT_EQ(locked.code(), "VAULT_NOT_SAVED");
  EXPECT_EQ(locked.system_code(), ENOENT);
  EXPECT_EQ(count_notes(sealed.database().lane("test")), 1);

  std::filesystem::rename(moved, place);
  sealed.close();
  SealedDatabase again = SealedDatabase::open(place / "vault", key_, seal_, on_demand());
  EXPECT_EQ(count_notes(again.database().lane("test")), 1);
}

TEST_F(SealedDatabases, TellTheLogSinkOfASaveThatFails) {
  test::LogEvents events;
  SealedOptions options = scheduled();
  options.database.log_sink = events.sink();
  const std::filesystem::path place = folder_.path() / "place";
  std::filesystem::create_directory(place);
  SealedDatabase sealed = SealedDatabase::create(place / "vault", key_, seal_, options);
  test::AtPoint copied("SealedDatabase:copied", 1);
  add_note(sealed.database().lane("test"), "first");
  copied.wait_until_reached();
  std::filesystem::remove_all(place);
  copied.release();
  EXPECT_TRUE(test::soon([&] { return events.count("VAULT_NOT_SAVED") > 0; }));
  sealed.discard();
}

TEST_F(SealedDatabases, AreThrownAwayWhenThatIsMeant) {
  SealedDatabase sealed = create();
  add_note(sealed.database().lane("test"), "first");
  sealed.discard();
  EXPECT_EQ(saved(), 0);
}

TEST_F(SealedDatabases, AreSavedByTheirDestructor) {
  {
    SealedDatabase sealed = create();
    add_note(sealed.database().lane("test"), "first");
  }
  EXPECT_EQ(saved(), 1);
}

TEST_F(SealedDatabases, StayOpenWhenTheyAreClosedInsideAClosure) {
  SealedDatabase sealed = create(scheduled());
  sealed.database().lane("test").read([&](ReadTx&) { EXPECT_THROW(sealed.close(), Error); });
  add_note(sealed.database().lane("test"), "still open");
  sealed.close();
  EXPECT_EQ(saved(), 1);
}

// VSE-10: killed at any step of a save, the file is the state before or after it.
TEST_F(SealedDatabases, AreOneOfTwoStatesWhenTheyAreKilledDuringASave) {
  create().close();
  static std::string_view point;
  for (const char* each : {"SealedDatabase:copied", "SealedWriter:begun", "SealedWriter:written",
                           "SealedWriter:synced", "SealedWriter:published"}) {
    point = each;
    const std::int64_t before = saved();
    const pid_t child = ::fork();
    if (child == 0) {
      gate::sync_point_hook = nullptr;
      SealedDatabase sealed = open();
      add_note(sealed.database().lane("test"), each);
      gate::sync_point_hook = +[](std::string_view name) {
        if (name == point) ::kill(::getpid(), SIGKILL);
      };
      sealed.save();
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(saved(), point == "SealedWriter:published" ? before + 1 : before) << each;
  }
}

// ---- Opening ----

// VSE-05: an image of a file with a write-ahead log says so, and could not be read in memory.
TEST_F(SealedDatabases, AreReadableWhenTheirImageCameFromAFileWithALog) {
  {
    Options options;
    options = test::with_notes();
    const Database plain = Database::open(folder_.file("plain"), options);
    add_note(plain.lane("test"), "first");
  }
  const std::string image = read_file(folder_.file("plain"));
  ASSERT_EQ(image[18], 2);
  write_sealed(path(), key_, seal_, test::as_bytes(image));
  SealedDatabase sealed = open();
  EXPECT_EQ(count_notes(sealed.database().lane("test")), 1);
  add_note(sealed.database().lane("test"), "second");
  sealed.close();
  const SecretBytes content = open_sealed(path(), key_, seal_, std::size_t{1} << 30);
  EXPECT_EQ(content.bytes()[18], std::byte{1});
  EXPECT_EQ(content.bytes()[19], std::byte{1});
}

// VSE-06: schema steps are run, and what they did is saved.
TEST_F(SealedDatabases, AreMigratedWhenTheyAreOpened) {
  create().close();
  SealedOptions newer = on_demand();
  newer.database.migrations.push_back({2, "marks", "CREATE TABLE mark(a)"});
  const SealedDatabase sealed = open(newer);
  EXPECT_EQ(sealed.state().saves, 1U);
  EXPECT_FALSE(sealed.state().unsaved);
}

// VSE-06: what is missing is named.
TEST_F(SealedDatabases, ThatLackATableAreDamaged) {
  create().close();
  SealedOptions expecting = on_demand();
  expecting.database.expect_schema =
      "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT); CREATE TABLE card(a)";
  const auto error = thrown<VaultError>([&] { (void)open(expecting); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
  EXPECT_THAT(error.what(), HasSubstr("card"));
}

TEST_F(SealedDatabases, WhoseContentIsNoDatabaseAreDamaged) {
  write_sealed(path(), key_, seal_, test::as_bytes("no database, but authentic"));
  EXPECT_EQ(thrown<VaultError>([&] { (void)open(); }).code(), "VAULT_CORRUPTED");
}

// VSE-11: the size is looked at before memory is taken.
TEST_F(SealedDatabases, LargerThanTheLimitAreRefused) {
  {
    SealedDatabase sealed = create();
    sealed.database().lane("test").write(
        [](WriteTx& tx) { tx.execute("CREATE TABLE large AS SELECT zeroblob(300000)"); });
    sealed.close();
  }
  SealedOptions small = on_demand();
  small.limit_bytes = 200000;
  EXPECT_EQ(thrown<VaultError>([&] { (void)open(small); }).code(), "VAULT_TOO_LARGE");
}

// VSE-11: and no write passes it.
TEST_F(SealedDatabases, DoNotGrowBeyondTheLimit) {
  SealedOptions small = on_demand();
  small.limit_bytes = 200000;
  SealedDatabase sealed = create(small);
  const auto error = thrown<StorageError>([&] {
    sealed.database().lane("test").write(
        [](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (zeroblob(300000))"); });
  });
  EXPECT_EQ(error.code(), "DB_DISK_FULL");
  add_note(sealed.database().lane("test"), "small");
  sealed.close();
  EXPECT_EQ(saved(), 1);
}

TEST_F(SealedDatabases, OfAnotherProfileAreRefused) {
  create().close();
  const auto error = thrown<VaultError>([&] {
    (void)SealedDatabase::open(path(), key_, seal_of(Purpose::Database, "other"), on_demand());
  });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
}

// VSE-03: an older state that was put back is known by its number.
TEST_F(SealedDatabases, CountTheirStates) {
  SealedDatabase sealed = create();
  const std::string old = read_file(path());
  add_note(sealed.database().lane("test"), "first");
  sealed.save();
  const std::uint64_t noted = sealed.state().generation;
  sealed.close();
  test::write_file(path(), old);
  EXPECT_LT(open().state().generation, noted);
}

TEST_F(SealedDatabases, AreLeftAloneByAChildOfFork) {
  SealedDatabase sealed = create(scheduled());
  add_note(sealed.database().lane("test"), "first");
  sealed.save();
  const std::string found = test::in_child([&]() -> std::string {
    { const SealedDatabase mine = std::move(sealed); }
    return "left";
  });
  EXPECT_EQ(found, "left");
  add_note(sealed.database().lane("test"), "second");
  sealed.close();
  EXPECT_EQ(saved(), 2);
}

}  // namespace
}  // namespace turnstile::vault
