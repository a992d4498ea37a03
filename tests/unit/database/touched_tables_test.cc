// Which tables a write is told to have touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/run_script.h"
#include "support/told.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::ElementsAre;

using Names = std::vector<std::string>;

/// A database of notes with more in it.
///
/// Threads: confined.
class Touching {
 public:
  explicit Touching(std::string_view schema = "") { run_script(open().lane("schema"), schema); }

  /// What observers hear of one write; nothing when they hear of none.
  template <class Work>
    requires std::is_invocable_v<Work&, WriteTx&>
  std::optional<Change> by(Work work) {
    Database database = open();
    Told<Change> told;
    const Observation observation = database.observe({}, told.callback());
    database.lane("work").write(work);
    database.close();
    const std::vector<Change> changes = told.all();
    if (changes.size() > 1) throw std::runtime_error("told of more than one write");
    return changes.empty() ? std::nullopt : std::optional(changes.front());
  }
  std::optional<Change> by(std::string_view sql) {
    return by([&](WriteTx& tx) { tx.execute(sql); });
  }
  Names tables_of(std::string_view sql) {
    const auto change = by(sql);
    return change ? change->tables : Names{"nothing was told"};
  }

 private:
  [[nodiscard]] Database open() const {
    return Database::open(directory_.file("notes.db"), with_notes());
  }

  TempDir directory_;
};

TEST(TouchedTables, SaysNothingOfAWriteThatChangedNothing) {
  Touching touching("");
  EXPECT_EQ(touching.by("UPDATE note SET text = 'x' WHERE id = 4711"), std::nullopt);
}

TEST(TouchedTables, LeavesOutWhatChangedNothingInACommitThatDid) {
  Touching touching("CREATE TABLE other(x)");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    tx.execute("DELETE FROM other");
    add_note(tx, "first");
  }),
            change_of({"note"}));
}

TEST(TouchedTables, SeesAllTablesOfATransaction) {
  Touching touching("CREATE TABLE b(x); CREATE TABLE a(x)");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    tx.execute("INSERT INTO b VALUES (1)");
    tx.execute("INSERT INTO a VALUES (1)");
  }),
            change_of({"a", "b"}));
}

TEST(TouchedTables, SeesWhatTriggersWrite) {
  Touching touching(
      "CREATE TABLE log(x); CREATE TRIGGER t AFTER INSERT ON note BEGIN "
      "INSERT INTO log VALUES (new.id); END");
  EXPECT_EQ(touching.tables_of("INSERT INTO note(text) VALUES ('x')"), (Names{"log", "note"}));
}

TEST(TouchedTables, SeesWhatForeignKeysDelete) {
  Touching touching(
      "CREATE TABLE tag(note INTEGER REFERENCES note(id) ON DELETE CASCADE);"
      "INSERT INTO note VALUES (1, 'x'); INSERT INTO tag VALUES (1)");
  EXPECT_EQ(touching.tables_of("DELETE FROM note WHERE id = 1"), (Names{"note", "tag"}));
}

TEST(TouchedTables, SeesTablesWithoutRowid) {
  Touching touching("CREATE TABLE pair(k TEXT PRIMARY KEY, v) WITHOUT ROWID");
  EXPECT_EQ(touching.tables_of("INSERT INTO pair VALUES ('a', 1)"), Names{"pair"});
  EXPECT_EQ(touching.tables_of("UPDATE pair SET v = 2"), Names{"pair"});
  EXPECT_EQ(touching.tables_of("DELETE FROM pair WHERE k = 'a'"), Names{"pair"});
}

TEST(TouchedTables, SeesADeleteWithoutWhere) {
  Touching touching("INSERT INTO note(text) VALUES ('a'), ('b')");
  EXPECT_EQ(touching.tables_of("DELETE FROM note"), Names{"note"});
}

TEST(TouchedTables, SeesAnUpsertThatUpdates) {
  Touching touching("INSERT INTO note(text) VALUES ('a')");
  EXPECT_EQ(touching.tables_of("INSERT INTO note(text) VALUES ('a') "
                               "ON CONFLICT (text) DO UPDATE SET text = 'b'"),
            Names{"note"});
}

TEST(TouchedTables, SeesWhatAStatementReturned) {
  Touching touching("");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    static_cast<void>(
        tx.query<std::int64_t>("INSERT INTO note(text) VALUES ('a'), ('b') RETURNING id").first());
  }),
            change_of({"note"}));
}

TEST(TouchedTables, SeesFullTextTables) {
  Touching touching("CREATE VIRTUAL TABLE document USING fts5(body)");
  const auto change = touching.by("INSERT INTO document VALUES ('some words')");
  ASSERT_TRUE(change);
  EXPECT_THAT(change->tables, Contains("document"));
}

TEST(TouchedTables, SeesWhatAViewsTriggersWrite) {
  Touching touching(
      "CREATE VIEW v AS SELECT text FROM note; CREATE TRIGGER t INSTEAD OF INSERT ON v BEGIN "
      "INSERT INTO note(text) VALUES (new.text); END");
  EXPECT_THAT(touching.tables_of("INSERT INTO v VALUES ('x')"), Contains("note"));
}

TEST(TouchedTables, SeesWhatAScriptWrites) {
  Touching touching("CREATE TABLE b(x); CREATE TABLE a(x)");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    tx.execute_script("INSERT INTO a VALUES (1); SELECT 1; INSERT INTO b VALUES (1)");
  }),
            change_of({"a", "b"}));
}

TEST(TouchedTables, TakesAChangedSchemaForAllTables) {
  Touching touching("");
  for (const std::string sql : {"ALTER TABLE note ADD COLUMN more", "CREATE TABLE new(x)",
                                "CREATE INDEX i ON note(text)", "DROP TABLE new"}) {
    const auto change = touching.by(sql);
    ASSERT_TRUE(change) << sql;
    EXPECT_TRUE(change->all_tables) << sql;
  }
}

TEST(TouchedTables, DoesNotTakeATableThatIsThereAlreadyForAChangedSchema) {
  Touching touching("CREATE TABLE other(x)");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    tx.execute("CREATE TABLE IF NOT EXISTS note(x)");
    tx.execute("INSERT INTO other VALUES (1)");
  }),
            change_of({"other"}));
}

TEST(TouchedTables, TakesTheNativeHandleForAllTables) {
  Touching touching("");
  const auto change = touching.by([](WriteTx& tx) {
    ASSERT_EQ(sqlite3_exec(native_handle(tx), "INSERT INTO note(text) VALUES ('x')", nullptr,
                           nullptr, nullptr),
              SQLITE_OK);
  });
  ASSERT_TRUE(change);
  EXPECT_TRUE(change->all_tables);
}

TEST(TouchedTables, SaysNothingOfTemporaryTables) {
  Touching touching("");
  EXPECT_EQ(touching.by([](WriteTx& tx) {
    tx.execute("CREATE TEMP TABLE mine(x)");
    tx.execute("INSERT INTO mine VALUES (1)");
  }),
            std::nullopt);
}

TEST(TouchedTables, HaveATriggerThatCameAfterTheStatementWasPrepared) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE TABLE log(x)");
  add_note(notes.lane(), "prepared");
  run_raw(notes.file(),
          "CREATE TRIGGER t AFTER INSERT ON note BEGIN INSERT INTO log VALUES (new.id); END");
  Told<Change> told;
  const Observation observation = notes->observe({}, told.callback());
  add_note(notes.lane(), "with a trigger");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"log", "note"})));
  run_raw(notes.file(), "DROP TRIGGER t");
}

}  // namespace
}  // namespace turnstile::test
