// A database and its lanes, used by many threads at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <latch>
#include <numeric>
#include <random>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "support/files.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/soon.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr const char* kTurnQueued = "WriterTurn::wait:queued";
constexpr const char* kBeforeLease = "Core::read:before_lease";
constexpr const char* kBeforeBegin = "Group::begin";

Options with_connections(int connections) {
  Options options;
  options.connections = connections;
  return options;
}

// ---- Who is in the way ----

TEST(ConcurrentWrites, NameTheHolderWhenTheyTimeOutInTheQueue) {
  NoteDatabase db;
  const HeldWrite held(db.lane("indexer"));
  AtPoint queued(kTurnQueued);
  const auto error = thrown<Timeout>(
      [&] { db.lane("chat").write({.timeout = milliseconds(30)}, [](WriteTx&) {}); });
  EXPECT_EQ(queued.reached(), 1U);
  EXPECT_EQ(error.code(), "WRITE_TIMEOUT");
  EXPECT_EQ(error.holder().kind, Holder::Kind::Thread);
  EXPECT_EQ(error.holder().lane, "indexer");
  EXPECT_EQ(error.holder().thread_id, held.thread_id());
  EXPECT_EQ(error.holder().where, held.where());
  EXPECT_THAT(error.what(), HasSubstr("indexer"));
}

TEST(ConcurrentWrites, MayBeRepeatedAfterATimeout) {
  NoteDatabase db;
  HeldWrite held(db.lane("indexer"));
  const auto error = thrown<Timeout>([&] {
    db.lane().write({.timeout = milliseconds(30)}, [](WriteTx& tx) { add_note(tx, "once"); });
  });
  EXPECT_TRUE(error.retry_is_safe());
  EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
  held.let_go();
  add_note(db.lane(), "once");
  EXPECT_EQ(count_notes(db.lane()), 1);
}

// The thread that submitted a closure and then waits for it is the likeliest one to ask.
TEST(ConcurrentWrites, NameASubmittedClosureOfTheirOwnThread) {
  NoteDatabase db;
  std::latch begun(1);
  std::latch done(1);
  std::atomic<pid_t> runs_on{0};
  auto submitted = db.lane("indexer").submit([&](WriteTx&) {
    runs_on = ::gettid();
    begun.count_down();
    done.wait();
  });
  begun.wait();
  const auto error = thrown<Timeout>(
      [&] { db.lane("chat").write({.timeout = milliseconds(30)}, [](WriteTx&) {}); });
  done.count_down();
  submitted.get();
  EXPECT_EQ(error.holder().lane, "indexer");
  EXPECT_EQ(error.holder().thread_id, runs_on);
}

TEST(ConcurrentReads, NameTheOldestReaderWhenAllAreTaken) {
  NoteDatabase db(with_connections(3));
  const HeldRead oldest(db.lane("export"));
  const HeldRead younger(db.lane("search"));
  const auto error =
      thrown<Timeout>([&] { db.lane("chat").read({.timeout = milliseconds(30)}, [](ReadTx&) {}); });
  EXPECT_EQ(error.code(), "READ_TIMEOUT");
  EXPECT_EQ(error.holder().lane, "export");
  EXPECT_EQ(error.holder().thread_id, oldest.thread_id());
  EXPECT_EQ(error.holder().where, oldest.where());
}

// ---- Readers beside a writer ----

// CORE-06: more than a thousand reads of three threads, and none waits for the writer.
TEST(ConcurrentReads, GoOnWhileAWriteIsUnfinished) {
  constexpr int kThreads = 3;
  constexpr int kReads = 500;
  NoteDatabase db(with_connections(kThreads + 1));
  const std::int64_t id = add_note(db.lane(), "before");
  HeldWrite held(db.lane("writer"),
                 [](WriteTx& tx) { tx.execute("UPDATE note SET text = 'after'"); });
  std::atomic<int> seen_before{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < kReads; ++n) {
          try {
            const auto text = db.lane("reader").read([&](ReadTx& tx) {
              return tx.query<std::string>("SELECT text FROM note WHERE id = ?", id).one();
            });
            if (text == "before") ++seen_before;
          } catch (const Error& error) {
            ADD_FAILURE() << error.what();
          }
        }
      });
    }
  }
  EXPECT_EQ(seen_before, kThreads * kReads);
  held.let_go();
  EXPECT_EQ(all_notes(db.lane()), std::vector<std::string>{"after"});
}

// CORE-02: with the default of four connections, no more than these are open under any load.
TEST(ConcurrentReads, OfSixtyFourThreadsShareThreeReaders) {
  constexpr int kThreads = 64;
  constexpr std::ptrdiff_t kConnections = 4;
  NoteDatabase db;
  EXPECT_EQ(descriptors_of(db.file()), kConnections);
  std::latch done(1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      db.lane().read({.timeout = patience()}, [&](ReadTx& tx) {
        EXPECT_EQ(count_notes(tx), 0);
        done.wait();
      });
    });
  }
  EXPECT_TRUE(soon([&] { return db->info().pool.readers_waiting == kThreads - 3; }));
  EXPECT_EQ(db->info().pool.connections, kConnections);
  EXPECT_EQ(descriptors_of(db.file()), kConnections);
  done.count_down();
  threads.clear();
  EXPECT_EQ(db->info().pool.readers_idle, 3);
  EXPECT_EQ(descriptors_of(db.file()), kConnections);
}

TEST(ConcurrentReads, KeepTheirSnapshotWhileOthersCommit) {
  NoteDatabase db;
  db.lane().read([&](ReadTx& tx) {
    ASSERT_EQ(count_notes(tx), 0);
    std::async(std::launch::async, [&] { add_note(db.lane(), "committed meanwhile"); }).get();
    EXPECT_EQ(count_notes(tx), 0);
  });
  EXPECT_EQ(count_notes(db.lane()), 1);
}

TEST(ConcurrentReads, MayBeIteratedOverWhileTheirThreadWrites) {
  constexpr int kNotes = 200;
  NoteDatabase db;
  const Lane lane = db.lane();
  lane.write([](WriteTx& tx) {
    for (int i = 0; i < kNotes; ++i)
      add_note(tx, std::to_string(i));
  });
  int visited = 0;
  lane.read([&](ReadTx& tx) {
    for (const std::int64_t id : tx.query<std::int64_t>("SELECT id FROM note ORDER BY id")) {
      ++visited;
      lane.write([&](WriteTx& write) {
        write.execute("UPDATE note SET text = 'seen ' || text WHERE id = ?", id);
        add_note(write, "copy of " + std::to_string(id));
      });
    }
  });
  EXPECT_EQ(visited, kNotes);
  EXPECT_EQ(count_notes(lane), 2 * kNotes);
}

// ---- The order of writers ----

// CORE-11: first come, first served.
TEST(ConcurrentWrites, AreServedInArrivalOrder) {
  constexpr int kWrites = 16;
  NoteDatabase db;
  std::vector<int> order;  // Written inside write transactions.
  HeldWrite held(db.lane("holder"));
  std::vector<std::jthread> threads;
  for (int i = 0; i < kWrites; ++i) {
    AtPoint queued(kTurnQueued);
    threads.emplace_back([&, i] { db.lane().write([&](WriteTx&) { order.push_back(i); }); });
    queued.wait_until_reached();
  }
  held.let_go();
  threads.clear();
  std::vector<int> arrivals(kWrites);
  std::iota(arrivals.begin(), arrivals.end(), 0);
  EXPECT_EQ(order, arrivals);
}

TEST(ConcurrentWrites, ShareOneQueueWithSubmittedOnes) {
  constexpr int kWrites = 16;
  NoteDatabase db;
  std::vector<int> order;  // Written inside write transactions.
  HeldWrite held(db.lane("holder"));
  std::vector<std::jthread> threads;
  std::vector<std::future<void>> submitted;
  for (int i = 0; i < kWrites; ++i) {
    if (i % 2 == 0) {
      submitted.push_back(db.lane().submit([&order, i](WriteTx&) { order.push_back(i); }));
      continue;
    }
    AtPoint queued(kTurnQueued);
    threads.emplace_back([&, i] { db.lane().write([&](WriteTx&) { order.push_back(i); }); });
    queued.wait_until_reached();
  }
  EXPECT_EQ(db->info().pool.writers_waiting, kWrites);
  held.let_go();
  threads.clear();
  for (auto& each : submitted)
    each.get();
  std::vector<int> arrivals(kWrites);
  std::iota(arrivals.begin(), arrivals.end(), 0);
  EXPECT_EQ(order, arrivals);
}

// CORE-11: nobody is served twice while somebody else waits.
TEST(ConcurrentWrites, OfSixteenThreadsAreServedEquallyOften) {
  constexpr int kThreads = 16;
  constexpr int kRounds = 20;
  NoteDatabase db;
  std::vector<int> served(kThreads);  // Written inside write transactions, as is `all`.
  int all = 0;
  bool ended = false;
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i, lane = db.lane()] {
      start.arrive_and_wait();
      for (bool done = false; !done;) {
        done = lane.write([&](WriteTx&) {
          // sleep: transactions of this length are what is tested.
          std::this_thread::sleep_for(milliseconds(5));
          served[i] += ended ? 0 : 1;
          ended = ++all >= kRounds * kThreads;
          return ended;
        });
      }
    });
  }
  threads.clear();
  const auto [least, most] = std::ranges::minmax(served);
  EXPECT_LE(most - least, 2) << testing::PrintToString(served);
  EXPECT_EQ(db->info().counters.timeouts, 0U);
}

// ---- One deadline for all waits ----

// A thread is stopped on the way until its deadline has passed, and then meets a second obstacle. A
// wait with a deadline of its own would last for kLimit once more.
constexpr milliseconds kLimit(1000);

// CORE-10: the wait for the turn and that for SQLite's lock have one deadline.
TEST(ConcurrentWrites, WaitForEverythingTogetherNoLongerThanTheirTimeout) {
  NoteDatabase db;
  RawSqlite stranger(db.file());
  stranger.run("BEGIN IMMEDIATE");
  AtPoint has_turn(kBeforeBegin, 1);
  const auto start = steady_clock::now();
  auto write = std::async(std::launch::async,
                          [&] { db.lane().write({.timeout = kLimit}, [](WriteTx&) {}); });
  has_turn.wait_until_reached();
  ASSERT_TRUE(soon([&] { return steady_clock::now() - start > kLimit + milliseconds(50); }));
  const auto released = steady_clock::now();
  has_turn.release();
  EXPECT_EQ(thrown<Timeout>([&] { write.get(); }).code(), "WRITE_TIMEOUT");
  EXPECT_LT(steady_clock::now() - released, kLimit);
  stranger.run("ROLLBACK");
}

// CORE-10: so has the wait for a reader.
TEST(ConcurrentReads, WaitForEverythingTogetherNoLongerThanTheirTimeout) {
  NoteDatabase db(with_connections(2));
  const HeldRead only(db.lane("export"));
  AtPoint on_the_way(kBeforeLease, 1);
  const auto start = steady_clock::now();
  auto read =
      std::async(std::launch::async, [&] { db.lane().read({.timeout = kLimit}, [](ReadTx&) {}); });
  on_the_way.wait_until_reached();
  ASSERT_TRUE(soon([&] { return steady_clock::now() - start > kLimit + milliseconds(50); }));
  const auto released = steady_clock::now();
  on_the_way.release();
  EXPECT_EQ(thrown<Timeout>([&] { read.get(); }).code(), "READ_TIMEOUT");
  EXPECT_LT(steady_clock::now() - released, kLimit);
}

// ---- Load ----

// Note 1 counts the others. It is read and written in separate statements, so that two writers at
// once would lose a step, and a read that is no snapshot would see the two sides differ.
std::int64_t counted(ReadTx& tx) {
  return tx.query<std::int64_t>("SELECT CAST(text AS INTEGER) FROM note WHERE id = 1").one();
}
void count_one_more(WriteTx& tx) {
  const std::int64_t before = counted(tx);
  tx.execute("INSERT INTO note(text) VALUES (NULL)");
  tx.execute("UPDATE note SET text = ? WHERE id = 1", before + 1);
}

class MixedLoad {
 public:
  static constexpr int kCallsPerThread = 150;

  MixedLoad(Database& db, int threads) : db_(db), threads_(threads), start_(threads) {
    db_.lane("setup").write([](WriteTx& tx) { add_note(tx, "0"); });
  }

  void run() {
    const std::uint64_t seed = test_seed();
    std::vector<std::jthread> threads;
    for (int i = 0; i < threads_; ++i)
      threads.emplace_back(
          [this, seed, i] { run_thread(seed + static_cast<std::uint64_t>(i), i); });
  }

  [[nodiscard]] int writes() const { return writes_; }
  [[nodiscard]] int reads() const { return threads_ * kCallsPerThread - writes_; }

 private:
  void run_thread(std::uint64_t seed, int number) {
    std::mt19937_64 random(seed);
    const Lane lane = db_.lane("lane " + std::to_string(number % 4));
    std::vector<std::future<void>> submitted;
    start_.arrive_and_wait();
    for (int n = 0; n < kCallsPerThread; ++n) {
      try {
        call(lane, random() % 4, submitted);
      } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
      }
    }
    for (auto& each : submitted)
      EXPECT_NO_THROW(each.get());
  }

  void call(const Lane& lane, std::uint64_t kind, std::vector<std::future<void>>& submitted) {
    if (kind < 2) {
      lane.read([](ReadTx& tx) {
        const std::int64_t steps = counted(tx);
        EXPECT_EQ(count_notes(tx), steps + 1);
      });
      return;
    }
    ++writes_;
    if (kind == 2)
      lane.write([](WriteTx& tx) { count_one_more(tx); });
    else
      submitted.push_back(lane.submit([](WriteTx& tx) { count_one_more(tx); }));
  }

  Database& db_;
  const int threads_;
  std::latch start_;
  std::atomic<int> writes_{0};
};

void expect_exact(Database& db, const MixedLoad& load) {
  const Counters counters = db.info().counters;
  EXPECT_EQ(counters.writes, static_cast<std::uint64_t>(load.writes()) + 1);  // And the set-up.
  EXPECT_EQ(counters.reads, static_cast<std::uint64_t>(load.reads()));
  EXPECT_EQ(counters.timeouts, 0U);
  EXPECT_EQ(counters.rollbacks, 0U);
  EXPECT_EQ(counters.repaired_connections, 0U);
  db.lane("check").read([&](ReadTx& tx) {
    EXPECT_EQ(counted(tx), load.writes());
    EXPECT_EQ(count_notes(tx), load.writes() + 1);
    EXPECT_EQ(tx.query<std::string>("PRAGMA integrity_check").one(), "ok");
  });
}

// CORE-09: what a write has read cannot be changed by another before it writes.
TEST(ConcurrentWrites, ThatReadFirstLoseNoStep) {
  constexpr int kThreads = 4;
  constexpr int kWrites = 5000 / TURNSTILE_TEST_SLOWDOWN;
  NoteDatabase db;
  add_note(db.lane(), "0");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([lane = db.lane()] {
        for (int n = 0; n < kWrites; ++n)
          EXPECT_NO_THROW(lane.write(count_one_more));
      });
    }
  }
  EXPECT_EQ(db.lane().read(counted), kThreads * kWrites);
  EXPECT_EQ(count_notes(db.lane()), kThreads * kWrites + 1);
}

TEST(MixedCalls, OfSixteenThreadsAllSucceed) {
  NoteDatabase db;
  MixedLoad load(*db, 16);
  load.run();
  expect_exact(*db, load);
}

TEST(MixedCalls, OfEightThreadsAllSucceedInMemory) {
  Options options;
  options.mode = OpenMode::Memory;
  NoteDatabase db(options);
  MixedLoad load(*db, 8);
  load.run();
  expect_exact(*db, load);
}

TEST(MixedCalls, OfSixteenThreadsAllSucceedOnOneConnection) {
  NoteDatabase db(with_connections(1));
  MixedLoad load(*db, 16);
  load.run();
  expect_exact(*db, load);
}

}  // namespace
}  // namespace turnstile::test
