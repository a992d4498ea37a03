// Writes that wait together share a commit, and each fails alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/note_database.h"
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

// What is submitted while somebody writes is in the line together when that ends.
class GroupCommit : public testing::Test {
 protected:
  template <class F>
  std::future<void> submit(F closure) {
    return db_.lane().submit(std::move(closure));
  }
  std::future<void> submit_note(const std::string& text) {
    return submit([text](WriteTx& tx) { add_note(tx, text); });
  }

  NoteDatabase db_;
};

TEST_F(GroupCommit, CommitsWhatWaitsTogetherAtOnce) {
  BusyWriter busy(db_.lane());
  std::vector<std::future<void>> writes;
  for (const char* text : {"a", "b", "c"})
    writes.push_back(submit_note(text));
  AtPoint commits("Group::commit");
  busy.let_go();
  for (auto& write : writes)
    write.get();
  EXPECT_EQ(commits.reached(), 2U);  // That of the busy one and one more.
  EXPECT_THAT(all_notes(db_.lane()), ElementsAre("a", "b", "c"));
}

TEST_F(GroupCommit, TellsNobodyBeforeTheCommit) {
  BusyWriter busy(db_.lane());
  auto first = submit_note("a");
  auto second = submit_note("b");
  AtPoint closures("Group::run:closure_ended");
  AtPoint commit("Group::commit:committed", 2);
  auto released = std::async(std::launch::async, [&] { busy.let_go(); });
  commit.wait_until_reached(1);
  AtPoint second_commit("Group::commit", 1);
  commit.release();
  second_commit.wait_until_reached();
  EXPECT_EQ(closures.reached(), 3U);
  EXPECT_EQ(first.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_EQ(second.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  second_commit.release();
  released.get();
  EXPECT_NO_THROW(first.get());
  EXPECT_NO_THROW(second.get());
}

// By the place of the one that fails among three.
class GroupMember : public testing::TestWithParam<std::size_t> {
 protected:
  template <class F>
  std::vector<std::future<void>> run_with(F failing) {
    BusyWriter busy(db_.lane());
    std::vector<std::future<void>> writes;
    for (std::size_t i = 0; i < 3; ++i) {
      writes.push_back(db_.lane().submit([i, failing, text = std::to_string(i)](WriteTx& tx) {
        add_note(tx, text);
        if (i == GetParam()) failing(tx);
      }));
    }
    busy.let_go();
    for (auto& write : writes)
      write.wait();
    return writes;
  }
  std::vector<std::string> others() const {
    std::vector<std::string> texts{"0", "1", "2"};
    texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(GetParam()));
    return texts;
  }

  NoteDatabase db_;
};

TEST_P(GroupMember, UndoesItselfAloneWhenItThrows) {
  auto writes = run_with([](WriteTx&) { throw OwnError("mine"); });
  for (std::size_t i = 0; i < writes.size(); ++i)
    if (i == GetParam())
      EXPECT_THROW(writes[i].get(), OwnError);
    else
      EXPECT_NO_THROW(writes[i].get());
  EXPECT_EQ(all_notes(db_.lane()), others());
}

TEST_P(GroupMember, IsTheOnlyOneToBeToldOfItsDeferredForeignKey) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE TABLE child(note INTEGER REFERENCES note(id) DEFERRABLE INITIALLY DEFERRED)");
  });
  auto writes =
      run_with([](WriteTx& tx) { tx.execute("INSERT INTO child(note) VALUES (987654)"); });
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (i == GetParam()) {
      const auto error = thrown<ConstraintError>([&] { writes[i].get(); });
      EXPECT_EQ(error.sqlite_code(), SQLITE_CONSTRAINT_FOREIGNKEY);
      EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
    } else {
      EXPECT_NO_THROW(writes[i].get());
    }
  }
  EXPECT_EQ(all_notes(db_.lane()), others());
}

TEST_P(GroupMember, LeavesNothingInAFullTextIndexWhenItFails) {
  db_.lane().write([](WriteTx& tx) {
    tx.execute_script(
        "CREATE VIRTUAL TABLE word USING fts5(text);"
        "CREATE TRIGGER note_word AFTER INSERT ON note BEGIN"
        "  INSERT INTO word(rowid, text) VALUES (new.id, 'word' || new.text); END;");
  });
  run_with([](WriteTx&) { throw OwnError("mine"); });
  const auto found = db_.lane().read([](ReadTx& tx) {
    std::vector<std::string> words;
    for (const char* word : {"word0", "word1", "word2"}) {
      const auto row =
          tx.query<std::string>("SELECT text FROM word WHERE word MATCH ?", word).first();
      if (row) words.push_back(row->substr(4));
    }
    return words;
  });
  EXPECT_EQ(found, others());
  EXPECT_NO_THROW(db_.lane().write([](WriteTx& tx) {
    tx.execute("INSERT INTO word(word, rank) VALUES ('integrity-check', 1)");
  }));
}

// INSERT OR ROLLBACK undoes the whole transaction, as a full disk does.
TEST_P(GroupMember, TakesTheEarlierOnesAlongOnlyWhenSqliteUndoesEverything) {
  auto writes = run_with([](WriteTx& tx) {
    tx.execute("INSERT OR ROLLBACK INTO note(id, text) VALUES (1, 'again'), (1, 'twice')");
  });
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (i < GetParam()) {
      const auto error = thrown<Error>([&] { writes[i].get(); });
      EXPECT_EQ(error.code(), "GROUP_ROLLED_BACK");
      EXPECT_TRUE(error.retry_is_safe());
      EXPECT_THAT(error.what(), HasSubstr("UNIQUE constraint failed"));
    } else if (i == GetParam()) {
      EXPECT_THROW(writes[i].get(), ConstraintError);
    } else {
      EXPECT_NO_THROW(writes[i].get());
    }
  }
  std::vector<std::string> later;
  for (std::size_t i = GetParam() + 1; i < writes.size(); ++i)
    later.push_back(std::to_string(i));
  EXPECT_EQ(all_notes(db_.lane()), later);
}

INSTANTIATE_TEST_SUITE_P(Place, GroupMember, testing::Values(0U, 1U, 2U));

TEST_F(GroupCommit, TellsEverybodyOfACommitThatFails) {
  std::vector<std::future<void>> writes;
  {
    BusyWriter busy(db_.lane());
    writes.push_back(submit([](WriteTx& tx) {
      add_note(tx, "a");
      sqlite3_commit_hook(
          native_handle(tx), [](void*) { return 1; }, nullptr);
    }));
    writes.push_back(submit_note("b"));
  }
  for (auto& write : writes)
    EXPECT_THROW(write.get(), ConstraintError);
  EXPECT_THAT(all_notes(db_.lane()), IsEmpty());
}

TEST_F(GroupCommit, RunsNoActionOfAClosureThatWasNotCommitted) {
  std::atomic<int> actions{0};
  std::vector<std::future<void>> writes;
  {
    BusyWriter busy(db_.lane());
    for (const bool refuses : {false, true}) {
      writes.push_back(submit([&actions, refuses](WriteTx& tx) {
        tx.after_commit([&actions] { ++actions; });
        if (refuses)
          sqlite3_commit_hook(
              native_handle(tx), [](void*) { return 1; }, nullptr);
      }));
    }
  }
  for (auto& write : writes)
    EXPECT_THROW(write.get(), ConstraintError);
  EXPECT_EQ(actions, 0);
}

TEST_F(GroupCommit, RunsNoActionOfAClosureThatSqliteUndidForAnother) {
  std::atomic<int> actions{0};
  std::future<void> first;
  std::future<void> second;
  {
    BusyWriter busy(db_.lane());
    first = submit([&actions](WriteTx& tx) { tx.after_commit([&actions] { ++actions; }); });
    second =
        submit([](WriteTx& tx) { tx.execute("INSERT OR ROLLBACK INTO note(id) VALUES (1), (1)"); });
  }
  EXPECT_EQ(thrown<Error>([&] { first.get(); }).code(), "GROUP_ROLLED_BACK");
  EXPECT_THROW(second.get(), ConstraintError);
  EXPECT_EQ(actions, 0);
}

TEST_F(GroupCommit, RunsClosuresThatDoNotShareOnTheirOwnThread) {
  const Lane own = db_->lane("own", {.share_transactions = false});
  const Lane shared = db_.lane();
  BusyWriter busy(shared);
  AtPoint queued("WriterTurn::wait:queued");
  const auto runs_here = [](const Lane& lane) {
    return std::async(std::launch::async, [lane] {
      const auto caller = ::gettid();
      return lane.write([caller](WriteTx&) { return ::gettid() == caller; });
    });
  };
  auto own_write = runs_here(own);
  auto shared_write = runs_here(shared);
  queued.wait_until_reached(2);
  busy.let_go();
  EXPECT_TRUE(own_write.get());
  EXPECT_FALSE(shared_write.get());
}

TEST_F(GroupCommit, SyncsTheLogOnceForThoseWhoWantItOnTheMedium) {
  AtPoint syncs("Group::commit:before_sync");
  std::vector<std::future<void>> writes;
  {
    BusyWriter busy(db_.lane());
    for (const char* text : {"a", "b", "c"}) {
      writes.push_back(db_.lane().submit({.durability = Durability::Full},
                                         [text](WriteTx& tx) { add_note(tx, text); }));
    }
  }
  for (auto& write : writes)
    write.get();
  EXPECT_EQ(syncs.reached(), 1U);
}

TEST_F(GroupCommit, DoesNotSyncTheLogWhereNobodyWantsIt) {
  AtPoint syncs("Group::commit:before_sync");
  add_note(db_.lane(), "a");
  EXPECT_EQ(syncs.reached(), 0U);
}

TEST(RehearsedClosures, RunTwiceAndAreStoredOnce) {
  Options options;
  options.rehearse_closures = true;
  NoteDatabase db(options);
  int runs = 0;
  std::atomic<int> actions{0};
  db.lane().write([&](WriteTx& tx) {
    ++runs;
    add_note(tx, "a");
    tx.after_commit([&] { ++actions; });
  });
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(actions, 1);
  EXPECT_THAT(all_notes(db.lane()), ElementsAre("a"));
}

}  // namespace
}  // namespace turnstile::test
