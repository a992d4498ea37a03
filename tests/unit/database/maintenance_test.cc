// Database::maintenance(): work on the file as a whole, under the same turn as everybody's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "support/actor.h"
#include "support/busy_writer.h"
#include "support/held.h"
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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Options incremental() {
  Options options;
  options.auto_vacuum = AutoVacuum::Incremental;
  return options;
}

class MaintenanceTest : public testing::Test {
 protected:
  explicit MaintenanceTest(const Options& options = {}) : db_(options) {}

  /// Makes a file of a few thousand pages, nearly all of them free.
  void make_free_pages() {
    db_.lane().write([](WriteTx& tx) {
      tx.execute(
          "INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1"
          " FROM c WHERE n < 3000) SELECT printf('%0*d', 2000, n) FROM c");
    });
    db_.lane().write([](WriteTx& tx) { tx.execute("DELETE FROM note WHERE id > 10"); });
  }
  [[nodiscard]] std::int64_t ask(const std::string& sql) {
    return db_.lane().read([&](ReadTx& tx) { return tx.query<std::int64_t>(sql).one(); });
  }
  [[nodiscard]] std::int64_t free_pages() { return ask("PRAGMA freelist_count"); }
  [[nodiscard]] std::int64_t wal_bytes() const {
    return static_cast<std::int64_t>(fs::file_size(db_.file() + "-wal"));
  }

  std::int64_t writes_ = 0;
  NoteDatabase db_;
};

class IncrementalVacuum : public MaintenanceTest {
 protected:
  IncrementalVacuum() : MaintenanceTest(incremental()) {}
};

// ---- Statistics ----

TEST_F(MaintenanceTest, GathersStatisticsForThePlanner) {
  add_note(db_.lane(), "one");
  db_->maintenance().analyze();
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'note'"), 1);
}

TEST_F(MaintenanceTest, OptimizesWhatNeedsIt) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script("CREATE TABLE big(a, b); CREATE INDEX by_a ON big(a)");
    tx.execute(
        "INSERT INTO big WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c"
        " WHERE n < 5000) SELECT n % 7, n FROM c");
  });
  db_->maintenance().optimize();
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'big'"), 1);
}

// ---- Vacuum ----

TEST_F(MaintenanceTest, VacuumGivesFreePagesBack) {
  make_free_pages();
  const auto before = db_->info().file_bytes + db_->info().wal_bytes;
  db_->maintenance().vacuum();
  EXPECT_EQ(free_pages(), 0);
  EXPECT_LT(db_->info().file_bytes, before / 10);
  EXPECT_EQ(count_notes(db_.lane()), 10);
  add_note(db_.lane(), "afterwards");
  EXPECT_THAT(db_->maintenance().integrity_check(), IsEmpty());
}

TEST_F(MaintenanceTest, VacuumWaitsForItsTurn) {
  make_free_pages();
  BusyWriter busy(db_.lane());
  const auto error = thrown<Timeout>([&] { db_->maintenance().vacuum({.timeout = 50ms}); });
  EXPECT_EQ(error.code(), "WRITE_TIMEOUT");
  EXPECT_EQ(error.holder().lane, "notes");
  EXPECT_GT(free_pages(), 1000);
}

TEST_F(MaintenanceTest, VacuumGoesOnBesideReaders) {
  make_free_pages();
  HeldRead reader(db_.lane());
  db_->maintenance().vacuum();
  reader.let_go();
  EXPECT_EQ(free_pages(), 0);
}

TEST_F(MaintenanceTest, VacuumCanBeStopped) {
  make_free_pages();
  std::stop_source stop;
  MaintenanceOptions options;
  options.stop = stop.get_token();
  options.progress = [&](const Progress&) { stop.request_stop(); };
  EXPECT_THROW(db_->maintenance().vacuum(options), Cancelled);
  EXPECT_GT(free_pages(), 1000);
  add_note(db_.lane(), "the writer is well");
}

TEST_F(MaintenanceTest, VacuumIsRefusedInsideAClosure) {
  db_.lane().write([&](WriteTx&) {
    EXPECT_EQ(thrown<MisuseError>([&] { db_->maintenance().vacuum(); }).code(),
              "WRITE_INSIDE_WRITE");
  });
}

TEST_F(IncrementalVacuum, GivesAsManyPagesBackAsAsked) {
  make_free_pages();
  const std::int64_t before = free_pages();
  EXPECT_EQ(db_->maintenance().incremental_vacuum(300), 300);
  EXPECT_EQ(free_pages(), before - 300);
}

TEST_F(IncrementalVacuum, GivesAllBackInSlices) {
  make_free_pages();
  const std::int64_t before = free_pages();
  std::vector<std::int64_t> done;
  MaintenanceOptions options;
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, before);
    done.push_back(progress.done);
  };
  EXPECT_EQ(db_->maintenance().incremental_vacuum(0, options), before);
  EXPECT_EQ(free_pages(), 0);
  EXPECT_GT(done.size(), 3U);
  EXPECT_EQ(done.back(), before);
}

TEST_F(IncrementalVacuum, LetsOthersGoBetweenItsSlices) {
  make_free_pages();
  MaintenanceOptions options;
  options.progress = [&](const Progress&) {
    const std::string text = std::to_string(++writes_);
    std::async(std::launch::async, [&] { return add_note(db_.lane(), text); }).get();
  };
  EXPECT_GT(db_->maintenance().incremental_vacuum(0, options), 1000);
  EXPECT_EQ(count_notes(db_.lane()), 10 + writes_);
}

TEST_F(IncrementalVacuum, KeepsWhatItHasDoneWhenItIsStopped) {
  make_free_pages();
  const std::int64_t before = free_pages();
  std::stop_source stop;
  MaintenanceOptions options;
  options.stop = stop.get_token();
  options.progress = [&](const Progress&) { stop.request_stop(); };
  EXPECT_THROW((void)db_->maintenance().incremental_vacuum(0, options), Cancelled);
  EXPECT_LT(free_pages(), before);
  EXPECT_GT(free_pages(), 0);
}

TEST_F(MaintenanceTest, IncrementalVacuumNeedsAFileThatWasMadeForIt) {
  EXPECT_EQ(thrown<MisuseError>([&] { (void)db_->maintenance().incremental_vacuum(); }).code(),
            "AUTO_VACUUM_OFF");
}

// ---- Checkpoints ----

TEST_F(MaintenanceTest, CheckpointEmptiesTheLog) {
  add_note(db_.lane(), "one");
  ASSERT_GT(wal_bytes(), 0);
  const CheckpointReport report = db_->maintenance().checkpoint();
  EXPECT_TRUE(report.complete);
  EXPECT_GT(report.log_frames, 0);
  EXPECT_EQ(report.copied_frames, report.log_frames);
  EXPECT_EQ(wal_bytes(), 0);
}

TEST_F(MaintenanceTest, PassiveCheckpointCopiesWhatItCanAndWaitsForNobody) {
  add_note(db_.lane(), "one");
  HeldRead reader(db_.lane(), [](ReadTx& tx) { (void)count_notes(tx); });
  add_note(db_.lane(), "two");
  const CheckpointReport report =
      db_->maintenance().checkpoint(CheckpointMode::Passive, {.timeout = patience()});
  EXPECT_FALSE(report.complete);
  EXPECT_LT(report.copied_frames, report.log_frames);
  reader.let_go();
  EXPECT_TRUE(db_->maintenance().checkpoint(CheckpointMode::Passive).complete);
}

TEST_F(MaintenanceTest, CheckpointThatAReaderIsInTheWayOfEndsAtItsTimeout) {
  HeldRead reader(db_.lane(), [](ReadTx& tx) { (void)count_notes(tx); });
  add_note(db_.lane(), "one");
  const CheckpointReport report =
      db_->maintenance().checkpoint(CheckpointMode::Truncate, {.timeout = 100ms});
  EXPECT_FALSE(report.complete);
  EXPECT_GT(wal_bytes(), 0);
}

TEST_F(MaintenanceTest, CheckpointThatWaitsForAReaderLetsOthersWrite) {
  auto reader = std::make_optional<HeldRead>(db_.lane(), [](ReadTx& tx) { (void)count_notes(tx); });
  add_note(db_.lane(), "one");
  auto checkpoint = std::async(std::launch::async, [&] {
    return db_->maintenance().checkpoint(CheckpointMode::Truncate, {.timeout = patience()});
  });
  for (int i = 0; i < 20; ++i)
    add_note(db_.lane(), std::to_string(i));
  reader.reset();
  EXPECT_TRUE(checkpoint.get().complete);
}

TEST(MaintenanceOfMemory, HasNoLogToCopy) {
  Options options = with_notes();
  options.mode = OpenMode::Memory;
  Database db = Database::open("kept", options);
  EXPECT_TRUE(db.maintenance().checkpoint().complete);
  db.maintenance().vacuum();
  db.maintenance().optimize();
  EXPECT_THAT(db.maintenance().integrity_check(), IsEmpty());
}

// ---- Checks ----

TEST_F(MaintenanceTest, FindsAnIndexThatDoesNotAgreeWithItsTable) {
  add_note(db_.lane(), "one");
  add_note(db_.lane(), "two");
  EXPECT_THAT(db_->maintenance().integrity_check(), IsEmpty());
  SqliteShell shell(db_.file());
  shell.run("CREATE TABLE other(a); CREATE INDEX by_a ON other(a)");
  shell.run(
      "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
      " sqlite_schema WHERE name = 'by_a') WHERE name = 'sqlite_autoindex_note_1'");
  EXPECT_FALSE(db_->maintenance().integrity_check(IntegrityCheck::Full).empty());
}

TEST_F(MaintenanceTest, NamesRowsWhoseForeignKeysLeadNowhere) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute("CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES note(id))");
  });
  EXPECT_THAT(db_->maintenance().foreign_key_check(), IsEmpty());
  SqliteShell(db_.file()).run("INSERT INTO child VALUES (5, 99)");
  const auto violations = db_->maintenance().foreign_key_check();
  ASSERT_EQ(violations.size(), 1U);
  EXPECT_EQ(violations[0].table, "child");
  EXPECT_EQ(violations[0].rowid, 5);
  EXPECT_EQ(violations[0].parent, "note");
}

TEST_F(MaintenanceTest, ChecksGoOnBesideAWriter) {
  BusyWriter busy(db_.lane());
  EXPECT_THAT(db_->maintenance().integrity_check(IntegrityCheck::Quick, {.timeout = 0ms}),
              IsEmpty());
}

TEST_F(MaintenanceTest, ACheckThatIsStoppedEnds) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(
      (void)db_->maintenance().integrity_check(IntegrityCheck::Full, {.stop = stop.get_token()}),
      Cancelled);
}

// ---- Text indexes and pages ----

TEST_F(MaintenanceTest, MakesATextIndexAnew) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE VIRTUAL TABLE \"my \"\"words\" USING fts5(text, content='note',"
        " content_rowid='id');");
    add_note(tx, "apple pear");
  });
  const auto found = [&] {
    return ask("SELECT count(*) FROM \"my \"\"words\" WHERE \"my \"\"words\" MATCH 'pear'");
  };
  EXPECT_EQ(found(), 0);
  db_->maintenance().rebuild_text_index("my \"words");
  EXPECT_EQ(found(), 1);
}

TEST_F(MaintenanceTest, MakesNoTextIndexOfAnotherTable) {
  db_.lane().write([](WriteTx& tx) { tx.execute("CREATE TABLE odd(odd)"); });
  for (const char* name : {"odd", "note", "nowhere"}) {
    EXPECT_EQ(thrown<MisuseError>([&] { db_->maintenance().rebuild_text_index(name); }).code(),
              "TEXT_INDEX_UNKNOWN");
  }
  EXPECT_EQ(ask("SELECT count(*) FROM odd"), 0);
}

TEST_F(MaintenanceTest, TellsWhatFillsTheFile) {
  make_free_pages();
  const std::vector<PageStatistics> statistics = db_->maintenance().page_statistics();
  ASSERT_GE(statistics.size(), 3U);
  std::vector<std::string> names;
  for (const PageStatistics& each : statistics) {
    names.push_back(each.name);
    EXPECT_EQ(each.bytes, each.pages * 4096) << each.name;
    EXPECT_LT(each.unused_bytes, each.bytes) << each.name;
  }
  EXPECT_THAT(names, testing::UnorderedElementsAre("note", "sqlite_autoindex_note_1",
                                                   "sqlite_schema", "turnstile_migration"));
}

TEST(MaintenanceOfAReadOnlyDatabase, ChecksAndDoesNotWrite) {
  NoteDatabase db;
  db->close();
  Options options;
  options.mode = OpenMode::ReadOnly;
  const Database reader = Database::open(db.file(), options);
  EXPECT_THAT(reader.maintenance().integrity_check(), IsEmpty());
  EXPECT_EQ(thrown<MisuseError>([&] { reader.maintenance().vacuum(); }).code(), "DB_READ_ONLY");
}

}  // namespace
}  // namespace turnstile::test
