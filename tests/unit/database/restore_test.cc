// restore(): the backup takes the place of a database, whole and with nothing of the former one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include "support/actor.h"
#include "support/files.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// `app.db` has the notes `kept` and `changed`; `copy.db`, in another folder, only `kept`.
class Restore : public testing::Test {
 protected:
  Restore() {
    Database db = Database::open(target(), with_notes());
    const Lane lane = db.lane("notes");
    add_note(lane, "kept");
    db.backup(backup(), {.manifest = false});
    add_note(lane, "changed");
  }
  [[nodiscard]] std::string target() const { return folder_.file("app.db"); }
  [[nodiscard]] std::string backup() const { return copies_.file("copy.db"); }
  [[nodiscard]] static std::string notes_in(const std::string& path) {
    return run_raw(path, "SELECT group_concat(text) FROM note");
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names = names_in(folder_.path());
    std::erase(names, "app.db-gate");
    return names;
  }
  /// A log that was left when the database was killed.
  void leave_a_log() {
    Actor actor;
    actor.must("open " + target());
    actor.must("exec INSERT INTO note(text) VALUES ('in the log')");
    actor.process().kill();
    ASSERT_GT(fs::file_size(target() + "-wal"), 0U);
  }

  TempDir folder_;
  TempDir copies_;
};

TEST_F(Restore, PutsTheBackupInThePlaceOfTheDatabase) {
  const RestoreReport report = restore(backup(), target());
  EXPECT_EQ(report.path, target());
  EXPECT_EQ(report.tables, (std::vector<TableRows>{{"note", 1}, {"turnstile_migration", 1}}));
  EXPECT_EQ(report.bytes, static_cast<std::int64_t>(fs::file_size(target())));
  EXPECT_EQ(notes_in(target()), "kept");
  Database db = Database::open(target(), with_notes());
  add_note(db.lane("notes"), "new");
  EXPECT_EQ(count_notes(db.lane("notes")), 2);
}

TEST_F(Restore, KeepsTheFormerDatabaseAside) {
  const RestoreReport report = restore(backup(), target());
  EXPECT_THAT(report.old_path, StartsWith(target() + ".before-restore-2"));
  EXPECT_EQ(notes_in(report.old_path), "kept,changed");
  EXPECT_THAT(files(), ElementsAre("app.db", fs::path(report.old_path).filename().string()));
  const RestoreReport again = restore(backup(), target());
  EXPECT_NE(again.old_path, report.old_path);
  EXPECT_EQ(notes_in(report.old_path), "kept,changed");
}

TEST_F(Restore, RemovesTheFormerDatabaseWhenAsked) {
  const RestoreReport report = restore(backup(), target(), {.keep_old = false});
  EXPECT_EQ(report.old_path, "");
  EXPECT_THAT(files(), ElementsAre("app.db"));
}

TEST_F(Restore, LeavesTheBackupAsItIs) {
  const std::string before = fingerprint(backup());
  (void)restore(backup(), target());
  EXPECT_EQ(fingerprint(backup()), before);
  EXPECT_THAT(names_in(copies_.path()), ElementsAre("copy.db"));
}

TEST_F(Restore, MakesADatabaseWhereNoneWas) {
  const std::string path = folder_.file("new.db");
  const RestoreReport report = restore(backup(), path);
  EXPECT_EQ(report.old_path, "");
  EXPECT_EQ(notes_in(path), "kept");
}

TEST_F(Restore, KeepsPermissions) {
  fs::permissions(target(), fs::perms::owner_read | fs::perms::owner_write);
  fs::permissions(backup(), fs::perms::others_read, fs::perm_options::add);
  (void)restore(backup(), target());
  EXPECT_EQ(fs::status(target()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Restore, FollowsASymbolicLinkToTheTarget) {
  const std::string link = copies_.file("link.db");
  fs::create_symlink(target(), link);
  EXPECT_EQ(restore(backup(), link).path, target());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(notes_in(target()), "kept");
}

// VBK-07: the corruption itself, so that the next test is seen to mean something.
TEST_F(Restore, ByCopyingBesideALogDamagesTheDatabase) {
  leave_a_log();
  fs::copy_file(backup(), target(), fs::copy_options::overwrite_existing);
  EXPECT_NE(notes_in(target()), "kept") << "the log of the former database was not taken in";
}

// VBK-07: a log of the former database is taken into that, and is not beside the new one.
TEST_F(Restore, LeavesNoLogOfTheFormerDatabaseBesideTheNewOne) {
  leave_a_log();
  const RestoreReport report = restore(backup(), target());
  EXPECT_THAT(files(), ElementsAre("app.db", fs::path(report.old_path).filename().string()));
  EXPECT_EQ(notes_in(target()), "kept");
  EXPECT_EQ(SqliteShell(target()).run("PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(notes_in(report.old_path), "kept,changed,in the log");
}

TEST_F(Restore, PutsTheLogOfAMissingDatabaseAsideToo) {
  leave_a_log();
  fs::remove(target());
  (void)restore(backup(), target());
  EXPECT_EQ(notes_in(target()), "kept");
  EXPECT_THAT(files(), Contains(HasSubstr("before-restore")));
  EXPECT_THAT(files(), Not(Contains("app.db-wal")));
}

TEST_F(Restore, PutsADamagedDatabaseAsideWithItsLog) {
  const std::string log = "a log that SQLite does not understand";
  write_file(target() + "-wal", log);
  write_file(target(), std::string(8192, 'x'));
  const RestoreReport report = restore(backup(), target());
  EXPECT_EQ(notes_in(target()), "kept");
  EXPECT_EQ(read_file(report.old_path), std::string(8192, 'x'));
  EXPECT_EQ(read_file(report.old_path + "-wal"), log);
  EXPECT_THAT(files(), Not(Contains("app.db-wal")));
  EXPECT_THAT(files(), Not(Contains("app.db-shm")));
}

TEST_F(Restore, RefusesABackupThatIsNotWhole) {
  const std::string before = fingerprint(target());
  fs::resize_file(backup(), fs::file_size(backup()) / 2);
  EXPECT_EQ(thrown<StorageError>([&] { (void)restore(backup(), target()); }).code(),
            "BACKUP_INVALID");
  write_file(backup(), "no database");
  EXPECT_EQ(thrown<StorageError>([&] { (void)restore(backup(), target()); }).code(),
            "BACKUP_INVALID");
  fs::remove(backup());
  EXPECT_EQ(thrown<StorageError>([&] { (void)restore(backup(), target()); }).code(),
            "DB_NOT_FOUND");
  EXPECT_EQ(fingerprint(target()), before);
  EXPECT_THAT(files(), ElementsAre("app.db"));
}

TEST_F(Restore, RefusesABackupWithALogBesideIt) {
  write_file(backup() + "-wal", "left");
  EXPECT_EQ(thrown<StorageError>([&] { (void)restore(backup(), target()); }).code(),
            "BACKUP_INVALID");
}

TEST_F(Restore, RefusesATargetThatIsOpenInThisProcess) {
  Database db = Database::open(target(), with_notes());
  EXPECT_EQ(thrown<MisuseError>([&] { (void)restore(backup(), target()); }).code(), "DB_IN_USE");
  add_note(db.lane("notes"), "goes on");
  EXPECT_EQ(count_notes(db.lane("notes")), 3);
}

TEST_F(Restore, RefusesTheTargetItself) {
  EXPECT_EQ(thrown<MisuseError>([&] { (void)restore(target(), target()); }).code(),
            "OPTION_INVALID");
}

TEST_F(Restore, NamesTheProcessThatHasTheTargetOpen) {
  Actor actor;
  actor.must("open " + target());
  const auto error =
      thrown<Timeout>([&] { (void)restore(backup(), target(), {.timeout = 200ms}); });
  EXPECT_EQ(error.code(), "DB_IN_USE");
  EXPECT_EQ(error.holder().pid, actor.pid()) << error.what();
  actor.must("exec INSERT INTO note(text) VALUES ('goes on')");
  EXPECT_EQ(actor.must("query SELECT count(*) FROM note").number("value"), 3);
}

TEST_F(Restore, NamesTheStrangerWhoHasTheTargetOpen) {
  SqliteShell shell(target());
  for (const char* sql : {"SELECT 1 FROM note", "BEGIN IMMEDIATE"}) {
    shell.run(sql);
    const auto error =
        thrown<Timeout>([&] { (void)restore(backup(), target(), {.timeout = 200ms}); });
    EXPECT_EQ(error.code(), "DB_IN_USE");
    EXPECT_EQ(error.holder().pid, shell.pid()) << error.what();
  }
  shell.run("COMMIT");
  EXPECT_EQ(shell.run("SELECT group_concat(text) FROM note"), "kept,changed\n");
}

TEST_F(Restore, WaitsForWhoeverLeavesInTime) {
  auto shell = std::make_unique<SqliteShell>(target());
  shell->run("SELECT 1 FROM note");
  auto restored = std::async(std::launch::async,
                             [&] { return restore(backup(), target(), {.timeout = patience()}); });
  AtPoint entered("Restore:entered");
  shell.reset();
  EXPECT_EQ(restored.get().tables.front().rows, 1);
}

TEST_F(Restore, KeepsAnOpenOfTheSameProcessWaiting) {
  AtPoint aside("Restore:aside", 1);
  auto restored = std::async(std::launch::async, [&] { return restore(backup(), target()); });
  aside.wait_until_reached();
  auto opened = std::async(std::launch::async, [&] {
    const Database db = Database::open(target(), with_notes());
    return all_notes(db.lane("notes"));
  });
  aside.release();
  (void)restored.get();
  EXPECT_THAT(opened.get(), ElementsAre("kept"));
}

TEST_F(Restore, LeavesEverythingWhenItIsStopped) {
  for (const char* point : {"copy", "check", "count"}) {
    std::stop_source stop;
    RestoreOptions options;
    options.stop = stop.get_token();
    options.progress = [&](const Progress& progress) {
      if (progress.phase == point) stop.request_stop();
    };
    EXPECT_THROW((void)restore(backup(), target(), options), Cancelled) << point;
    EXPECT_THAT(files(), ElementsAre("app.db")) << point;
    EXPECT_EQ(notes_in(target()), "kept,changed");
  }
}

TEST_F(Restore, TakesABackupThatIsOpen) {
  Options options;
  Database db = Database::open(backup(), with_notes());
  add_note(db.lane("notes"), "in its log");
  (void)restore(backup(), target());
  EXPECT_EQ(notes_in(target()), "kept,in its log");
}

TEST_F(Restore, TheDatabaseIsInOneProcessOnceAgainAfterIt) {
  (void)restore(backup(), target());
  Database first = Database::open(target(), with_notes());
  Database second = Database::open(target(), with_notes());
  add_note(first.lane("notes"), "seen");
  EXPECT_FALSE(second.close().was_last_handle);
}

}  // namespace
}  // namespace turnstile::test
