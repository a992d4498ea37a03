// OpenMode::ReadOnly: reads whatever is there and changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "support/counted_migrations.h"
#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::Not;

Options read_only(Options options = {}) {
  options.mode = OpenMode::ReadOnly;
  return options;
}

// A closed file with one note.
class ReadOnly : public testing::Test {
 protected:
  ReadOnly() {
    const Database made = Database::open(file(), with_notes());
    add_note(made.lane("notes"), "one");
  }
  [[nodiscard]] std::string file() const { return directory_.file("notes.db"); }
  [[nodiscard]] const TempDir& directory() const { return directory_; }

 private:
  TempDir directory_;
};

// RO-02: no change of the journal mode is asked for, in either.
TEST_F(ReadOnly, ReadsAFileWithAWriteAheadLog) {
  const Database db = Database::open(file(), read_only());
  EXPECT_EQ(count_notes(db.lane("notes")), 1);
}

// RO-02: that assignment would fail on such a file.
TEST_F(ReadOnly, ReadsAFileWithARollbackJournal) {
  run_raw(file(), "PRAGMA journal_mode=DELETE");
  const std::string before = fingerprint(file());
  {
    const Database db = Database::open(file(), read_only());
    EXPECT_EQ(count_notes(db.lane("notes")), 1);
  }
  EXPECT_EQ(fingerprint(file()), before);
  EXPECT_EQ(run_raw(file(), "PRAGMA journal_mode"), "delete");
}

TEST_F(ReadOnly, LeavesTheFileAsItIs) {
  const std::string before = fingerprint(file());
  {
    const Database db = Database::open(file(), read_only(with_notes()));
    EXPECT_EQ(count_notes(db.lane("notes")), 1);
  }
  EXPECT_EQ(fingerprint(file()), before);
}

// RO-01: neither the file nor the directory is changed. The log and its index are SQLite's own, and
// what a reader of a file with a log needs.
TEST_F(ReadOnly, MakesNoFilesButThoseOfTheLog) {
  std::filesystem::remove(file() + "-gate");
  const std::string before = fingerprint(file());
  {
    const Database db = Database::open(file(), read_only());
    EXPECT_EQ(count_notes(db.lane("notes")), 1);
  }
  EXPECT_EQ(fingerprint(file()), before);
  for (const std::string& name : names_in(directory().path()))
    EXPECT_THAT(name, testing::AnyOf("notes.db", "notes.db-wal", "notes.db-shm"));
}

// RO-01: with a rollback journal there is nothing to be made.
TEST_F(ReadOnly, MakesNoFilesBesideARollbackFile) {
  run_raw(file(), "PRAGMA journal_mode=DELETE");
  const auto before = names_in(directory().path());
  {
    const Database db = Database::open(file(), read_only());
    EXPECT_EQ(count_notes(db.lane("notes")), 1);
    EXPECT_EQ(names_in(directory().path()), before);
  }
  EXPECT_EQ(names_in(directory().path()), before);
}

// RO-03: what is no database is found at open, not at the first read.
TEST_F(ReadOnly, FindsAtOpenThatAFileIsNoDatabase) {
  const std::string text = directory().file("text.db");
  write_file(text, std::string(5000, 'x'));
  EXPECT_EQ(thrown<StorageError>([&] { (void)Database::open(text, read_only()); }).code(),
            "DB_NOT_A_DATABASE");
}

// RO-04: a small pool of its own, whatever the other databases of the process have.
TEST_F(ReadOnly, OpensTwoConnectionsUnlessAskedForMore) {
  NoteDatabase other;
  const Database db = Database::open(file(), read_only());
  const auto descriptors = [this] {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      count += std::filesystem::read_symlink(entry.path(), gone) == file() ? 1 : 0;
    }
    return count;
  };
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n)
        db.lane("notes").read([&](ReadTx& tx) {
          EXPECT_EQ(count_notes(tx), 1);
          const int now = descriptors();
          int seen = most.load();
          while (seen < now && !most.compare_exchange_weak(seen, now)) {
          }
        });
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(most.load(), 2);
  EXPECT_EQ(db.info().pool.connections, 2);
  EXPECT_EQ(other->info().pool.connections, 4);
}

TEST_F(ReadOnly, MakesNoGate) {
  std::filesystem::remove(file() + "-gate");
  { const Database db = Database::open(file(), read_only()); }
  EXPECT_THAT(names_in(directory().path()), Not(Contains("notes.db-gate")));
}

TEST_F(ReadOnly, SeesWhatOthersCommit) {
  const Database db = Database::open(file(), read_only());
  run_raw(file(), "INSERT INTO note(text) VALUES ('two')");
  EXPECT_EQ(count_notes(db.lane("notes")), 2);
}

TEST_F(ReadOnly, RefusesToWrite) {
  const Database db = Database::open(file(), read_only());
  const auto error = thrown<MisuseError>([&] { add_note(db.lane("notes"), "two"); });
  EXPECT_EQ(error.code(), "DB_READ_ONLY");
}

TEST_F(ReadOnly, RefusesToSubmit) {
  const Database db = Database::open(file(), read_only());
  const auto error = thrown<MisuseError>([&] { (void)db.lane("notes").submit([](WriteTx&) {}); });
  EXPECT_EQ(error.code(), "DB_READ_ONLY");
}

TEST_F(ReadOnly, RefusesAStatementThatWrites) {
  const Database db = Database::open(file(), read_only());
  const auto error = thrown<MisuseError>(
      [&] { db.lane("notes").read([](ReadTx& tx) { (void)tx.prepare("DELETE FROM note"); }); });
  EXPECT_EQ(error.code(), "READ_ONLY_TRANSACTION");
}

// RO-01: never migrates.
TEST_F(ReadOnly, DoesNotMigrate) {
  const std::string before = fingerprint(file());
  Options options = read_only(with_notes());
  options.migrations.push_back({2, "more", "CREATE TABLE more(x)"});
  const auto error = thrown<MigrationError>([&] { (void)Database::open(file(), options); });
  EXPECT_EQ(error.code(), "DB_SCHEMA_OUTDATED");
  EXPECT_EQ(fingerprint(file()), before);
}

TEST_F(ReadOnly, RefusesANewerSchema) {
  Options options = read_only();
  run_raw(file(), "PRAGMA user_version=7");
  options.migrations = counted_migrations(6);
  EXPECT_EQ(thrown<MigrationError>([&] { (void)Database::open(file(), options); }).code(),
            "DB_SCHEMA_TOO_NEW");
}

TEST_F(ReadOnly, HasOnlyReaders) {
  Options options = read_only();
  options.connections = 3;
  const Database db = Database::open(file(), options);
  const PoolInfo pool = db.info().pool;
  EXPECT_EQ(pool.connections, 3);
  EXPECT_EQ(pool.readers_idle, 3);
}

// RO-01: a missing file fails at once.
TEST_F(ReadOnly, DoesNotMakeAMissingFile) {
  const std::string missing = directory().file("missing.db");
  EXPECT_EQ(thrown<StorageError>([&] { (void)Database::open(missing, read_only()); }).code(),
            "DB_NOT_FOUND");
  EXPECT_THAT(names_in(directory().path()), Not(Contains("missing.db")));
}

TEST_F(ReadOnly, WorksOnAFileThatMayOnlyBeRead) {
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0777));
  std::filesystem::permissions(file(), std::filesystem::perms(0444));
  EXPECT_EQ(unprivileged([&] {
              const Database db = Database::open(file(), read_only());
              return std::to_string(count_notes(db.lane("notes")));
            }),
            "1");
}

TEST_F(ReadOnly, WorksOnARollbackFileInADirectoryThatMayOnlyBeRead) {
  run_raw(file(), "PRAGMA journal_mode=DELETE");
  std::filesystem::permissions(file(), std::filesystem::perms(0444));
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0555));
  EXPECT_EQ(unprivileged([&] {
              const Database db = Database::open(file(), read_only());
              return std::to_string(count_notes(db.lane("notes")));
            }),
            "1");
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0700));
}

// The index of the log is shared memory, and there is nowhere to make it.
TEST_F(ReadOnly, SaysWhyAFileWithALogCannotBeReadFromAReadOnlyDirectory) {
  std::filesystem::permissions(file(), std::filesystem::perms(0444));
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0555));
  const std::string said = unprivileged([&]() -> std::string {
    const Database db = Database::open(file(), read_only());
    return "opened";
  });
  std::filesystem::permissions(directory().path(), std::filesystem::perms(0700));
  EXPECT_THAT(said, testing::StartsWith("DB_PERMISSION: "));
}

TEST_F(ReadOnly, ReportsACleanClose) {
  Database db = Database::open(file(), read_only());
  EXPECT_TRUE(db.close().was_last_handle);
}

}  // namespace
}  // namespace turnstile::test
