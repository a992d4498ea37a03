// Database::backup(): the copy is what the database was at one moment, checked, or not there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void add_one(const Lane& lane, std::int64_t number) {
  add_note(lane, std::to_string(number));
}

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    for (const char* text : {"one", "two", "three"})
      add_note(db_.lane(), text);
  }
  [[nodiscard]] std::string dest(std::string_view name = "copy.db") const {
    return folder_.file(name);
  }
  [[nodiscard]] std::vector<std::string> files() const { return names_in(folder_.path()); }
  /// Notes until the file has a thousand pages.
  void grow() {
    db_.lane().write([](WriteTx& tx) {
      tx.execute(
          "INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1"
          " FROM c WHERE n < 1500) SELECT printf('%0*d', 2000, n) FROM c");
    });
  }

  NoteDatabase db_;
  TempDir folder_;
};

TEST_F(BackupTest, IsADatabaseOfItsOwnWithTheSameContent) {
  const BackupReport report = db_->backup(dest());
  EXPECT_EQ(report.path, dest());
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(fs::file_size(dest())));
  EXPECT_EQ(report.pages * 4096, report.bytes);
  EXPECT_EQ(report.tables, (std::vector<TableRows>{{"note", 3}, {"turnstile_migration", 1}}));
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(files(), ElementsAre("copy.db", "copy.db.manifest"));
  SqliteShell shell(dest());
  EXPECT_EQ(shell.run("SELECT text FROM note ORDER BY id"), "one\ntwo\nthree\n");
  EXPECT_EQ(shell.run("PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(shell.run("PRAGMA user_version"), "1\n");
}

TEST_F(BackupTest, CanBeReadWithoutMakingAFileBesideIt) {
  db_->backup(dest());
  EXPECT_EQ(run_raw(dest(), "PRAGMA journal_mode"), "delete");
  EXPECT_EQ(run_raw(dest(), "SELECT count(*) FROM note"), "3");
  EXPECT_THAT(files(), ElementsAre("copy.db", "copy.db.manifest"));
}

TEST_F(BackupTest, CanBeOpenedAsADatabase) {
  db_->backup(dest());
  const Database copy = Database::open(dest(), with_notes());
  EXPECT_EQ(count_notes(copy.lane("notes")), 3);
  add_note(copy.lane("notes"), "four");
  EXPECT_EQ(count_notes(db_.lane()), 3);
}

TEST_F(BackupTest, HasThePermissionsOfTheDatabase) {
  fs::permissions(db_.file(), fs::perms::owner_read | fs::perms::owner_write);
  db_->backup(dest());
  EXPECT_EQ(fs::status(dest()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(BackupTest, HoldsTheMomentAtWhichItBegan) {
  AtPoint snapshot("Backup:snapshot", 1);
  auto backup = std::async(std::launch::async, [&] { return db_->backup(dest()); });
  snapshot.wait_until_reached();
  add_note(db_.lane(), "too late");
  snapshot.release();
  EXPECT_EQ(backup.get().tables, (std::vector<TableRows>{{"note", 3}, {"turnstile_migration", 1}}));
  EXPECT_EQ(run_raw(dest(), "SELECT group_concat(text) FROM note"), "one,two,three");
}

// VBK-03: a copy that started over with every commit would never end here.
TEST_F(BackupTest, CopiesEachPageOnceHoweverMuchIsWritten) {
  grow();
  std::int64_t steps = 0;
  BackupOptions options;
  options.pages_per_step = 10;
  options.progress = [&](const Progress& progress) {
    if (progress.phase != "copy") return;
    ++steps;
    if (progress.done < progress.total)
      std::async(std::launch::async, add_one, db_.lane(), steps).get();
  };
  const BackupReport report = db_->backup(dest(), options);
  EXPECT_GT(report.pages, 1000);
  EXPECT_LE(steps, report.pages / 10 + 2);
  EXPECT_EQ(report.tables.front().rows, 1503);
}

TEST_F(BackupTest, TellsHowFarItIs) {
  grow();
  std::vector<std::string> phases;
  std::int64_t done = 0;
  BackupOptions options;
  options.pages_per_step = 100;
  options.progress = [&](const Progress& progress) {
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
    if (progress.phase != "copy") return;
    EXPECT_GE(progress.done, done);
    EXPECT_LE(progress.done, progress.total);
    done = progress.done;
  };
  const BackupReport report = db_->backup(dest(), options);
  EXPECT_THAT(phases, ElementsAre("copy", "count", "check", "count", "hash"));
  EXPECT_EQ(done, report.pages);
}

TEST_F(BackupTest, LeavesOutFreePagesWhenItIsCompact) {
  grow();
  db_.lane().write([](WriteTx& tx) { tx.execute("DELETE FROM note WHERE id > 3"); });
  const BackupReport plain = db_->backup(dest());
  const BackupReport compact = db_->backup(dest("compact.db"), {.compact = true});
  EXPECT_GT(plain.pages, 1000);
  EXPECT_LT(compact.pages, 10);
  EXPECT_EQ(run_raw(dest("compact.db"), "SELECT group_concat(text) FROM note"), "one,two,three");
  EXPECT_EQ(run_raw(dest("compact.db"), "PRAGMA user_version"), "1");
  EXPECT_TRUE(verify_file(dest("compact.db")).ok());
}

TEST_F(BackupTest, DoesNotReplaceAFileUnlessAsked) {
  write_file(dest(), "precious");
  const auto error = thrown<StorageError>([&] { db_->backup(dest()); });
  EXPECT_EQ(error.code(), "BACKUP_EXISTS");
  EXPECT_EQ(read_file(dest()), "precious");
  EXPECT_THAT(files(), ElementsAre("copy.db"));
  db_->backup(dest(), {.overwrite = true});
  EXPECT_EQ(run_raw(dest(), "SELECT count(*) FROM note"), "3");
}

TEST_F(BackupTest, DoesNotReplaceAFileThatComesMeanwhile) {
  AtPoint synced("Backup:synced", 1);
  auto backup = std::async(std::launch::async, [&] { return db_->backup(dest()); });
  synced.wait_until_reached();
  write_file(dest(), "precious");
  synced.release();
  EXPECT_EQ(thrown<StorageError>([&] { backup.get(); }).code(), "BACKUP_EXISTS");
  EXPECT_EQ(read_file(dest()), "precious");
  EXPECT_THAT(files(), ElementsAre("copy.db"));
}

TEST_F(BackupTest, NeverReplacesADatabaseThatIsInUse) {
  EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(db_.file(), {.overwrite = true}); }).code(),
            "DB_IN_USE");
  SqliteShell shell(dest());
  shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
  EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(dest(), {.overwrite = true}); }).code(),
            "DB_IN_USE");
  EXPECT_EQ(shell.run("SELECT count(*) FROM t"), "0\n");
}

TEST_F(BackupTest, LeavesNothingWhenItIsStopped) {
  grow();
  std::stop_source stop;
  BackupOptions options;
  options.pages_per_step = 1;
  options.stop = stop.get_token();
  options.progress = [&](const Progress&) { stop.request_stop(); };
  EXPECT_THROW(db_->backup(dest(), options), Cancelled);
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(db_->metrics().pool.readers_leased, 0);
}

TEST_F(BackupTest, LeavesNothingWhenItsProgressThrows) {
  BackupOptions options;
  options.progress = [](const Progress&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(db_->backup(dest(), options), std::runtime_error);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BackupTest, IsEndedByACloseThatWouldWaitForIt) {
  grow();
  AtPoint step("copy_pages:step", 1);
  auto backup = std::async(std::launch::async, [&] {
    return thrown<Cancelled>([&] { db_->backup(dest(), {.pages_per_step = 1}); }).code();
  });
  step.wait_until_reached();
  auto close =
      std::async(std::launch::async, [&] { return db_->close(std::chrono::milliseconds(0)); });
  const AtPoint more("copy_pages:step");
  step.release();
  EXPECT_EQ(backup.get(), "INTERRUPTED");
  EXPECT_EQ(close.get().interrupted, 1U);
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BackupTest, RemovesWhatADeadProcessHasLeftAndNothingElse) {
  write_file(folder_.file(".other.db.turnstile-0123456789abcdef.tmp"), "left");
  write_file(folder_.file(".hidden"), "kept");
  write_file(folder_.file("a.turnstile-b.tmp"), "kept");
  db_->backup(dest());
  EXPECT_THAT(files(), ElementsAre(".hidden", "a.turnstile-b.tmp", "copy.db", "copy.db.manifest"));
}

TEST_F(BackupTest, LeavesAnotherOneToTheSameFolderAlone) {
  AtPoint copied("Backup:copied", 1);
  auto first = std::async(std::launch::async, [&] { return db_->backup(dest("first.db")); });
  copied.wait_until_reached();
  db_->backup(dest("second.db"));
  copied.release();
  first.get();
  EXPECT_THAT(files(),
              ElementsAre("first.db", "first.db.manifest", "second.db", "second.db.manifest"));
}

TEST_F(BackupTest, SaysWhereItMayNotWrite) {
  EXPECT_EQ(thrown<StorageError>([&] { db_->backup(dest("nowhere/copy.db")); }).code(),
            "DB_NO_DIRECTORY");
  EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(folder_.path().string()); }).code(),
            "OPTION_INVALID");
  EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(dest(), {.pages_per_step = 0}); }).code(),
            "OPTION_INVALID");
}

TEST_F(BackupTest, NamesItselfWhenItKeepsTheLog) {
  LogEvents events;
  Options options;
  options.checkpoint_frames = 20;
  options.pinned_reader_warning = std::chrono::milliseconds(20);
  options.log_sink = events.sink();
  NoteDatabase db(options);
  AtPoint snapshot("Backup:snapshot", 1);
  auto backup = std::async(std::launch::async, [&] { return db->backup(dest()); });
  snapshot.wait_until_reached();
  for (int i = 0; events.count("WAL_PINNED") == 0; ++i)
    add_note(db.lane(), std::string(3000, 'x') + std::to_string(i));
  EXPECT_THAT(events.of("WAL_PINNED").front(), HasSubstr("lane backup"));
  snapshot.release();
  EXPECT_TRUE(verify_file(backup.get().path).ok());
}

TEST_F(BackupTest, IsRefusedInsideAClosure) {
  db_.lane().read([&](ReadTx&) {
    EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(dest()); }).code(), "READ_INSIDE_READ");
  });
  db_.lane().write([&](WriteTx&) {
    EXPECT_EQ(thrown<MisuseError>([&] { db_->backup(dest()); }).code(), "READ_INSIDE_WRITE");
  });
}

TEST_F(BackupTest, OfADatabaseWithOrphansWarns) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE child(parent REFERENCES note(id));"
        "INSERT INTO child VALUES (1), (2)");
  });
  SqliteShell(db_.file()).run("INSERT INTO child VALUES (77), (78)");
  const BackupReport report = db_->backup(dest());
  EXPECT_THAT(report.warnings,
              ElementsAre("2 rows of child refer to rows of note that are not there"));
  const VerifyReport verified = verify_file(dest());
  EXPECT_TRUE(verified.ok());
  EXPECT_EQ(verified.warnings, report.warnings);
}

TEST_F(BackupTest, OfADamagedDatabaseIsRefused) {
  grow();
  const std::string path = db_.file();
  db_->close();
  {
    // The middle of a page in the middle of the table.
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(500 * 4096 + 20);
    file << std::string(1000, '\xff');
  }
  Database damaged = Database::open(path, with_notes());
  EXPECT_EQ(thrown<StorageError>([&] { damaged.backup(dest()); }).code(), "BACKUP_INVALID");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(BackupTest, SaysInItsManifestWhatItIs) {
  const BackupReport report = db_->backup(dest());
  SqliteShell json(":memory:");
  const std::string manifest = read_file(dest() + ".manifest");
  EXPECT_EQ(json.run("SELECT '" + manifest + "' ->> '$.sha256'"), report.sha256 + "\n");
  EXPECT_EQ(json.run("SELECT '" + manifest + "' ->> '$.tables.note'"), "3\n");
  EXPECT_EQ(json.run("SELECT '" + manifest + "' ->> '$.schema_version'"), "1\n");
  const std::string sum = run_program({"sha256sum", dest()}).output;
  EXPECT_EQ(sum, report.sha256 + "  " + dest() + "\n");
}

TEST_F(BackupTest, WithoutAManifestLeavesNone) {
  const BackupReport report = db_->backup(dest(), {.manifest = false});
  EXPECT_EQ(report.sha256, "");
  EXPECT_THAT(files(), ElementsAre("copy.db"));
}

TEST(BackupOfMemory, IsAFile) {
  Options options = with_notes();
  options.mode = OpenMode::Memory;
  for (const int connections : {1, 3}) {
    const TempDir folder;
    options.connections = connections;
    Database db = Database::open("kept", options);
    add_note(db.lane("notes"), "kept");
    db.backup(folder.file("copy.db"));
    EXPECT_EQ(run_raw(folder.file("copy.db"), "SELECT text FROM note"), "kept");
    db.close();
  }
}

TEST(BackupOfAReadOnlyDatabase, IsACopy) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  db->close();
  Options options;
  options.mode = OpenMode::ReadOnly;
  Database reader = Database::open(db.file(), options);
  reader.backup(db.directory().file("copy.db"));
  EXPECT_EQ(run_raw(db.directory().file("copy.db"), "SELECT text FROM note"), "one");
}

}  // namespace
}  // namespace turnstile::test
