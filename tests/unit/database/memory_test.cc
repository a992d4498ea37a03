// Databases in memory: one database for all connections of the pool, and nothing on any disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <future>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/note_database.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

Options notes_in_memory() {
  Options options = with_notes();
  options.mode = OpenMode::Memory;
  return options;
}

TEST(Memory, IsOneDatabaseForAllConnections) {
  const Database db = Database::open(":memory:", with_notes());
  const Lane lane = db.lane("notes");
  add_note(lane, "one");
  std::barrier all_read(3);
  std::vector<std::future<std::int64_t>> readers;
  for (int i = 0; i < 3; ++i) {
    readers.push_back(std::async(std::launch::async, [&] {
      return lane.read([&](ReadTx& tx) {
        all_read.arrive_and_wait();  // So that they are three connections.
        return count_notes(tx);
      });
    }));
  }
  for (auto& reader : readers)
    EXPECT_EQ(reader.get(), 1);
}

TEST(Memory, IsAskedForInSeveralWays) {
  for (const char* path :
       {":memory:", "file::memory:", "file:x?mode=memory", "file::memory:?cache=private"}) {
    const Database db = Database::open(path, with_notes());
    EXPECT_EQ(db.info().path, "") << path;
    EXPECT_EQ(add_note(db.lane("notes"), "one"), 1) << path;
  }
}

TEST(Memory, WithANameIsSharedByTwoOpens) {
  const Database one = Database::open("shared name", notes_in_memory());
  const Database two = Database::open("shared name", notes_in_memory());
  add_note(one.lane("notes"), "one");
  EXPECT_EQ(count_notes(two.lane("notes")), 1);
}

TEST(Memory, WithAnotherNameIsAnotherDatabase) {
  const Database one = Database::open("a", notes_in_memory());
  const Database two = Database::open("A", notes_in_memory());
  add_note(one.lane("notes"), "one");
  EXPECT_EQ(count_notes(two.lane("notes")), 0);
}

TEST(Memory, TakesAnyName) {
  const Database one = Database::open("a?b=c&d/%20\xFF'", notes_in_memory());
  const Database two = Database::open("a?b=c&d/%20\xFF'", notes_in_memory());
  add_note(one.lane("notes"), "one");
  EXPECT_EQ(count_notes(two.lane("notes")), 1);
}

TEST(Memory, WithoutANameIsNotShared) {
  for (const char* path : {":memory:", ""}) {
    const Database one = Database::open(path, notes_in_memory());
    const Database two = Database::open(path, notes_in_memory());
    add_note(one.lane("notes"), "one");
    EXPECT_EQ(count_notes(two.lane("notes")), 0) << path;
  }
}

TEST(Memory, IsGoneAfterTheLastClose) {
  {
    const Database db = Database::open("gone", notes_in_memory());
    add_note(db.lane("notes"), "one");
  }
  const Database again = Database::open("gone", notes_in_memory());
  EXPECT_EQ(count_notes(again.lane("notes")), 0);
}

TEST(Memory, DoesNotReportALogThatIsGone) {
  Database db = Database::open(":memory:", with_notes());
  EXPECT_FALSE(db.close().checkpointed);
}

TEST(Memory, RollsBack) {
  const Database db = Database::open(":memory:", with_notes());
  const Lane lane = db.lane("notes");
  EXPECT_THROW(lane.write([](WriteTx& tx) {
    add_note(tx, "one");
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(count_notes(lane), 0);
}

TEST(Memory, LetsReadersAndWritersExcludeEachOtherWithoutErrors) {
  const Database db = Database::open(":memory:", with_notes());
  constexpr int kThreads = 8;
  constexpr int kRounds = 200;
  std::vector<std::future<void>> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.push_back(std::async(std::launch::async, [&db, thread] {
      const Lane lane = db.lane("lane " + std::to_string(thread));
      for (int i = 0; i < kRounds; ++i) {
        const std::string text = std::to_string(thread) + "/" + std::to_string(i);
        if (i % 4 == 0)
          lane.submit([text](WriteTx& tx) { add_note(tx, text); }).get();
        else
          add_note(lane, text);
        EXPECT_GE(count_notes(lane), i + 1);
      }
    }));
  }
  for (auto& thread : threads)
    EXPECT_NO_THROW(thread.get());
  EXPECT_EQ(count_notes(db.lane("notes")), kThreads * kRounds);
}

TEST(Memory, HasAPoolOfOneConnectionToo) {
  Options options = notes_in_memory();
  options.connections = 1;
  const Database db = Database::open("single", options);
  add_note(db.lane("notes"), "one");
  EXPECT_EQ(count_notes(db.lane("notes")), 1);
}

TEST(Memory, TellsItsSettings) {
  const Database db = Database::open(":memory:", with_notes());
  const DatabaseInfo info = db.info();
  EXPECT_EQ(info.file_bytes, 0);
  EXPECT_EQ(info.wal_bytes, 0);
  ASSERT_FALSE(info.settings.empty());
  EXPECT_EQ(info.settings.front().name, "journal_mode");
  EXPECT_EQ(info.settings.front().in_force, "memory");
}

}  // namespace
}  // namespace turnstile::test
