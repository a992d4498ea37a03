// How the database of a profile without a password comes to be: one connection settles what belongs
// to the file, and the pool comes after it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <filesystem>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "database/bootstrap.h"
#include "support/interleaving.h"
#include "support/sql_trace.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kThreads = 8;

void use_from_eight_threads(const Lane& lane) {
  std::barrier together(kThreads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      add_note(lane, "by " + std::to_string(i));
      (void)count_notes(lane);
    });
  }
}

// VIN-01: the folders are there first, then one connection sees to schema and journal mode.
TEST(ProfileStart, SettlesTheFileOnOneConnectionBeforeThereIsAPool) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const SqlTrace trace;
  const ProfileInfo made = workspace.create("work");
  const auto all = SqlTrace::matching("");
  const auto sets = SqlTrace::matching(kSetsJournalMode);
  const auto tables = SqlTrace::matching("CREATE TABLE note");
  ASSERT_THAT(sets, SizeIs(1));
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_EQ(sets[0].connection, all.front().connection);
  EXPECT_EQ(tables[0].connection, all.front().connection);
  // All that came before the schema was on that connection.
  for (const SqlTrace::Entry& entry : all) {
    if (entry.sql == tables[0].sql) break;
    EXPECT_EQ(entry.connection, all.front().connection) << entry.sql;
  }
  EXPECT_EQ(run_raw(part_of(place.folder(made), "database."), "PRAGMA journal_mode"), "wal");
}

// VPL-03, VIN-03: what a connection of the pool is told, and nothing else.
TEST(ProfileStart, TellsAConnectionOfThePoolItsOwnSettingsOnly) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("work");
  const SqlTrace trace;
  const VaultSession session = workspace.unlock("work");
  EXPECT_THAT(SqlTrace::matching(kSetsJournalMode), IsEmpty());
  const auto all = SqlTrace::matching("");
  const void* const last = all.back().connection;
  std::vector<std::string> settings;
  for (const SqlTrace::Entry& entry : SqlTrace::matching(R"(^PRAGMA \w+\s*=)"))
    if (entry.connection == last) settings.push_back(entry.sql);
  EXPECT_THAT(settings, ElementsAre("PRAGMA foreign_keys=1", "PRAGMA synchronous=1",
                                    testing::StartsWith("PRAGMA journal_size_limit=")));
  const DatabaseInfo info = session.database_info();
  const auto value = [&](std::string_view name) {
    const auto found = std::ranges::find(info.settings, name, &Setting::name);
    return found == info.settings.end() ? std::string("none") : found->in_force;
  };
  EXPECT_EQ(value("busy_timeout"), "5000 ms");
  EXPECT_EQ(value("foreign_keys"), "on");
  EXPECT_EQ(value("synchronous"), "normal");
  EXPECT_EQ(value("journal_mode"), "wal");
}

// VIN-02
TEST(ProfileStart, WritesNothingTheSecondTime) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  (void)workspace.unlock("work");
  const fs::path database = part_of(place.folder(made), "database.");
  const std::string before = fingerprint(database);
  for (int i = 0; i < 100; ++i)
    (void)workspace.unlock("work");
  EXPECT_EQ(fingerprint(database), before);
}

// VIN-04: a pool is made of what only the bootstrap gives.
TEST(ProfileStart, IsTheOnlyWayToAPool) {
  static_assert(!std::is_default_constructible_v<database::Initialized>);
  static_assert(!std::is_default_constructible_v<Lane>);
  static_assert(!std::is_default_constructible_v<VaultSession>);
  static_assert(!std::is_constructible_v<VaultSession, std::string>);
  SUCCEED();
}

std::string code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return std::string(error.code());
  }
  return "nothing was thrown";
}

// VIN-05
TEST(ProfileStart, SaysWhichPartOfItHasFailed) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  const ProfileInfo made = workspace.create("work");
  const fs::path database = part_of(place.folder(made), "database.");
  const auto unlock = [&] { (void)workspace.unlock("work"); };

  write_file(database, "this is a letter, and no database at all: " + std::string(2000, 'x'));
  EXPECT_EQ(code_of(unlock), "DB_QUERY_FAILED");
  write_file(database, "");
  EXPECT_EQ(code_of(unlock), "DB_QUERY_FAILED");
  fs::remove(database);
  EXPECT_EQ(code_of(unlock), "DB_OPEN_FAILED");
  fs::create_directory(database);
  EXPECT_EQ(code_of(unlock), "PROFILE_DAMAGED");

  place.options().database.migrations = {{1, "broken", "CREATE TABLE"}};
  Workspace broken = place.open();
  EXPECT_EQ(code_of([&] { broken.create("other"); }), "MIGRATION_FAILED");
}

// VIN-05: and leaves no file.
TEST(ProfileStart, SaysWhenItsFolderCannotBeMade) {
  WorkspacePlace place;
  (void)place.open();
  fs::permissions(place.root().parent_path(), fs::perms(0777));
  const std::string answer = unprivileged([&]() -> std::string {
    const fs::path root = place.root().parent_path() / "mine";
    Workspace workspace = Workspace::open(root, place.options());
    fs::permissions(root / "tmp", fs::perms(0500));
    const auto before = names_in(root / "tmp");
    const std::string code = code_of([&] { workspace.create("work"); });
    fs::permissions(root / "tmp", fs::perms(0700));
    return code + (names_in(root / "tmp") == before ? "" : ", and left a file");
  });
  EXPECT_EQ(answer, "PROFILE_STORAGE_WRITE");
}

// VIN-07
TEST(ProfileStart, DisturbsNobodyWhoHasTheProfileOpen) {
  WorkspacePlace place;
  Workspace first = place.open();
  first.create("work");
  const VaultSession session = first.unlock("work");
  std::jthread writer([lane = session.lane("notes")](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i)
      add_note(lane, std::to_string(i));
  });
  for (int i = 0; i < 20; ++i) {
    Workspace second = place.open();
    EXPECT_GE(count_notes(second.unlock("work").lane("notes")), 0);
  }
}

// VPL-01, VPL-07
TEST(ProfileStart, OfTwoProfilesGivesTwoPoolsThatKnowNothingOfEachOther) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("a");
  workspace.create("b");
  const VaultSession a = workspace.unlock("a");
  const VaultSession b = workspace.unlock("b");
  add_note(a.lane("notes"), "of a");
  EXPECT_THAT(all_notes(b.lane("notes")), IsEmpty());
  // While one of them writes, the other one does.
  a.lane("notes").write([&](WriteTx&) { add_note(b.lane("notes"), "of b"); });
  EXPECT_THAT(all_notes(b.lane("notes")), ElementsAre("of b"));
  a.lock();
  EXPECT_EQ(count_notes(b.lane("notes")), 1);
}

// VPL-02: all four connections at once on a file that nobody has seen before.
TEST(ProfileStart, OpensItsFourConnectionsAtOnceWithoutALockFailure) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  for (int i = 0; i < 50; ++i) {
    const std::string name = "profile " + std::to_string(i);
    workspace.create(name);
    const VaultSession session = workspace.unlock(name);
    EXPECT_EQ(session.database_info().pool.connections, 4);
    use_from_eight_threads(session.lane("notes"));
    EXPECT_EQ(count_notes(session.lane("notes")), kThreads);
  }
}

// VPL-06
TEST(ProfileStart, OfOneProfileKeepsNobodyFromAnother) {
  WorkspacePlace place;
  Workspace workspace = place.open();
  workspace.create("slow");
  workspace.create("quick");
  AtPoint opening("WorkspaceCore:unlocking", 1);
  std::jthread slow([&] { (void)workspace.unlock("slow"); });
  opening.wait_until_reached();
  EXPECT_EQ(count_notes(workspace.unlock("quick").lane("notes")), 0);
  opening.release();
}

// VST-07
TEST(ProfileStart, ThatFailsLeavesNothing) {
  WorkspacePlace place;
  (void)place.open().create("there");
  place.options().database.migrations.push_back({2, "broken", "CREATE TABLE"});
  const std::string before = picture_of(place.root());
  {
    Workspace workspace = place.open();
    EXPECT_THROW(workspace.create("work"), MigrationError);
    EXPECT_THROW(workspace.create("vault", {.kind = ProfileKind::Sealed, .password = kPassword}),
                 MigrationError);
    EXPECT_THAT(workspace.profiles(), SizeIs(1));
  }
  EXPECT_EQ(picture_of(place.root()), before);
}

// PORT-04: such as SQLite's way of locking by files beside the database, which has no shared
// memory.
TEST(ProfileStart, WithoutAWriteAheadLogIsForThoseWhoSaySo) {
  WorkspacePlace place;
  place.options().database.vfs = "unix-dotfile";
  {
    Workspace workspace = place.open();
    EXPECT_EQ(code_of([&] { workspace.create("work"); }), "DB_WAL_UNAVAILABLE");
    EXPECT_THAT(workspace.profiles(), IsEmpty());
  }
  place.options().database.without_wal = WithoutWal::RollbackJournal;
  Workspace workspace = place.open();
  workspace.create("work");
  const VaultSession session = workspace.unlock("work");
  add_note(session.lane("notes"), "with a rollback journal");
  EXPECT_EQ(count_notes(session.lane("notes")), 1);
  EXPECT_THAT(place.told("JOURNAL_FALLBACK"), testing::Not(IsEmpty())) << "and the log is told";
}

/// The tables that a keeper of passwords has.
Migrations card_schema() {
  return {
      {1, "cards",
       "CREATE TABLE folder(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES folder(id),"
       "  name TEXT NOT NULL, removed INTEGER);"
       "CREATE UNIQUE INDEX folder_name ON folder(coalesce(parent, 0), name)"
       "  WHERE removed IS NULL;"
       "CREATE TABLE card(id INTEGER PRIMARY KEY, folder INTEGER REFERENCES folder(id),"
       "  title TEXT NOT NULL, password TEXT, removed INTEGER);"
       "CREATE TABLE former_password(card INTEGER NOT NULL REFERENCES card(id) ON DELETE CASCADE,"
       "  password TEXT NOT NULL, until INTEGER NOT NULL);"
       "CREATE TABLE bank_card(id INTEGER PRIMARY KEY, number TEXT, removed INTEGER);"
       "CREATE TABLE preference(name TEXT PRIMARY KEY, value TEXT)"}};
}

// VSC-01: with its rules, in a database that lies in a sealed file.
TEST(ProfileSchema, IsTheProgramsOwn) {
  WorkspacePlace place;
  place.options().database.migrations = card_schema();
  place.options().required_tables = {"folder", "card", "former_password", "bank_card",
                                     "preference"};
  Workspace workspace = place.open();
  workspace.create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
  const VaultSession session = workspace.unlock("vault", kPassword);
  const Lane cards = session.lane("cards");
  cards.write([](WriteTx& tx) {
    tx.execute_script(
        "INSERT INTO folder(id, name) VALUES (1, 'work');"
        "INSERT INTO card(id, folder, title, password) VALUES (7, 1, 'mail', 'new');"
        "INSERT INTO former_password VALUES (7, 'old', 1)");
  });
  const auto add_folder = [&] {
    cards.write([](WriteTx& tx) { tx.execute("INSERT INTO folder(name) VALUES ('work')"); });
  };
  EXPECT_THROW(add_folder(), ConstraintError);
  cards.write([](WriteTx& tx) { tx.execute("UPDATE folder SET removed = 1 WHERE id = 1"); });
  EXPECT_NO_THROW(add_folder());
  EXPECT_THROW(cards.write([](WriteTx& tx) {
    tx.execute("INSERT INTO card VALUES (8, 99, 'x', '', NULL)");
  }),
               ConstraintError);
  cards.write([](WriteTx& tx) { tx.execute("DELETE FROM card"); });
  EXPECT_EQ(cards.read([](ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM former_password").one();
  }),
            0);
}

}  // namespace
}  // namespace turnstile::test
