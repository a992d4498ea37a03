// What a database tells of itself. Its phases are in bootstrap_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::IsSupersetOf;

std::vector<std::string> settings_of(const DatabaseInfo& info) {
  std::vector<std::string> lines;
  for (const Setting& setting : info.settings)
    lines.push_back(setting.name + ": " + setting.asked + " -> " + setting.in_force);
  return lines;
}

void add_many(const Lane& lane, int count) {
  lane.write([&](WriteTx& tx) {
    for (int i = 0; i < count; ++i)
      add_note(tx, "a note that takes some room, number " + std::to_string(i));
  });
}

TEST(Info, TellsTheSettingsThatWereAskedForAndThoseInForce) {
  NoteDatabase db;
  EXPECT_THAT(settings_of(db->info()),
              IsSupersetOf({"journal_mode: wal -> wal", "busy_timeout: 5000 ms -> 5000 ms",
                            "synchronous: normal -> normal", "foreign_keys: on -> on",
                            "page_size: default -> 4096", "wal_autocheckpoint: off -> off"}));
}

TEST(Info, TellsSettingsThatAreNotTheDefault) {
  Options options;
  options.busy_timeout = std::chrono::milliseconds(70);
  options.synchronous = Synchronous::Full;
  options.foreign_keys = false;
  options.page_size = 1024;
  NoteDatabase db(options);
  EXPECT_THAT(settings_of(db->info()),
              IsSupersetOf({"busy_timeout: 70 ms -> 70 ms", "synchronous: full -> full",
                            "foreign_keys: off -> off", "page_size: 1024 -> 1024"}));
}

TEST(Info, CountsNothingBeforeTheFirstCall) {
  NoteDatabase db;
  const Counters counters = db->info().counters;
  EXPECT_EQ(counters.reads, 0U);
  EXPECT_EQ(counters.writes, 0U);
  EXPECT_EQ(counters.rollbacks, 0U);
  EXPECT_EQ(counters.timeouts, 0U);
  EXPECT_EQ(counters.engine_waits, 0U);
  EXPECT_EQ(counters.checkpoints, 0U);
  EXPECT_EQ(counters.repaired_connections, 0U);
  EXPECT_EQ(counters.longest_read_wait.count(), 0);
  EXPECT_EQ(counters.longest_write_wait.count(), 0);
}

// CORE-24: what a known load must have counted.
TEST(Info, CountsAKnownLoadExactly) {
  NoteDatabase db;
  const Lane lane = db.lane();
  for (int i = 0; i < 4; ++i)
    add_note(lane, "written " + std::to_string(i));
  for (int i = 0; i < 3; ++i)
    lane.submit([i](WriteTx& tx) { add_note(tx, "submitted " + std::to_string(i)); }).get();
  for (int i = 0; i < 2; ++i)
    EXPECT_THROW(lane.write([](WriteTx&) { throw std::runtime_error("no"); }), std::runtime_error);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(count_notes(lane), 7);
  {
    BusyWriter busy(lane);
    EXPECT_THROW(lane.write({.timeout = std::chrono::milliseconds(0)}, [](WriteTx&) {}), Timeout);
  }
  const Counters counters = db->info().counters;
  EXPECT_EQ(counters.writes, 8U);  // The one that kept the turn is among them.
  EXPECT_EQ(counters.rollbacks, 2U);
  EXPECT_EQ(counters.reads, 5U);
  EXPECT_EQ(counters.timeouts, 1U);
}

TEST(Info, CountsCheckpointsOfALogThatHasGrown) {
  Options options;
  options.checkpoint_frames = 1;
  NoteDatabase db(options);
  add_many(db.lane(), 1000);
  EXPECT_TRUE(soon([&] { return db->info().counters.checkpoints > 0; }));
}

TEST(Info, RemembersTheLongestWaitForTheTurn) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  AtPoint queued("WriterTurn::wait:queued");
  auto waiting = std::async(std::launch::async, [lane] { add_note(lane, "late"); });
  queued.wait_until_reached();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(5)) {
  }
  busy.let_go();
  waiting.get();
  EXPECT_GE(db->info().counters.longest_write_wait, std::chrono::milliseconds(5));
}

TEST(Info, TellsThePoolOfAnIdleDatabase) {
  NoteDatabase db;
  const PoolInfo pool = db->info().pool;
  EXPECT_EQ(pool.connections, 4);
  EXPECT_EQ(pool.readers_idle, 3);
  EXPECT_EQ(pool.readers_leased, 0);
  EXPECT_EQ(pool.readers_waiting, 0);
  EXPECT_EQ(pool.writers_waiting, 0);
}

TEST(Info, TellsOfAReaderThatIsLent) {
  NoteDatabase db;
  const PoolInfo pool = db.lane().read([&](ReadTx&) { return db->info().pool; });
  EXPECT_EQ(pool.connections, 4);
  EXPECT_EQ(pool.readers_idle, 2);
  EXPECT_EQ(pool.readers_leased, 1);
}

TEST(Info, TellsWhoWaitsForAReader) {
  Options options;
  options.connections = 2;
  NoteDatabase db(options);
  const Lane lane = db.lane();
  AtPoint queued("ReaderPool::lease:queued");
  std::future<void> waiting;
  const PoolInfo pool = lane.read([&](ReadTx&) {
    waiting = std::async(std::launch::async, [lane] { lane.read([](ReadTx&) {}); });
    queued.wait_until_reached();
    return db->info().pool;
  });
  EXPECT_NO_THROW(waiting.get());
  EXPECT_EQ(pool.readers_waiting, 1);
  EXPECT_EQ(pool.readers_idle, 0);
}

TEST(Info, TellsWhoWaitsForTheTurn) {
  NoteDatabase db;
  const Lane lane = db.lane();
  BusyWriter busy(lane);
  AtPoint queued("WriterTurn::wait:queued");
  auto submitted = lane.submit([](WriteTx&) {});
  auto written = std::async(std::launch::async, [lane] { lane.write([](WriteTx&) {}); });
  queued.wait_until_reached();
  EXPECT_EQ(db->info().pool.writers_waiting, 2);
  busy.let_go();
  submitted.get();
  written.get();
  EXPECT_EQ(db->info().pool.writers_waiting, 0);
}

TEST(Info, TellsTheSizesOfTheFiles) {
  NoteDatabase db;
  add_many(db.lane(), 100);
  const DatabaseInfo info = db->info();
  EXPECT_GT(info.file_bytes, 0);
  EXPECT_GT(info.wal_bytes, 0);
  EXPECT_EQ(info.file_bytes, static_cast<std::int64_t>(fs::file_size(db.file())));
  EXPECT_EQ(info.wal_bytes, static_cast<std::int64_t>(fs::file_size(db.file() + "-wal")));
}

TEST(Info, TellsNoFileSizesInMemory) {
  Options options;
  options.mode = OpenMode::Memory;
  NoteDatabase db(options);
  add_many(db.lane(), 100);
  EXPECT_EQ(db->info().file_bytes, 0);
  EXPECT_EQ(db->info().wal_bytes, 0);
  EXPECT_EQ(db->info().path, "");
}

TEST(Info, TellsThePageSize) {
  Options options;
  options.page_size = 8192;
  NoteDatabase db(options);
  EXPECT_EQ(db->info().page_size_bytes, 8192);
}

TEST(Info, CountsTheFreePages) {
  NoteDatabase db;
  add_many(db.lane(), 1000);
  EXPECT_EQ(db->info().free_pages, 0);
  db.lane().write([](WriteTx& tx) { tx.execute("DELETE FROM note"); });
  const auto counted = db.lane().read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("PRAGMA freelist_count").one(); });
  EXPECT_GT(counted, 0);
  EXPECT_EQ(db->info().free_pages, counted);
}

TEST(Info, DoesNotWaitForAReaderToCountTheFreePages) {
  Options options;
  options.connections = 2;
  NoteDatabase db(options);
  EXPECT_EQ(db.lane().read([&](ReadTx&) { return db->info().free_pages; }), -1);
}

TEST(Info, DoesNotWaitForAWrite) {
  NoteDatabase db;
  db.lane().write([&](WriteTx& tx) {
    add_note(tx, "one");
    EXPECT_EQ(db->info().counters.writes, 0U);
  });
  EXPECT_EQ(db->info().counters.writes, 1U);
}

TEST(Info, TellsTheEngine) {
  NoteDatabase db;
  const EngineInfo engine = db->info().engine;
  EXPECT_EQ(engine.version, sqlite3_libversion());
  EXPECT_EQ(engine.source_id, sqlite3_sourceid());
  EXPECT_EQ(engine.compile_options, engine_info().compile_options);
}

TEST(Info, TellsTheSchemaVersion) {
  NoteDatabase db;
  EXPECT_EQ(db->info().schema_version, 1);
  const TempDir directory;
  EXPECT_EQ(Database::open(directory.file("a.db")).info().schema_version, 0);
}

TEST(Info, IsTheSameThroughEveryHandle) {
  NoteDatabase db;
  const Database second = Database::open(db.file(), with_notes());
  add_note(db.lane(), "one");
  EXPECT_EQ(second.info().counters.writes, 1U);
  EXPECT_EQ(second.info().path, db.file());
}

}  // namespace
}  // namespace turnstile::test
