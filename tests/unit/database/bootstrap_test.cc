// The start-up: its phases, and what it settles on the file and on each connection.
#include "database/bootstrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <future>
#include <iostream>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "support/files.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/note_database.h"
#include "support/place_of.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> phase_names(const DatabaseInfo& info) {
  std::vector<std::string> names;
  for (const BootstrapPhase& phase : info.phases)
    names.push_back(phase.name);
  return names;
}

std::string detail_of(const DatabaseInfo& info, std::string_view name) {
  const auto phase = std::find_if(info.phases.begin(), info.phases.end(),
                                  [&](const BootstrapPhase& each) { return each.name == name; });
  return phase == info.phases.end() ? "no such phase" : phase->detail;
}

std::string ask(ReadTx& tx, const std::string& sql) {
  const Value value = tx.query<Value>(sql).one();
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  return std::get<std::string>(value);
}

// The answers of all connections, the writer's last. The readers are asked at once, and none is
// given back before all have answered.
std::vector<std::string> ask_each_connection(const Database& db, const std::string& sql) {
  const Lane lane = db.lane("asking");
  std::barrier all_have_answered(db.info().pool.readers_idle);
  std::vector<std::future<std::string>> readers;
  for (int i = db.info().pool.readers_idle; i > 0; --i) {
    readers.push_back(std::async(std::launch::async, [&] {
      return lane.read([&](ReadTx& tx) {
        std::string answer;
        try {
          answer = ask(tx, sql);
        } catch (const Error& error) {
          answer = error.what();
        }
        all_have_answered.arrive_and_wait();
        return answer;
      });
    }));
  }
  std::vector<std::string> answers;
  for (auto& reader : readers)
    answers.push_back(reader.get());
  answers.push_back(lane.write([&](WriteTx& tx) { return ask(tx, sql); }));
  return answers;
}

TEST(Bootstrap, RunsItsPhasesInTheirOrder) {
  NoteDatabase db;
  EXPECT_THAT(phase_names(db->info()),
              ElementsAre("locate", "gate", "initialise", "migrate", "pool", "start"));
}

TEST(Bootstrap, HasTheSamePhasesInMemoryAndReadOnly) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db")); }
  for (const OpenMode mode : {OpenMode::Memory, OpenMode::ReadOnly}) {
    Options options;
    options.mode = mode;
    const DatabaseInfo info = Database::open(directory.file("a.db"), options).info();
    EXPECT_THAT(phase_names(info),
                ElementsAre("locate", "gate", "initialise", "migrate", "pool", "start"));
    EXPECT_EQ(detail_of(info, "gate"), "not needed");
  }
}

TEST(Bootstrap, TimesItsPhases) {
  const auto start = std::chrono::steady_clock::now();
  NoteDatabase db;
  const auto wall = std::chrono::steady_clock::now() - start;
  std::chrono::microseconds sum{0};
  for (const BootstrapPhase& phase : db->info().phases) {
    EXPECT_GE(phase.duration.count(), 0) << phase.name;
    sum += phase.duration;
  }
  EXPECT_GT(sum.count(), 0);
  EXPECT_LE(sum, wall);
}

TEST(Bootstrap, SwitchesANewFileToWal) {
  NoteDatabase db;
  EXPECT_EQ(detail_of(db->info(), "initialise"), "journal_mode: delete -> wal");
}

// WAL-01: the mode is the file's, not the connection's.
TEST(Bootstrap, LeavesTheFileInWalForOtherPrograms) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db")); }
  EXPECT_EQ(run_raw(directory.file("a.db"), "PRAGMA journal_mode"), "wal");
}

TEST(Bootstrap, DoesNotSetWalAgain) {
  const TempDir directory;
  { const Database made = Database::open(directory.file("a.db")); }
  const AtPoint switching("Bootstrap::switch_to_wal");
  const Database again = Database::open(directory.file("a.db"));
  EXPECT_EQ(switching.reached(), 0U);
  EXPECT_EQ(detail_of(again.info(), "initialise"), "journal_mode: wal");
}

TEST(Bootstrap, SwitchesAnExistingFileWithARollbackJournal) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "CREATE TABLE t(x); INSERT INTO t VALUES (7)");
  const Database db = Database::open(directory.file("a.db"));
  EXPECT_EQ(detail_of(db.info(), "initialise"), "journal_mode: delete -> wal");
  EXPECT_EQ(
      db.lane("a").read([](ReadTx& tx) { return tx.query<std::int64_t>("SELECT x FROM t").one(); }),
      7);
}

// SQLite refuses the switch at once while somebody writes, whatever the busy handler says.
TEST(Bootstrap, WaitsWithTheSwitchForAStrangerWhoWrites) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "CREATE TABLE t(x)");
  RawSqlite stranger(directory.file("a.db"));
  // Its COMMIT may meet an attempt of ours, which has a read lock for a moment.
  stranger.run("PRAGMA busy_timeout=30000");
  stranger.run("BEGIN IMMEDIATE");
  AtPoint switching("Bootstrap::switch_to_wal");
  auto opened =
      std::async(std::launch::async, [&] { return Database::open(directory.file("a.db")).info(); });
  switching.wait_until_reached(3);
  stranger.run("COMMIT");
  EXPECT_EQ(detail_of(opened.get(), "initialise"), "journal_mode: delete -> wal");
}

TEST(Bootstrap, GivesUpTheSwitchAtTheDeadline) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "CREATE TABLE t(x)");
  RawSqlite stranger(directory.file("a.db"));
  stranger.run("BEGIN; SELECT count(*) FROM t");
  Options options;
  options.busy_timeout = std::chrono::milliseconds(60);
  const auto error =
      thrown<Timeout>([&] { (void)Database::open(directory.file("a.db"), options); });
  EXPECT_EQ(error.code(), "OPEN_TIMEOUT") << error.what();
  EXPECT_GE(error.waited(), options.busy_timeout);
  stranger.run("COMMIT");
  EXPECT_EQ(stranger.run("PRAGMA journal_mode"), "delete");
}

// A VFS of SQLite's own whose files have no shared memory.
Options on_a_file_system_without_wal() {
  Options options = with_notes();
  options.vfs = "unix-dotfile";
  return options;
}

// WAL-04: the answer to the switch is looked at, and another one than `wal` is an error.
TEST(Bootstrap, RefusesAFileSystemThatCannotCarryWal) {
  const TempDir directory;
  const auto error = thrown<StorageError>(
      [&] { (void)Database::open(directory.file("a.db"), on_a_file_system_without_wal()); });
  EXPECT_EQ(error.code(), "DB_WAL_UNAVAILABLE");
  EXPECT_THAT(error.what(), HasSubstr("SQLite answered 'delete' to the switch"));
}

// WAL-04: nor is it silent where the options allow another journal.
TEST(Bootstrap, SaysThatItUsesARollbackJournalInstead) {
  const TempDir directory;
  LogEvents events;
  Options options = on_a_file_system_without_wal();
  options.without_wal = WithoutWal::RollbackJournal;
  options.log_sink = events.sink();
  const Database db = Database::open(directory.file("a.db"), options);
  EXPECT_THAT(events.of("JOURNAL_FALLBACK"), ElementsAre(HasSubstr("'delete'")));
  EXPECT_FALSE(db.capabilities().readers_beside_writer);
  add_note(db.lane("notes"), "one");
  EXPECT_EQ(count_notes(db.lane("notes")), 1);
}

// tests/fault/power_loss_test.cc shows what less than that loses.
TEST(Bootstrap, SyncsWhateverEndsACommitWhereThereIsNoLog) {
  const TempDir directory;
  Options options = on_a_file_system_without_wal();
  options.without_wal = WithoutWal::RollbackJournal;
  const Database db = Database::open(directory.file("a.db"), options);
  EXPECT_EQ(
      db.lane("notes").write([](WriteTx& tx) { return tx.query<int>("PRAGMA synchronous").one(); }),
      3);
}

TEST(Bootstrap, GivesANewFileItsPageSize) {
  const TempDir directory;
  Options options;
  options.page_size = 16384;
  EXPECT_EQ(Database::open(directory.file("a.db"), options).info().page_size_bytes, 16384);
  EXPECT_EQ(run_raw(directory.file("a.db"), "PRAGMA page_size"), "16384");
}

TEST(Bootstrap, LeavesThePageSizeOfAnExistingFile) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "PRAGMA page_size=8192; CREATE TABLE t(x)");
  Options options;
  options.page_size = 16384;
  EXPECT_EQ(Database::open(directory.file("a.db"), options).info().page_size_bytes, 8192);
}

TEST(Bootstrap, GivesANewFileItsAutoVacuum) {
  const TempDir directory;
  const auto made_with = [&](const std::string& name, AutoVacuum mode) {
    Options options = with_notes();
    options.auto_vacuum = mode;
    { const Database made = Database::open(directory.file(name), options); }
    return run_raw(directory.file(name), "PRAGMA auto_vacuum");
  };
  EXPECT_EQ(made_with("none.db", AutoVacuum::None), "0");
  EXPECT_EQ(made_with("full.db", AutoVacuum::Full), "1");
  EXPECT_EQ(made_with("incremental.db", AutoVacuum::Incremental), "2");
}

TEST(Bootstrap, LeavesTheAutoVacuumOfAnExistingFile) {
  const TempDir directory;
  run_raw(directory.file("a.db"), "PRAGMA auto_vacuum=2; CREATE TABLE t(x)");
  Options options;
  options.auto_vacuum = AutoVacuum::Full;
  { const Database opened = Database::open(directory.file("a.db"), options); }
  EXPECT_EQ(run_raw(directory.file("a.db"), "PRAGMA auto_vacuum"), "2");
}

TEST(Bootstrap, OpensAsManyConnectionsAsAskedFor) {
  for (const int connections : {1, 2, 4, 9}) {
    Options options;
    options.connections = connections;
    NoteDatabase db(options);
    const PoolInfo pool = db->info().pool;
    EXPECT_EQ(pool.connections, connections);
    EXPECT_EQ(pool.readers_idle, connections - 1);
    EXPECT_EQ(detail_of(db->info(), "pool"), std::to_string(connections) + " connections");
  }
}

// CORE-13: all four are asked at once.
// WAL-12: the durability that was asked for reaches all four.
TEST(Bootstrap, AppliesItsSettingsToEveryConnection) {
  for (const bool foreign_keys : {true, false}) {
    for (const Synchronous synchronous : {Synchronous::Normal, Synchronous::Full}) {
      Options options;
      options.foreign_keys = foreign_keys;
      options.synchronous = synchronous;
      NoteDatabase db(options);
      EXPECT_THAT(ask_each_connection(*db, "PRAGMA foreign_keys"),
                  AllOf(SizeIs(4), Each(foreign_keys ? "1" : "0")));
      EXPECT_THAT(ask_each_connection(*db, "PRAGMA synchronous"),
                  AllOf(SizeIs(4), Each(synchronous == Synchronous::Full ? "2" : "1")));
    }
  }
}

TEST(Bootstrap, SwitchesAutomaticCheckpointsOffOnEveryConnection) {
  NoteDatabase db;
  EXPECT_THAT(ask_each_connection(*db, "PRAGMA wal_autocheckpoint"), AllOf(SizeIs(4), Each("0")));
}

TEST(Bootstrap, MakesReadersThatCannotWrite) {
  NoteDatabase db;
  const std::vector<std::string> answers = ask_each_connection(*db, "PRAGMA query_only");
  EXPECT_THAT(answers, ElementsAre("1", "1", "1", "0"));
}

// CORE-13: an orphan is refused by the one connection that can write.
TEST(Bootstrap, EnforcesForeignKeysWhereTheyAreOn) {
  Options options;
  options.migrations = {{1, "make tables",
                         "CREATE TABLE p(id INTEGER PRIMARY KEY);"
                         "CREATE TABLE c(p INTEGER REFERENCES p(id))"}};
  const TempDir directory;
  const Database on = Database::open(directory.file("on.db"), options);
  options.foreign_keys = false;
  const Database off = Database::open(directory.file("off.db"), options);
  const auto orphan = [](WriteTx& tx) { tx.execute("INSERT INTO c VALUES (1)"); };
  EXPECT_THROW(on.lane("a").write(orphan), ConstraintError);
  EXPECT_NO_THROW(off.lane("a").write(orphan));
}

// The library that calls vec0 names where it is; without it this claim would go untested.
TEST(Bootstrap, LoadsExtensionsIntoEveryConnection) {
#ifdef TURNSTILE_TEST_VEC0
  Options options;
  options.extensions = {{place_of::vec0(), "sqlite3_vec_init"}};
  NoteDatabase db(options);
  EXPECT_THAT(ask_each_connection(*db, "SELECT vec_distance_l2('[1,2]', '[1,5]') = 3.0"),
              AllOf(SizeIs(4), Each("1")));
#elif defined(__x86_64__)
  FAIL() << "the build has no vec0.so; set TURNSTILE_VEC0";
#else
  std::cout << "no vec0 library for this platform: extensions were not tested\n";
#endif
}

TEST(Bootstrap, FailsWithAnExtensionThatIsNotThere) {
  const TempDir directory;
  Options options;
  options.extensions = {{directory.file("missing.so"), ""}};
  const auto error = thrown<Error>([&] { (void)Database::open(directory.file("a.db"), options); });
  EXPECT_EQ(error.code(), "EXTENSION_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("missing.so"));
}

TEST(Bootstrap, FailsWithAnExtensionThatIsNoLibrary) {
  const TempDir directory;
  write_file(directory.path() / "text.so", "not a library");
  Options options;
  options.extensions = {{directory.file("text.so"), ""}};
  const auto error = thrown<Error>([&] { (void)Database::open(directory.file("a.db"), options); });
  EXPECT_EQ(error.code(), "EXTENSION_FAILED");
}

TEST(Bootstrap, CanBeRepeatedAfterItFailed) {
  const TempDir directory;
  Options options;
  options.extensions = {{directory.file("missing.so"), ""}};
  EXPECT_THROW((void)Database::open(directory.file("a.db"), options), Error);
  options.extensions.clear();
  EXPECT_NO_THROW((void)Database::open(directory.file("a.db"), options));
}

// CORE-14: the step of the extensions fails, and what was open is closed.
TEST(Bootstrap, LeavesNothingOpenWhenItFails) {
  const TempDir directory;
  Options options;
  options.extensions = {{directory.file("missing.so"), ""}};
  EXPECT_THROW((void)Database::open(directory.file("a.db"), options), Error);
  EXPECT_THAT(open_files_in(directory.path()), IsEmpty());
}

TEST(Bootstrap, IsWhatAnInitializedComesFrom) {
  EXPECT_FALSE(std::is_default_constructible_v<database::Initialized>);
  EXPECT_FALSE((std::is_constructible_v<database::Initialized, std::unique_ptr<sqlite::Connection>,
                                        bool, int>));
}

}  // namespace
}  // namespace turnstile::test
