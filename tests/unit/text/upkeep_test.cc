// The index has what the table has, by whatever statement that came about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "support/documents.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TextUpkeep : public testing::Test {
 protected:
  TextUpkeep() {
    documents_.run(
        "INSERT INTO folder VALUES (1), (2);"
        "INSERT INTO doc(id, path, body, folder) VALUES "
        "(1, '/a', 'alpha', 1), (2, '/b', 'beta', 1), (3, '/c', 'gamma', 2)");
  }
  ~TextUpkeep() override { EXPECT_THAT(index_.check(), IsEmpty()); }

  /// Rows of the index, those that no row of the table is left for included.
  [[nodiscard]] int indexed() const { return documents_.ask<int>("SELECT count(*) FROM doc_text"); }

  Documents documents_;
  const TextIndex index_ = documents_.index();
};

// FTS-04: single statements.
TEST_F(TextUpkeep, FollowsInserts) {
  EXPECT_THAT(found(index_, "beta"), ElementsAre(2));
  EXPECT_EQ(indexed(), 3);
}

TEST_F(TextUpkeep, LeavesTheResultOfAnInsertAlone) {
  const auto result = documents_.lane().write(
      [](WriteTx& tx) { return tx.execute("INSERT INTO doc(id, body) VALUES (77, 'x')"); });
  EXPECT_EQ(result.last_insert_rowid, 77);
  EXPECT_EQ(result.changes, 1);
}

// FTS-04
TEST_F(TextUpkeep, FollowsUpdates) {
  documents_.run("UPDATE doc SET body = 'delta' WHERE id = 2");
  EXPECT_THAT(found(index_, "beta"), IsEmpty());
  EXPECT_THAT(found(index_, "delta"), ElementsAre(2));
}

TEST_F(TextUpkeep, FollowsUpdatesOfTheKey) {
  documents_.run("UPDATE doc SET id = 20 WHERE id = 2");
  EXPECT_THAT(found(index_, "beta"), ElementsAre(20));
  EXPECT_EQ(indexed(), 3);
}

TEST_F(TextUpkeep, DoesNotWriteForUpdatesOfOtherColumns) {
  const auto words = [&] {
    return documents_.ask<std::string>("SELECT group_concat(hex(block)) FROM doc_text_data");
  };
  const std::string before = words();
  documents_.run("UPDATE doc SET seen = seen + 1, category = 'x'");
  EXPECT_EQ(words(), before);
}

TEST_F(TextUpkeep, NoticesAChangeThatTheColumnsCollationDoesNot) {
  documents_.run(
      "CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE);"
      "INSERT INTO tag VALUES (1, 'abc')");
  const TextIndex tags = documents_.index({.name = "tags", .table = "tag", .columns = {{"name"}}});
  tags.rebuild();
  documents_.run("UPDATE tag SET name = 'ABC'");
  EXPECT_THAT(tags.check(), IsEmpty());
}

TEST_F(TextUpkeep, FollowsGeneratedColumns) {
  documents_.run(
      "CREATE TABLE event(id INTEGER PRIMARY KEY, json TEXT, "
      "what TEXT GENERATED ALWAYS AS (json ->> 'what'))");
  const TextIndex events =
      documents_.index({.name = "events", .table = "event", .columns = {{"what"}}});
  documents_.run(
      "INSERT INTO event(json) VALUES ('{\"what\":\"begin\"}');"
      "UPDATE event SET json = '{\"what\":\"end\"}'");
  EXPECT_THAT(found(events, "end"), ElementsAre(1));
  EXPECT_THAT(events.check(), IsEmpty());
}

// FTS-04: bulk deletes leave nothing in the index.
TEST_F(TextUpkeep, FollowsBulkStatements) {
  documents_.run("UPDATE doc SET body = body || ' omega'");
  EXPECT_EQ(index_.count("omega"), 3);
  documents_.run("DELETE FROM doc WHERE id <> 2");
  EXPECT_THAT(found(index_, "omega"), ElementsAre(2));
  documents_.run("DELETE FROM doc");
  EXPECT_EQ(indexed(), 0);
}

// FTS-04
TEST_F(TextUpkeep, FollowsForeignKeys) {
  documents_.run("DELETE FROM folder WHERE id = 1");
  EXPECT_EQ(indexed(), 1);
  EXPECT_THAT(found(index_, "gamma"), ElementsAre(3));
}

// FTS-04
TEST_F(TextUpkeep, FollowsUpsert) {
  documents_.run(
      "INSERT INTO doc(id, path, body) VALUES (1, '/x', 'one'), (9, '/b', 'two'), (8, '/n', 'new') "
      "ON CONFLICT DO UPDATE SET body = excluded.body");
  EXPECT_THAT(found(index_, "one"), ElementsAre(1));
  EXPECT_THAT(found(index_, "two"), ElementsAre(2));
  EXPECT_THAT(found(index_, "new"), ElementsAre(8));
  EXPECT_EQ(indexed(), 4);
}

// FTS-04: REPLACE tells no trigger of the rows that it removes.
TEST_F(TextUpkeep, FollowsReplaceOfTheKey) {
  documents_.run("INSERT OR REPLACE INTO doc(id, path, body) VALUES (1, '/x', 'one')");
  EXPECT_THAT(found(index_, "alpha"), IsEmpty());
  EXPECT_THAT(found(index_, "one"), ElementsAre(1));
  EXPECT_EQ(indexed(), 3);
}

// FTS-04
TEST_F(TextUpkeep, FollowsReplaceByAnotherUniqueColumn) {
  documents_.run("REPLACE INTO doc(id, path, body) VALUES (9, '/a', 'nine')");
  EXPECT_EQ(documents_.ask<int>("SELECT count(*) FROM doc"), 3);
  EXPECT_EQ(indexed(), 3);
  EXPECT_THAT(found(index_, "nine"), ElementsAre(9));
}

// FTS-04: one row takes the place of two others.
TEST_F(TextUpkeep, FollowsReplaceOfSeveralRows) {
  documents_.run("INSERT OR REPLACE INTO doc(id, path, body) VALUES (1, '/b', 'one')");
  EXPECT_EQ(documents_.ask<int>("SELECT count(*) FROM doc"), 2);
  EXPECT_EQ(indexed(), 2);
}

// FTS-04
TEST_F(TextUpkeep, FollowsUpdateOrReplace) {
  documents_.run("UPDATE OR REPLACE doc SET path = '/a' WHERE id = 2");
  EXPECT_EQ(indexed(), 2);
  documents_.run("UPDATE OR REPLACE doc SET id = 3 WHERE id = 2");
  EXPECT_EQ(indexed(), 1);
  EXPECT_THAT(found(index_, "beta"), ElementsAre(3));
}

// FTS-04: rows that were collided with and stayed.
TEST_F(TextUpkeep, FollowsIgnore) {
  documents_.run(
      "INSERT OR IGNORE INTO doc(id, path, body) VALUES (1, '/x', 'no'), (9, '/b', 'no');"
      "UPDATE OR IGNORE doc SET path = '/a', body = 'no' WHERE id = 2");
  EXPECT_EQ(indexed(), 3);
  EXPECT_THAT(found(index_, "alpha"), ElementsAre(1));
  EXPECT_THAT(found(index_, "beta"), ElementsAre(2));
  EXPECT_THAT(found(index_, "no"), IsEmpty());
}

// FTS-04: what is undone is undone in the index.
TEST_F(TextUpkeep, FollowsRollbacks) {
  documents_.lane().write([](WriteTx& tx) {
    tx.execute("INSERT INTO doc(id, body) VALUES (5, 'kept')");
    Savepoint part = tx.savepoint();
    tx.execute("INSERT INTO doc(id, body) VALUES (6, 'undone')");
    tx.execute("DELETE FROM doc WHERE id = 1");
    part.rollback();
  });
  EXPECT_THROW(documents_.lane().write([](WriteTx& tx) {
    tx.execute("DELETE FROM doc");
    throw std::runtime_error("undo");
  }),
               std::runtime_error);
  EXPECT_EQ(indexed(), 4);
  EXPECT_THAT(found(index_, "undone"), IsEmpty());
}

TEST_F(TextUpkeep, FollowsAStatementThatFailsHalfway) {
  EXPECT_THROW(documents_.run("INSERT INTO doc(id, path) VALUES (10, '/x'), (11, '/a')"),
               ConstraintError);
  EXPECT_EQ(indexed(), 3);
}

// Triggers of the application's own on the same table, made before and after the index.
TEST_F(TextUpkeep, GoesWithTriggersThatChangeTheSameRow) {
  documents_.run(
      "CREATE TRIGGER count_up AFTER UPDATE ON doc BEGIN "
      "UPDATE doc SET seen = seen + 1 WHERE id = new.id; END;"
      "CREATE TRIGGER tidy_title AFTER UPDATE OF title ON doc WHEN new.title <> trim(new.title) "
      "BEGIN UPDATE doc SET title = trim(new.title) || ' tidied' WHERE id = new.id; END;"
      "CREATE TRIGGER back AFTER DELETE ON doc WHEN old.id = 3 BEGIN "
      "INSERT INTO doc(id, body) VALUES (3, 'back again'); END;");
  documents_.run("UPDATE doc SET title = '  spaces ' WHERE id = 1; DELETE FROM doc");
  EXPECT_THAT(found(index_, "again"), ElementsAre(3));
  EXPECT_EQ(indexed(), 1);
}

TEST_F(TextUpkeep, GoesWithTriggersThatReplaceInTheSameTable) {
  documents_.run(
      "CREATE TRIGGER copy AFTER INSERT ON doc WHEN new.path = '/a' BEGIN "
      "INSERT OR REPLACE INTO doc(path, body) VALUES ('/b', 'copied'); END;"
      "INSERT OR REPLACE INTO doc(id, path, body) VALUES (9, '/a', 'nine')");
  EXPECT_EQ(indexed(), 3);
}

// FTS-04: programs that do not know of the index keep it too, with and without recursive triggers.
TEST_F(TextUpkeep, FollowsOtherPrograms) {
  SqliteShell shell(documents_.file());
  EXPECT_EQ(shell.run("INSERT INTO doc(path, body) VALUES ('/s', 'shell');"
                      "REPLACE INTO doc(id, path, body) VALUES (30, '/c', 'replaced')"),
            "");
  EXPECT_EQ(indexed(), 4);
  EXPECT_EQ(shell.run("PRAGMA recursive_triggers = 1;"
                      "REPLACE INTO doc(id, path, body) VALUES (31, '/c', 'again'), "
                      "(1, '/b', 'two at once');"
                      "UPDATE OR REPLACE doc SET path = '/s' WHERE id = 31"),
            "");
  EXPECT_EQ(indexed(), documents_.ask<int>("SELECT count(*) FROM doc"));
  EXPECT_THAT(found(index_, "again"), ElementsAre(31));
}

TEST_F(TextUpkeep, FollowsAUniqueColumnThatCameLater) {
  documents_.run("CREATE UNIQUE INDEX by_title ON doc(title COLLATE NOCASE, category)");
  documents_.run("UPDATE doc SET title = 'T' || id, category = 'x'");
  const TextIndex again = documents_.index();
  EXPECT_FALSE(again.needs_rebuild());
  documents_.run("REPLACE INTO doc(id, title, category) VALUES (9, 't1', 'x')");
  EXPECT_EQ(indexed(), 3);
}

// What no trigger can foresee: it is never found, and check() tells of it.
TEST_F(TextUpkeep, NeverFindsARowReplacedByAnExpression) {
  documents_.run("CREATE UNIQUE INDEX by_lower ON doc(lower(body)) WHERE body <> ''");
  documents_.run("REPLACE INTO doc(id, body) VALUES (9, 'ALPHA')");
  EXPECT_THAT(found(index_, "alpha"), ElementsAre(9));
  EXPECT_EQ(index_.count("alpha"), 1);
  EXPECT_THAT(index_.check(), ElementsAre(HasSubstr("1 rows of the index are gone")));
  index_.rebuild();
}

TEST_F(TextUpkeep, GoesOnUnderAnotherNameOfAnotherColumn) {
  documents_.run("ALTER TABLE doc RENAME COLUMN seen TO views; ALTER TABLE doc ADD COLUMN more");
  documents_.run("INSERT INTO doc(id, body) VALUES (4, 'delta')");
  EXPECT_THAT(found(index_, "delta"), ElementsAre(4));
  EXPECT_FALSE(index_.needs_rebuild());
}

// The way that FTS5's documentation shows (https://sqlite.org/fts5.html#external_content_tables):
// an index without a copy of the text has to be told what to take out. It is not how this library
// does it; and the detector of these tests is seen to work.
TEST(TextUpkeepOtherwise, IsSpoiltByReplace) {
  const TempDir directory;
  RawSqlite raw(directory.file("external.db"));
  raw.run(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);"
      "CREATE VIRTUAL TABLE x USING fts5(a, content='t', content_rowid='id');"
      "CREATE TRIGGER x_i AFTER INSERT ON t BEGIN INSERT INTO x(rowid, a) VALUES (new.id, new.a); "
      "END;"
      "CREATE TRIGGER x_d AFTER DELETE ON t BEGIN INSERT INTO x(x, rowid, a) "
      "VALUES ('delete', old.id, old.a); END;"
      "INSERT INTO t VALUES (1, 'one'); REPLACE INTO t VALUES (1, 'two')");
  EXPECT_EQ(raw.run("SELECT rowid FROM x WHERE x MATCH 'one'"), "1") << "which is no longer there";
  EXPECT_THROW(raw.run("INSERT INTO x(x, rank) VALUES ('integrity-check', 1)"), std::runtime_error);
}

}  // namespace
}  // namespace turnstile::test
