// Writes that wait together share a commit, and each fails alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/place_of.h"
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

// CORE-23: one commit for several. How much faster that is, the benchmarks say.
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
  explicit GroupMember(const Options& options = {}) : db_(options) {}

  // Each member does `add` with its place, and one of them `failing` then.
  template <class F>
  std::vector<std::future<void>> run_with(F failing,
                                          void (*add)(WriteTx&, std::size_t) = &add_numbered_note) {
    BusyWriter busy(db_.lane());
    std::vector<std::future<void>> writes;
    for (std::size_t i = 0; i < 3; ++i) {
      writes.push_back(db_.lane().submit([i, failing, add](WriteTx& tx) {
        add(tx, i);
        if (i == GetParam()) failing(tx);
      }));
    }
    busy.let_go();
    for (auto& write : writes)
      write.wait();
    return writes;
  }
  static void add_numbered_note(WriteTx& tx, std::size_t number) {
    add_note(tx, std::to_string(number));
  }
  std::vector<std::string> others() const {
    std::vector<std::string> texts{"0", "1", "2"};
    texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(GetParam()));
    return texts;
  }

  NoteDatabase db_;
};

// CORE-23: one that fails does not fail the others.
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

#ifdef TURNSTILE_TEST_VEC0
class GroupMemberWithVectors : public GroupMember {
 protected:
  GroupMemberWithVectors() : GroupMember(with_vec0()) {
    db_.lane().write([](WriteTx& tx) {
      tx.execute_script(
          "CREATE VIRTUAL TABLE item USING vec0(id INTEGER PRIMARY KEY, v float[2], "
          "chunk_size=8)");
    });
  }

  static Options with_vec0() {
    Options options;
    options.extensions = {{place_of::vec0(), "sqlite3_vec_init"}};
    return options;
  }
  static void add_vector(WriteTx& tx, std::int64_t id, float distance) {
    tx.execute("INSERT INTO item(id, v) VALUES (?, ?)", id, std::array<float, 2>{distance, 0});
  }
  static void fill_chunks(WriteTx& tx, float distance) {
    for (std::int64_t id = 1000; id < 1000 + kSeveralChunks; ++id)
      add_vector(tx, id, distance);
  }
  // Three that each add a vector, and one of them adds more and throws. False when the machine was
  // so slow that the time for a group was up before the last one.
  bool run_as_one_group() {
    db_.lane().write([](WriteTx& tx) { tx.execute("DELETE FROM item"); });
    AtPoint commits("Group::commit");
    auto writes = run_with(
        [](WriteTx& tx) {
          fill_chunks(tx, 0.5F);
          throw OwnError("mine");
        },
        [](WriteTx& tx, std::size_t number) {
          add_vector(tx, static_cast<std::int64_t>(number), 1 + static_cast<float>(number));
        });
    for (std::size_t i = 0; i < writes.size(); ++i)
      if (i == GetParam())
        EXPECT_THROW(writes[i].get(), OwnError);
      else
        EXPECT_NO_THROW(writes[i].get());
    return commits.reached() == 2U;  // That of the busy one and one more.
  }
  // The ids of all vectors as a search finds them, nearest to the origin first.
  [[nodiscard]] std::vector<std::int64_t> search() const {
    return db_.lane().read([](ReadTx& tx) {
      std::vector<std::int64_t> ids;
      for (const auto [id, distance] : tx.query<std::int64_t, double>(
               "SELECT id, distance FROM item WHERE v MATCH '[0, 0]' AND k = 100 "
               "ORDER BY distance"))
        ids.push_back(id);
      return ids;
    });
  }

  [[nodiscard]] static std::int64_t failing() { return static_cast<std::int64_t>(GetParam()); }

  static constexpr std::int64_t kSeveralChunks = 30;  // So many vectors.
};

// A table of sqlite-vec keeps its vectors in chunks, in tables of its own, and remembers things
// between two statements.
TEST_P(GroupMemberWithVectors, LeavesNoVectorWhenItFails) {
  int attempts = 0;
  while (!run_as_one_group())
    ASSERT_LT(++attempts, 100);
  std::vector<std::int64_t> expected{0, 1, 2};
  std::erase(expected, failing());
  EXPECT_EQ(search(), expected);
  // The table takes vectors as before, under the same numbers too.
  db_.lane().write([](WriteTx& tx) {
    add_vector(tx, failing(), 0.25F);
    fill_chunks(tx, 50);
  });
  EXPECT_EQ(search().size(), static_cast<std::size_t>(kSeveralChunks + 3));
  EXPECT_EQ(search().front(), failing());
  db_->close();
  EXPECT_EQ(run_raw(db_.file(), "PRAGMA integrity_check"), "ok");
}

INSTANTIATE_TEST_SUITE_P(Place, GroupMemberWithVectors, testing::Values(0U, 1U, 2U));
#endif

// INSERT OR ROLLBACK undoes the whole transaction, as a full disk does.
TEST_P(GroupMember, TakesTheEarlierOnesAlongOnlyWhenSqliteUndoesEverything) {
  // That of the busy one, and one of those that came later.
  const std::size_t expected_commits = GetParam() < 2 ? 2 : 1;
  std::vector<std::future<void>> writes;
  for (int attempts = 0;; ++attempts) {
    ASSERT_LT(attempts, 100) << "the time for a group is always up before the last one";
    db_.lane().write([](WriteTx& tx) { tx.execute("DELETE FROM note"); });
    AtPoint commits("Group::commit");
    writes = run_with([](WriteTx& tx) {
      tx.execute("INSERT OR ROLLBACK INTO note(id, text) VALUES (1, 'again'), (1, 'twice')");
    });
    if (commits.reached() == expected_commits) break;
  }
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
    writes.push_back(submit_note("a"));
    writes.push_back(submit([](WriteTx& tx) {
      add_note(tx, "b");
      sqlite3_commit_hook(
          native_handle(tx), [](void*) { return 1; }, nullptr);
    }));
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

// WAL-12: durability that one call asks for.
TEST_F(GroupCommit, SyncsTheLogOnceForThoseWhoWantItOnTheMedium) {
  AtPoint syncs("Group::commit:before_sync");
  // On a busy machine the first of them can use up the time of a group.
  constexpr int kAttempts = 50;
  for (int i = 0; i < kAttempts; ++i) {
    const auto before = syncs.reached();
    std::vector<std::future<void>> writes;
    {
      BusyWriter busy(db_.lane());
      for (const char* text : {"a", "b", "c"}) {
        writes.push_back(
            db_.lane().submit({.durability = Durability::Full},
                              [text, i](WriteTx& tx) { add_note(tx, text + std::to_string(i)); }));
      }
    }
    for (auto& write : writes)
      write.get();
    if (db_->metrics().groups.max < writes.size()) continue;
    EXPECT_EQ(syncs.reached() - before, 1U);
    return;
  }
  FAIL() << "they have not shared a commit";
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
