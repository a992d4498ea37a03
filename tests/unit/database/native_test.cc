// native.h: SQLite's handle, without the power to change what others rely on.
#include "turnstile/native.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <tuple>

#include "support/note_database.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

int run_on(sqlite3* handle, const char* sql) {
  return sqlite3_exec(handle, sql, nullptr, nullptr, nullptr);
}

TEST(NativeHandle, WorksInsideTheTransaction) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    EXPECT_EQ(run_on(native_handle(tx), "INSERT INTO note(text) VALUES ('native')"), SQLITE_OK);
    EXPECT_EQ(count_notes(tx), 1);
  });
  EXPECT_THAT(all_notes(db.lane()), testing::ElementsAre("native"));
}

TEST(NativeHandle, IsUndoneWithTheTransaction) {
  NoteDatabase db;
  EXPECT_THROW(db.lane().write([](WriteTx& tx) {
    EXPECT_EQ(run_on(native_handle(tx), "INSERT INTO note(text) VALUES ('native')"), SQLITE_OK);
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count_notes(db.lane()), 0);
}

// CORE-22: what one subsystem does by the raw handle and another by typed calls is one transaction.
TEST(NativeHandle, SharesATransactionWithTypedCalls) {
  NoteDatabase db;
  add_note(db.lane(), "an entity");
  db.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE security(checksum); INSERT INTO security "
        "VALUES ('old')");
  });
  const auto change_both = [](WriteTx& tx) {
    EXPECT_EQ(run_on(native_handle(tx), "UPDATE security SET checksum = 'new'"), SQLITE_OK);
    tx.execute("UPDATE note SET text = 'changed'");
    throw std::runtime_error("no");
  };
  EXPECT_THROW(db.lane().write(change_both), std::runtime_error);
  EXPECT_EQ(db.lane().read([](ReadTx& tx) {
    return tx.query<std::string, std::string>("SELECT checksum, text FROM security, note").one();
  }),
            std::tuple("old", "an entity"));
}

// CORE-15: nor can it through SQLite's own handle.
TEST(NativeHandle, RefusesWhatIsTheLibrarys) {
  NoteDatabase db;
  for (const char* sql : {"BEGIN",
                          "COMMIT",
                          "END",
                          "ROLLBACK",
                          "SAVEPOINT s",
                          "RELEASE s",
                          "ATTACH ':memory:' AS m",
                          "DETACH main",
                          "PRAGMA journal_mode=DELETE",
                          "PRAGMA journal_mode(delete)",
                          "PRAGMA main.journal_mode=off",
                          "PRAGMA locking_mode=EXCLUSIVE",
                          "PRAGMA busy_timeout=1",
                          "PRAGMA wal_autocheckpoint=5",
                          "PRAGMA wal_checkpoint",
                          "PRAGMA foreign_keys=OFF",
                          "PRAGMA synchronous=OFF",
                          "PRAGMA query_only=0",
                          "PRAGMA user_version=9",
                          "PRAGMA writable_schema=ON",
                          "PRAGMA mmap_size=1000000",
                          "PRAGMA cache_size=1",
                          "VACUUM",
                          "SELECT load_extension('x')"}) {
    db.lane().write([&](WriteTx& tx) {
      EXPECT_NE(run_on(native_handle(tx), sql), SQLITE_OK) << sql;
      EXPECT_EQ(sqlite3_get_autocommit(native_handle(tx)), 0) << sql;
    });
  }
}

TEST(NativeHandle, AnswersQuestions) {
  NoteDatabase db;
  db.lane().read([](ReadTx& tx) {
    for (const char* sql : {"PRAGMA journal_mode", "PRAGMA user_version", "PRAGMA table_info(note)",
                            "PRAGMA integrity_check"}) {
      EXPECT_EQ(run_on(native_handle(tx), sql), SQLITE_OK) << sql;
    }
  });
}

TEST(NativeHandle, OfAReadRefusesToWrite) {
  NoteDatabase db;
  db.lane().read([](ReadTx& tx) {
    EXPECT_EQ(run_on(native_handle(tx), "INSERT INTO note(text) VALUES ('x')"), SQLITE_READONLY);
  });
}

// CORE-15: an open cursor is ended before the next one gets the connection.
TEST(NativeHandle, StatementLeftRunningIsEndedAndCounted) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    add_note(tx, "one");
    add_note(tx, "two");
  });
  sqlite3_stmt* left = nullptr;
  db.lane().read([&](ReadTx& tx) {
    ASSERT_EQ(sqlite3_prepare_v2(native_handle(tx), "SELECT * FROM note", -1, &left, nullptr),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_step(left), SQLITE_ROW);
  });
  EXPECT_EQ(db->info().counters.repaired_connections, 1U);
  EXPECT_EQ(sqlite3_stmt_busy(left), 0);
  sqlite3_finalize(left);
}

// CORE-25: SQLite would keep the connection and its locks alive unseen.
TEST(NativeHandle, StatementLeftOpenDoesNotKeepTheDatabaseOpen) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    sqlite3_stmt* left = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(native_handle(tx), "SELECT 1", -1, &left, nullptr), SQLITE_OK);
  });
  EXPECT_TRUE(db->close().checkpointed);
}

}  // namespace
}  // namespace turnstile::test
