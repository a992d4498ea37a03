// What a closure leaves behind on its connection is gone for the next one that gets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <future>
#include <string>
#include <vector>

#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/native.h"

namespace turnstile::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> temporary_names(ReadTx& tx) {
  return tx.query<std::string>("SELECT name FROM temp.sqlite_schema ORDER BY name").all();
}

void run(sqlite3* handle, const std::string& sql) {
  EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sql << ": " << sqlite3_errmsg(handle);
}

/// One writer and one reader, so that the next call gets the same connection.
class Hygiene : public testing::Test {
 protected:
  Hygiene() : db_(options()) {}

  Options options() {
    Options options;
    options.connections = 2;
    options.log_sink = events_.sink();
    return options;
  }
  void in_write(const std::function<void(sqlite3*)>& use) {
    db_.lane().write([&](WriteTx& tx) { use(native_handle(tx)); });
  }
  void in_read(const std::function<void(sqlite3*)>& use) {
    db_.lane().read([&](ReadTx& tx) { use(native_handle(tx)); });
  }
  [[nodiscard]] std::string ask_writer(const std::string& sql) {
    return db_.lane().write([&](WriteTx& tx) {
      return tx.query<std::string>("SELECT CAST((" + sql + ") AS TEXT)").one();
    });
  }
  [[nodiscard]] std::string ask_reader(const std::string& sql) {
    return db_.lane().read([&](ReadTx& tx) {
      return tx.query<std::string>("SELECT CAST((" + sql + ") AS TEXT)").one();
    });
  }
  [[nodiscard]] std::uint64_t repaired() { return db_->metrics().repaired_connections; }
  [[nodiscard]] std::uint64_t replaced() { return db_->metrics().replaced_connections; }

  LogEvents events_;
  NoteDatabase db_;
};

// ---- Temporary objects ----

// CORE-15: they would hide tables of the same name from whoever gets the connection next.
TEST_F(Hygiene, TemporaryObjectsEndWithTheirClosure) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TEMP TABLE note(id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT);"
        "CREATE INDEX temp.by_text ON note(text);"
        "CREATE TEMP VIEW \"odd \"\" view\" AS SELECT text FROM temp.note;"
        "CREATE TEMP TRIGGER copied AFTER INSERT ON main.note BEGIN"
        "  INSERT INTO note(text) VALUES (new.text); END;"
        "CREATE VIRTUAL TABLE temp.words USING fts5(text);"
        "INSERT INTO temp.words VALUES ('one');"
        "INSERT INTO note(text) VALUES ('temporary');");
    EXPECT_EQ(tx.query<std::string>("SELECT text FROM \"odd \"\" view\"").one(), "temporary");
  });
  EXPECT_EQ(repaired(), 1U);
  EXPECT_EQ(replaced(), 0U);
  db_.lane().write([](WriteTx& tx) {
    EXPECT_THAT(temporary_names(tx), ElementsAre("sqlite_sequence"));
    add_note(tx, "lasting");
  });
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("lasting"));
}

TEST_F(Hygiene, TemporaryObjectsAreNotSeenByTheNextMemberOfAGroup) {
  // On a busy machine the first can use up the time of a group, and the second has one of its own.
  constexpr int kAttempts = 50;
  for (int i = 0; i < kAttempts && db_->metrics().groups.max < 2; ++i) {
    std::future<void> first;
    std::future<std::vector<std::string>> second;
    {
      BusyWriter busy(db_.lane());
      first = db_.lane().submit([](WriteTx& tx) { tx.execute("CREATE TEMP TABLE note(other)"); });
      second = db_.lane().submit([i](WriteTx& tx) {
        add_note(tx, "mine " + std::to_string(i));
        return temporary_names(tx);
      });
    }
    first.get();
    EXPECT_THAT(second.get(), IsEmpty());
  }
  EXPECT_THAT(all_notes(db_.lane()), Each(StartsWith("mine ")));
  EXPECT_EQ(db_->metrics().groups.max, 2U) << "they have not shared a commit";
}

TEST_F(Hygiene, AStatementThatMakesATemporaryTableIsSeenEachTimeItRuns) {
  for (int i = 0; i < 3; ++i) {
    // The first time nothing of it stays, so that the statement is still good.
    try {
      db_.lane().write([&](WriteTx& tx) {
        const Statement kept = tx.prepare("CREATE TEMP TABLE scratch(a)");
        if (i == 0) throw std::runtime_error("not now");
        tx.execute("CREATE TEMP TABLE scratch(a)");
      });
    } catch (const std::runtime_error&) {
      EXPECT_EQ(i, 0);
    }
    db_.lane().write([](WriteTx& tx) { EXPECT_THAT(temporary_names(tx), IsEmpty()); });
  }
  EXPECT_EQ(repaired(), 2U);
}

TEST_F(Hygiene, TemporaryObjectsAreNotSeenByWhomAYieldLetsGo) {
  LaneOptions bulk;
  bulk.priority = Priority::Bulk;
  bulk.budget = std::chrono::milliseconds(0);
  std::future<void> other;
  db_->lane("bulk", bulk).write([&](WriteTx& tx) {
    tx.execute("CREATE TEMP TABLE note(other)");
    other = std::async(std::launch::async, [&] { add_note(db_.lane(), "theirs"); });
    while (!tx.yield_point())
      std::this_thread::yield();
  });
  other.get();
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("theirs"));
}

TEST_F(Hygiene, AnOrdinaryClosureIsNotLookedAt) {
  const AtPoint looks("Housekeeping::inspect");
  add_note(db_.lane(), "one");
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("one"));
  EXPECT_EQ(looks.reached(), 0U);
  in_read([](sqlite3*) {});
  EXPECT_EQ(looks.reached(), 1U);
}

// ---- The native handle ----

TEST_F(Hygiene, AHandleThatIsLeftAsItWasCostsNoConnection) {
  for (int i = 0; i < 3; ++i) {
    in_write([](sqlite3* handle) { run(handle, "SELECT * FROM note, pragma_table_info('note')"); });
    in_read([](sqlite3* handle) { run(handle, "SELECT * FROM note, json_each('[1]')"); });
  }
  EXPECT_EQ(repaired() + replaced(), 0U);
  EXPECT_EQ(events_.count("CONNECTION_REPLACED"), 0U);
}

// CORE-15: the authorizer refuses the PRAGMA; the C interface asks nobody.
TEST_F(Hygiene, ASettingChangedThroughTheHandleReplacesTheConnection) {
  in_write(
      [](sqlite3* handle) { sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr); });
  EXPECT_EQ(ask_writer("SELECT foreign_keys FROM pragma_foreign_keys"), "1");
  EXPECT_EQ(replaced(), 1U);
  ASSERT_EQ(events_.count("CONNECTION_REPLACED"), 1U);
  EXPECT_THAT(events_.of("CONNECTION_REPLACED").front(), HasSubstr("hygiene_test.cc:"));
  in_read([](sqlite3* handle) { sqlite3_limit(handle, SQLITE_LIMIT_VARIABLE_NUMBER, 1); });
  EXPECT_EQ(replaced(), 2U);
  EXPECT_EQ(db_.lane().read(
                [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT ? + ?", 1, 2).one(); }),
            3);
}

// CORE-15: whoever takes the authorizer away can run anything.
TEST_F(Hygiene, WhatSqlDidWithoutTheAuthorizerReplacesTheConnection) {
  const std::vector<std::string> deeds = {
      "PRAGMA query_only=1", "PRAGMA read_uncommitted=1",     "PRAGMA recursive_triggers=1",
      "PRAGMA cache_size=7", "CREATE TEMP TABLE note(other)", "ATTACH ':memory:' AS other"};
  for (std::size_t i = 0; i < deeds.size(); ++i) {
    in_write([&](sqlite3* handle) {
      sqlite3_set_authorizer(handle, nullptr, nullptr);
      run(handle, deeds[i]);
    });
    EXPECT_EQ(replaced(), i + 1) << deeds[i];
    add_note(db_.lane(), deeds[i]);
  }
  EXPECT_THAT(all_notes(db_.lane()), testing::ElementsAreArray(deeds));
  EXPECT_EQ(ask_writer("SELECT group_concat(name) FROM pragma_database_list"), "main");
  EXPECT_EQ(thrown<MisuseError>([&] {
              db_.lane().write([](WriteTx& tx) { tx.execute("PRAGMA cache_size=7"); });
            }).code(),
            "SQL_NOT_ALLOWED");
}

TEST_F(Hygiene, AReaderThatCouldWriteIsReplaced) {
  in_read([](sqlite3* handle) {
    sqlite3_set_authorizer(handle, nullptr, nullptr);
    run(handle, "PRAGMA query_only=0");
    run(handle, "CREATE TEMP TABLE note(other)");
  });
  EXPECT_EQ(replaced(), 1U);
  EXPECT_EQ(ask_reader("SELECT query_only FROM pragma_query_only"), "1");
  EXPECT_THAT(all_notes(db_.lane()), IsEmpty());
}

TEST_F(Hygiene, AFunctionAddedThroughTheHandleReplacesTheConnection) {
  in_read([](sqlite3* handle) {
    sqlite3_create_function(
        handle, "left_behind", 0, SQLITE_UTF8, nullptr,
        [](sqlite3_context* context, int, sqlite3_value**) { sqlite3_result_int(context, 1); },
        nullptr, nullptr);
  });
  EXPECT_EQ(replaced(), 1U);
  EXPECT_EQ(thrown<Error>([&] { (void)ask_reader("SELECT left_behind()"); }).code(), "SQL_ERROR");
}

TEST_F(Hygiene, HooksAndHandlersOfTheHandleEndWithTheTransaction) {
  EXPECT_THROW(in_write([](sqlite3* handle) {
                 run(handle, "INSERT INTO note(text) VALUES ('refused')");
                 sqlite3_commit_hook(
                     handle, [](void*) { return 1; }, nullptr);
                 sqlite3_busy_timeout(handle, 1);
                 sqlite3_wal_autocheckpoint(handle, 1);
               }),
               ConstraintError);
  add_note(db_.lane(), "kept");
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("kept"));
  EXPECT_EQ(ask_writer("SELECT timeout FROM pragma_busy_timeout"), "0")
      << "its own handler is gone";
  EXPECT_GT(db_->metrics().wal.frames, 0) << "its own hook is gone";
}

TEST_F(Hygiene, AWriteWithTheHandleIsTheLastOfItsGroup) {
  std::future<void> first;
  std::future<std::string> second;
  {
    BusyWriter busy(db_.lane());
    first = db_.lane().submit([](WriteTx& tx) {
      sqlite3_db_config(native_handle(tx), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    });
    second = db_.lane().submit([](WriteTx& tx) {
      tx.execute_script(
          "CREATE TABLE seen(text TEXT);"
          "CREATE TRIGGER t AFTER INSERT ON note BEGIN INSERT INTO seen VALUES (new.text); END;");
      add_note(tx, "seen by the trigger");
      return tx.query<std::string>("SELECT text FROM seen").one();
    });
  }
  first.get();
  EXPECT_EQ(second.get(), "seen by the trigger");
  EXPECT_EQ(db_->metrics().groups.max, 1U);
}

TEST_F(Hygiene, AConnectionThatCannotBeReplacedStaysInUse) {
  NoteDatabase db(options());
  add_note(db.lane(), "before");
  const std::string aside = db.file() + "-aside";
  db.lane().read([&](ReadTx& tx) {
    sqlite3_limit(native_handle(tx), SQLITE_LIMIT_ATTACHED, 0);
    std::filesystem::rename(db.file(), aside);
  });
  EXPECT_EQ(db->metrics().replaced_connections, 0U);
  EXPECT_THAT(events_.of("CONNECTION_REPLACED"), ElementsAre(HasSubstr("cannot be replaced")));
  std::filesystem::rename(aside, db.file());
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(HygieneOfOneConnection, ReplacesItAndKeepsADatabaseInMemory) {
  Options options = with_notes();
  options.mode = OpenMode::Memory;
  options.connections = 1;
  Database db = Database::open("kept", options);
  const Lane lane = db.lane("notes");
  add_note(lane, "kept");
  lane.read([](ReadTx& tx) {
    sqlite3_db_config(native_handle(tx), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  });
  EXPECT_EQ(db.metrics().replaced_connections, 1U);
  EXPECT_THAT(all_notes(lane), ElementsAre("kept"));
  add_note(lane, "writable");
}

}  // namespace
}  // namespace turnstile::test
