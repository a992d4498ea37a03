// What a closure can do, and what becomes of it when it returns or throws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/thrown.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// SQLite undoes the whole transaction, as it does when the disk is full.
void lose_transaction(WriteTx& tx) {
  add_note(tx, "twice");
  EXPECT_THROW(tx.execute("INSERT OR ROLLBACK INTO note(text) VALUES ('twice')"), ConstraintError);
}

TEST(Transaction, CommitsWhenTheClosureReturns) {
  NoteDatabase db;
  add_note(db.lane(), "one");
  EXPECT_EQ(run_raw(db.file(), "SELECT text FROM note"), "one");
}

// CORE-09: a write need not upgrade a lock later, which is what fails between two writers.
TEST(Transaction, HasTheWriteLockBeforeItsFirstStatement) {
  NoteDatabase db;
  RawSqlite stranger(db.file());
  db.lane().write([&](WriteTx&) {
    EXPECT_THAT([&] { stranger.run("BEGIN IMMEDIATE"); },
                testing::ThrowsMessage<std::runtime_error>(HasSubstr("database is locked")));
  });
  EXPECT_NO_THROW(stranger.run("BEGIN IMMEDIATE"));
}

// CORE-21: what failed and where, but none of the values.
TEST(Transaction, FailureCarriesItsSqlWithoutTheValues) {
  NoteDatabase db;
  add_note(db.lane("vault"), "a secret");
  const auto error = thrown<ConstraintError>([&] { add_note(db.lane("vault"), "a secret"); });
  EXPECT_EQ(error.code(), "CONSTRAINT");
  EXPECT_EQ(error.sqlite_code(), SQLITE_CONSTRAINT_UNIQUE);
  EXPECT_EQ(error.sql(), "INSERT INTO note(text) VALUES (?)");
  EXPECT_EQ(error.lane(), "vault");
  EXPECT_EQ(std::string(error.what()).find("secret"), std::string::npos) << error.what();
}

TEST(Transaction, RollsBackAndThrowsOnWhatTheClosureThrows) {
  NoteDatabase db;
  const auto error = thrown<OwnError>([&] {
    db.lane().write([](WriteTx& tx) {
      add_note(tx, "one");
      throw OwnError("mine");
    });
  });
  EXPECT_STREQ(error.what(), "mine");
  EXPECT_EQ(count_notes(db.lane()), 0);
  EXPECT_EQ(db->info().counters.rollbacks, 1U);
}

TEST(Transaction, ThrowsOnWhatIsNoException) {
  NoteDatabase db;
  int thrown_value = 0;
  try {
    db.lane().write([](WriteTx&) { throw 7; });
  } catch (int value) {
    thrown_value = value;
  }
  EXPECT_EQ(thrown_value, 7);
  EXPECT_NO_THROW(add_note(db.lane(), "next"));
}

TEST(Transaction, EndsAReadThatThrows) {
  NoteDatabase db;
  for (int i = 0; i < 10; ++i)
    EXPECT_THROW(db.lane().read([](ReadTx&) { throw OwnError("mine"); }), OwnError);
  EXPECT_EQ(db->info().pool.readers_idle, 3);
}

TEST(Transaction, HandsTheResultOver) {
  NoteDatabase db;
  struct OnlyMovable {
    std::unique_ptr<int> value;
  };
  const OnlyMovable result =
      db.lane().write([](WriteTx&) { return OnlyMovable{std::make_unique<int>(5)}; });
  EXPECT_EQ(*result.value, 5);
  EXPECT_EQ(db.lane().read([](ReadTx&) { return std::string("text"); }), "text");
}

TEST(Transaction, TellsWhatAnExecutionDid) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    const ExecuteResult inserted = tx.execute("INSERT INTO note(id, text) VALUES (41, ?)", "a");
    EXPECT_EQ(inserted.last_insert_rowid, 41);
    EXPECT_EQ(inserted.changes, 1);
    tx.execute("INSERT INTO note(text) VALUES ('b'), ('c')");
    EXPECT_EQ(tx.execute("UPDATE note SET text = text || '!'").changes, 3);
    EXPECT_EQ(tx.execute("DELETE FROM note WHERE id > 41").changes, 2);
    EXPECT_EQ(tx.execute("DELETE FROM note WHERE id = 7").changes, 0);
  });
}

TEST(Transaction, ReadsWhatItWrote) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    add_note(tx, "one");
    EXPECT_EQ(count_notes(tx), 1);
  });
}

TEST(Transaction, HidesWhatItWroteUntilTheCommit) {
  NoteDatabase db;
  db.lane().write([&](WriteTx& tx) {
    add_note(tx, "one");
    std::int64_t seen = -1;
    std::thread([&] { seen = count_notes(db.lane()); }).join();
    EXPECT_EQ(seen, 0);
  });
}

TEST(Transaction, GivesRowsAsTypedValues) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    add_note(tx, "one");
    add_note(tx, "two");
  });
  db.lane().read([](ReadTx& tx) {
    std::vector<std::string> seen;
    for (auto [id, text] : tx.query<int, std::string>("SELECT id, text FROM note ORDER BY id"))
      seen.push_back(std::to_string(id) + text);
    EXPECT_THAT(seen, ElementsAre("1one", "2two"));
  });
}

TEST(Transaction, GivesOneRowTheFirstOrAll) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    const std::string all = "SELECT text FROM note ORDER BY id";
    EXPECT_EQ(tx.query<std::string>(all).first(), std::nullopt);
    EXPECT_EQ(thrown<Error>([&] { (void)tx.query<std::string>(all).one(); }).code(), "ROW_COUNT");
    add_note(tx, "one");
    EXPECT_EQ(tx.query<std::string>(all).one(), "one");
    add_note(tx, "two");
    EXPECT_EQ(tx.query<std::string>(all).first(), "one");
    EXPECT_THAT(tx.query<std::string>(all).all(), ElementsAre("one", "two"));
    EXPECT_EQ(thrown<Error>([&] { (void)tx.query<std::string>(all).one(); }).code(), "ROW_COUNT");
  });
}

TEST(Transaction, TellsItsLane) {
  NoteDatabase db;
  const Lane lane = db.lane("audit");
  EXPECT_EQ(lane.read([](ReadTx& tx) { return std::string(tx.lane()); }), "audit");
  EXPECT_EQ(lane.write([](WriteTx& tx) { return std::string(tx.lane()); }), "audit");
}

TEST(Transaction, ExpiresAStatementThatOutlivesIt) {
  NoteDatabase db;
  Statement kept;
  db.lane().write([&](WriteTx& tx) { kept = tx.prepare("INSERT INTO note(text) VALUES (?)"); });
  EXPECT_EQ(thrown<MisuseError>([&] { kept.execute("late"); }).code(), "STATEMENT_EXPIRED");
  EXPECT_EQ(count_notes(db.lane()), 0);
}

// CORE-15: so is one that a Statement kept open.
TEST(Transaction, RepairsAReaderThatWasLeftInTheMiddleOfAQuery) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    add_note(tx, "one");
    add_note(tx, "two");
  });
  Statement kept;
  db.lane().read([&](ReadTx& tx) {
    kept = tx.prepare("SELECT text FROM note");
    EXPECT_TRUE(kept.step());
  });
  EXPECT_EQ(db->info().counters.repaired_connections, 1U);
  EXPECT_EQ(count_notes(db.lane()), 2);
}

TEST(Transaction, UsesPreparedStatementsAgain) {
  NoteDatabase db;
  const auto handle_of = [](WriteTx& tx) {
    const Statement statement = tx.prepare("SELECT text FROM note WHERE id = ?");
    sqlite3_stmt* found = nullptr;
    for (sqlite3_stmt* each = nullptr;
         (each = sqlite3_next_stmt(native_handle(tx), each)) != nullptr;) {
      if (std::string_view(sqlite3_sql(each)) == statement.sql()) found = each;
    }
    return reinterpret_cast<std::uintptr_t>(found);
  };
  const auto first = db.lane().write(handle_of);
  EXPECT_NE(first, 0U);
  EXPECT_EQ(db.lane("another").write(handle_of), first);
}

TEST(Transaction, RunsAScript) {
  NoteDatabase db;
  db.lane().write([](WriteTx& tx) {
    tx.execute_script("CREATE TABLE t(x); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);");
    EXPECT_EQ(tx.query<int>("SELECT sum(x) FROM t").one(), 3);
  });
}

TEST(AfterCommit, RunsOnceAfterTheCommit) {
  NoteDatabase db;
  std::vector<std::string> events;
  db.lane().write([&](WriteTx& tx) {
    tx.after_commit([&] { events.push_back("after " + std::to_string(count_notes(db.lane()))); });
    add_note(tx, "one");
    events.emplace_back("closure");
  });
  EXPECT_THAT(events, ElementsAre("closure", "after 1"));
}

TEST(AfterCommit, RunsInTheOrderGiven) {
  NoteDatabase db;
  std::vector<int> events;
  db.lane().write([&](WriteTx& tx) {
    for (int i = 0; i < 3; ++i)
      tx.after_commit([&events, i] { events.push_back(i); });
  });
  EXPECT_THAT(events, ElementsAre(0, 1, 2));
}

TEST(AfterCommit, DoesNotRunAfterARollback) {
  NoteDatabase db;
  bool ran = false;
  EXPECT_THROW(db.lane().write([&](WriteTx& tx) {
    tx.after_commit([&] { ran = true; });
    throw OwnError("mine");
  }),
               OwnError);
  EXPECT_FALSE(ran);
}

TEST(AfterCommit, DoesNotRunAfterAFailedCommit) {
  NoteDatabase db;
  bool ran = false;
  EXPECT_THROW(db.lane().write([&](WriteTx& tx) {
    tx.after_commit([&] { ran = true; });
    lose_transaction(tx);
  }),
               MisuseError);
  EXPECT_FALSE(ran);
}

TEST(AfterCommit, MayUseTheDatabase) {
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([&](WriteTx& tx) { tx.after_commit([&] { add_note(lane, "two"); }); });
  EXPECT_EQ(count_notes(lane), 1);
}

TEST(AfterCommit, FailureSaysThatTheCommitStands) {
  NoteDatabase db;
  bool second_ran = false;
  const auto error = thrown<Error>([&] {
    db.lane().write([&](WriteTx& tx) {
      add_note(tx, "one");
      tx.after_commit([] { throw OwnError("mine"); });
      tx.after_commit([&] { second_ran = true; });
    });
  });
  EXPECT_EQ(error.code(), "AFTER_COMMIT_FAILED");
  EXPECT_EQ(error.commit_state(), CommitState::Committed);
  EXPECT_THAT(error.what(), HasSubstr("mine"));
  EXPECT_FALSE(error.retry_is_safe());
  EXPECT_TRUE(second_ran);
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(AfterCommit, FailureCarriesItsCause) {
  NoteDatabase db;
  std::string cause;
  try {
    db.lane().write([](WriteTx& tx) { tx.after_commit([] { throw OwnError("mine"); }); });
  } catch (const std::exception& outer) {
    try {
      std::rethrow_if_nested(outer);
    } catch (const OwnError& inner) {
      cause = inner.what();
    }
  }
  EXPECT_EQ(cause, "mine");
}

TEST(LostTransaction, IsReportedWhenTheClosureSwallowsTheError) {
  NoteDatabase db;
  const auto error = thrown<MisuseError>([&] { db.lane().write(lose_transaction); });
  EXPECT_EQ(error.code(), "TRANSACTION_LOST");
  EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
  EXPECT_EQ(count_notes(db.lane()), 0);
}

// Outside of the transaction each of these would be committed on its own.
TEST(LostTransaction, TakesNoMoreStatements) {
  const std::vector<std::function<void(WriteTx&)>> attempts = {
      [](WriteTx& tx) { add_note(tx, "late"); },
      [](WriteTx& tx) { tx.execute_script("INSERT INTO note(text) VALUES ('late')"); },
      [](WriteTx& tx) { (void)count_notes(tx); },
      [](WriteTx& tx) {
        Savepoint part = tx.savepoint();
        add_note(tx, "late");
        part.release();
      },
      [](WriteTx& tx) { (void)native_handle(tx); },
  };
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    NoteDatabase db;
    const auto error = thrown<MisuseError>([&] {
      db.lane().write([&](WriteTx& tx) {
        lose_transaction(tx);
        attempts[i](tx);
      });
    });
    EXPECT_EQ(error.code(), "TRANSACTION_LOST") << "attempt " << i << ": " << error.what();
    EXPECT_EQ(count_notes(db.lane()), 0) << "attempt " << i;
  }
}

TEST(LostTransaction, TakesNoMoreExecutionsOfAStatementFromBefore) {
  NoteDatabase db;
  const auto error = thrown<MisuseError>([&] {
    db.lane().write([](WriteTx& tx) {
      Statement insert = tx.prepare("INSERT INTO note(text) VALUES (?)");
      lose_transaction(tx);
      insert.execute("late");
    });
  });
  EXPECT_EQ(error.code(), "TRANSACTION_LOST") << error.what();
  EXPECT_EQ(count_notes(db.lane()), 0);
}

TEST(LostTransaction, DoesNotHarmTheNextOne) {
  NoteDatabase db;
  EXPECT_THROW(db.lane().write(lose_transaction), MisuseError);
  EXPECT_EQ(add_note(db.lane(), "next"), 1);
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(Commit, ThatAConstraintRefusesThrowsAndIsUndone) {
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE p(id INTEGER PRIMARY KEY);"
        "CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)");
  });
  const auto error = thrown<ConstraintError>([&] {
    lane.write([](WriteTx& tx) {
      add_note(tx, "one");
      tx.execute("INSERT INTO c VALUES (1)");
    });
  });
  EXPECT_EQ(error.sqlite_code(), SQLITE_CONSTRAINT_FOREIGNKEY);
  EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
  EXPECT_EQ(count_notes(lane), 0);
  EXPECT_NO_THROW(add_note(lane, "next"));
}

template <class Tx>
concept Writable = requires(Tx& tx) { tx.execute("DELETE FROM note"); } || requires(Tx& tx) {
  tx.execute_script("DELETE FROM note");
} || requires(Tx& tx) { tx.savepoint(); };

// CORE-09: writing in a read does not compile.
TEST(ReadTransaction, HasNoMemberThatWrites) {
  static_assert(Writable<WriteTx>);
  EXPECT_FALSE(Writable<ReadTx>);
}

// CORE-09: nor does it work by way of a query.
TEST(ReadTransaction, RefusesAStatementThatWrites) {
  NoteDatabase db;
  const auto error = thrown<MisuseError>([&] {
    db.lane().read([](ReadTx& tx) { (void)tx.query<int>("DELETE FROM note RETURNING id").all(); });
  });
  EXPECT_EQ(error.code(), "READ_ONLY_TRANSACTION");
  EXPECT_THAT(error.what(), HasSubstr("DELETE FROM note"));
}

}  // namespace
}  // namespace turnstile::test
