// One file, one database in the process, under whatever name it is opened.
#include "database/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// Two handles on one database see each other's counters.
bool same_database(const Database& a, const Database& b) {
  const auto before = b.info().counters.writes;
  a.lane("probe").write([](WriteTx&) {});
  return b.info().counters.writes == before + 1;
}

TEST(Registry, GivesTheSameDatabaseForTheSamePath) {
  NoteDatabase db;
  const Database again = Database::open(db.file(), with_notes());
  EXPECT_TRUE(same_database(*db, again));
}

// CORE-16: one file, one pool.
TEST(Registry, GivesTheSameDatabaseForARelativePath) {
  NoteDatabase db;
  const Database again =
      Database::open(fs::relative(db.file(), fs::current_path()).string(), with_notes());
  EXPECT_TRUE(same_database(*db, again));
}

// CORE-16: links are followed first.
TEST(Registry, GivesTheSameDatabaseForASymbolicLink) {
  NoteDatabase db;
  const std::string link = db.directory().file("link.db");
  fs::create_symlink(db.file(), link);
  const Database again = Database::open(link, with_notes());
  EXPECT_TRUE(same_database(*db, again));
}

TEST(Registry, GivesTheSameDatabaseForAUri) {
  NoteDatabase db;
  const Database again = Database::open("file:" + db.file() + "?mode=rw", with_notes());
  EXPECT_TRUE(same_database(*db, again));
}

TEST(Registry, KeepsTwoFilesApart) {
  NoteDatabase one;
  NoteDatabase two;
  EXPECT_FALSE(same_database(*one, *two));
}

// CORE-16: SQLite names the log after the path, and two logs lose rows.
TEST(Registry, RefusesAHardLink) {
  NoteDatabase db;
  const std::string other = db.directory().file("other.db");
  fs::create_hard_link(db.file(), other);
  const auto error = thrown<MisuseError>([&] { (void)Database::open(other, with_notes()); });
  EXPECT_EQ(error.code(), "DB_HARD_LINK");
  EXPECT_THAT(error.what(), HasSubstr(db.file()));
  EXPECT_THAT(error.what(), HasSubstr(other));
  EXPECT_THAT(names_in(db.directory().path()), Not(Contains("other.db-wal")));
}

// CORE-01: a second open does not change what the first has settled.
TEST(Registry, RefusesOtherSettingsAndNamesTheFirst) {
  using std::chrono::milliseconds;
  struct Change {
    std::string setting;
    std::function<void(Options&)> make;
  };
  const std::vector<Change> changes = {
      {"connections", [](Options& o) { o.connections = 2; }},
      {"busy_timeout", [](Options& o) { o.busy_timeout = milliseconds(1); }},
      {"synchronous", [](Options& o) { o.synchronous = Synchronous::Full; }},
      {"foreign_keys", [](Options& o) { o.foreign_keys = false; }},
      {"mode", [](Options& o) { o.mode = OpenMode::ReadOnly; }},
      {"statement_cache_size", [](Options& o) { o.statement_cache_size = 1; }},
      {"checkpoint_frames", [](Options& o) { o.checkpoint_frames = 1; }},
      {"wal_limit_bytes", [](Options& o) { o.wal_limit_bytes = 0; }},
      {"at_wal_limit", [](Options& o) { o.at_wal_limit = AtWalLimit::Warn; }},
      {"pinned_reader_warning", [](Options& o) { o.pinned_reader_warning = milliseconds(1); }},
      {"vfs", [](Options& o) { o.vfs = "unix"; }},
      {"migrations", [](Options& o) { o.migrations.clear(); }},
      {"migrations", [](Options& o) { o.migrations[0].sql += ";"; }},
      {"extensions",
       [](Options& o) {
         o.extensions.push_back({"x.so", ""});
       }},
  };
  NoteDatabase db;
  for (const Change& change : changes) {
    Options options = with_notes();
    change.make(options);
    const auto error = thrown<MisuseError>([&] { (void)Database::open(db.file(), options); });
    EXPECT_EQ(error.code(), "DB_OPTIONS_DIFFER") << change.setting;
    EXPECT_THAT(error.what(), HasSubstr("value of " + change.setting));
    EXPECT_STREQ(error.where().file_name(), __FILE__);
  }
  EXPECT_NO_THROW(add_note(db.lane(), "still there"));
}

TEST(Registry, AllowsOtherSettingsThatConcernOnlyANewFile) {
  NoteDatabase db;
  Options options = with_notes();
  options.mode = OpenMode::ReadWrite;
  options.page_size = 8192;
  options.create_directories = true;
  EXPECT_NO_THROW((void)Database::open(db.file(), options));
}

TEST(Registry, AllowsOtherSettingsAfterTheLastClose) {
  NoteDatabase db;
  add_note(db.lane(), "kept");
  db->close();
  Options options = with_notes();
  options.connections = 2;
  const Database again = Database::open(db.file(), options);
  EXPECT_EQ(again.info().pool.connections, 2);
  EXPECT_EQ(count_notes(again.lane("notes")), 1);
}

TEST(Registry, KeepsTheDatabaseForTheOtherHandle) {
  NoteDatabase db;
  Database second = Database::open(db.file(), with_notes());
  const CloseReport report = second.close();
  EXPECT_FALSE(report.was_last_handle);
  EXPECT_NO_THROW(add_note(db.lane(), "after"));
}

TEST(Registry, KeepsLanesOfAClosedHandleWhileAnotherIsOpen) {
  NoteDatabase db;
  Database second = Database::open(db.file(), with_notes());
  const Lane lane = second.lane("second");
  second.close();
  EXPECT_NO_THROW(add_note(lane, "after"));
}

TEST(Registry, OpensANewDatabaseWhileLanesOfTheOldOneAreLeft) {
  NoteDatabase db;
  const Lane old = db.lane();
  db->close();
  const Database again = Database::open(db.file(), with_notes());
  EXPECT_NO_THROW(add_note(again.lane("notes"), "new"));
  EXPECT_EQ(thrown<MisuseError>([&] { add_note(old, "old"); }).code(), "DB_CLOSED");
}

TEST(Registry, KnowsAFileThatTookAnothersPlace) {
  NoteDatabase db;
  add_note(db.lane(), "old");
  db->close();
  fs::remove(db.file());
  const Database fresh = Database::open(db.file(), with_notes());
  EXPECT_EQ(count_notes(fresh.lane("notes")), 0);
}

TEST(Registry, LetsOneOpenWaitForAnother) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  AtPoint migrating("migrate:step_done", 1);
  const auto open = [&] { return Database::open(file, with_notes()); };
  auto first = std::async(std::launch::async, open);
  migrating.wait_until_reached();
  auto second = std::async(std::launch::async, open);
  migrating.release();
  EXPECT_TRUE(same_database(first.get(), second.get()));
  EXPECT_EQ(migrating.reached(), 1U);
}

TEST(Registry, SaysWhoKeepsAnOpenWaiting) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  AtPoint migrating("migrate:step_done", 1);
  auto first = std::async(std::launch::async, [&] { return Database::open(file, with_notes()); });
  migrating.wait_until_reached();
  Options options = with_notes();
  options.busy_timeout = std::chrono::milliseconds(20);
  options.migration_timeout = std::chrono::milliseconds(20);
  const auto error = thrown<Timeout>([&] { (void)Database::open(file, options); });
  EXPECT_EQ(error.code(), "OPEN_TIMEOUT");
  EXPECT_EQ(error.holder().kind, Holder::Kind::Thread);
  EXPECT_THAT(error.holder().where, HasSubstr("registry_test.cc"));
  migrating.release();
  EXPECT_NO_THROW(first.get());
}

TEST(Registry, ManyThreadsThatOpenAtOnceGetOneDatabase) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  constexpr int kThreads = 8;
  std::vector<std::future<Database>> opening;
  for (int i = 0; i < kThreads; ++i) {
    opening.push_back(
        std::async(std::launch::async, [&] { return Database::open(file, with_notes()); }));
  }
  std::vector<Database> handles;
  for (auto& each : opening)
    handles.push_back(each.get());
  for (const Database& handle : handles)
    add_note(handle.lane("notes"), "x" + std::to_string(handle.info().counters.writes));
  EXPECT_EQ(handles.front().info().counters.writes, static_cast<std::uint64_t>(kThreads));
}

}  // namespace
}  // namespace turnstile::test
