// Options::connections of 1: reads and writes share the one connection, and the rules stay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <future>
#include <latch>
#include <string>
#include <vector>

#include "support/note_database.h"
#include "support/thrown.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

Options one_connection() {
  Options options;
  options.connections = 1;
  return options;
}

TEST(SingleConnection, ReadsAndWrites) {
  NoteDatabase db(one_connection());
  add_note(db.lane(), "one");
  EXPECT_EQ(count_notes(db.lane()), 1);
  EXPECT_EQ(db->info().pool.connections, 1);
}

TEST(SingleConnection, RefusesAStatementThatWritesInARead) {
  NoteDatabase db(one_connection());
  const auto error = thrown<MisuseError>(
      [&] { db.lane().read([](ReadTx& tx) { (void)tx.prepare("DELETE FROM note"); }); });
  EXPECT_EQ(error.code(), "READ_ONLY_TRANSACTION");
}

TEST(SingleConnection, RefusesToWriteThroughTheHandleOfARead) {
  NoteDatabase db(one_connection());
  const int result = db.lane().read([](ReadTx& tx) {
    return sqlite3_exec(native_handle(tx), "INSERT INTO note(text) VALUES ('x')", nullptr, nullptr,
                        nullptr);
  });
  EXPECT_EQ(result, SQLITE_READONLY);
  EXPECT_EQ(count_notes(db.lane()), 0);
}

TEST(SingleConnection, WritesAfterAReadHasLentItsHandle) {
  NoteDatabase db(one_connection());
  db.lane().read([](ReadTx& tx) { (void)native_handle(tx); });
  EXPECT_THROW(db.lane().read([](ReadTx& tx) {
    (void)native_handle(tx);
    throw std::runtime_error("gone");
  }),
               std::runtime_error);
  EXPECT_NO_THROW(add_note(db.lane(), "one"));
}

TEST(SingleConnection, MakesAReadWaitForAWriteAndSaysForWhich) {
  NoteDatabase db(one_connection());
  std::latch writing(1);
  std::latch done(1);
  auto writer = std::async(std::launch::async, [&] {
    db.lane("writer").write([&](WriteTx&) {
      writing.count_down();
      done.wait();
    });
  });
  writing.wait();
  const auto error = thrown<Timeout>(
      [&] { db.lane("reader").read({.timeout = std::chrono::milliseconds(20)}, [](ReadTx&) {}); });
  EXPECT_EQ(error.code(), "READ_TIMEOUT");
  EXPECT_EQ(error.holder().lane, "writer");
  done.count_down();
  EXPECT_NO_THROW(writer.get());
}

TEST(SingleConnection, ServesManyThreads) {
  NoteDatabase db(one_connection());
  std::vector<std::future<void>> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.push_back(std::async(std::launch::async, [&db, thread] {
      for (int i = 0; i < 50; ++i) {
        add_note(db.lane(), std::to_string(thread) + "/" + std::to_string(i));
        EXPECT_GE(count_notes(db.lane()), i + 1);
      }
    }));
  }
  for (auto& thread : threads)
    EXPECT_NO_THROW(thread.get());
  EXPECT_EQ(count_notes(db.lane()), 200);
}

}  // namespace
}  // namespace turnstile::test
