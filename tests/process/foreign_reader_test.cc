// A program that knows nothing of this library keeps the write-ahead log by reading.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "support/log_events.h"
#include "support/note_database.h"
#include "support/soon.h"
#include "support/sqlite_shell.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class ForeignReader : public testing::Test {
 protected:
  [[nodiscard]] Options options(AtWalLimit policy) {
    Options options;
    options.checkpoint_frames = 50;
    options.wal_limit_bytes = 1;  // Taken as four times the frames.
    options.at_wal_limit = policy;
    options.pinned_reader_warning = milliseconds(20);
    options.log_sink = events_.sink();
    return options;
  }
  template <class Condition>
  [[nodiscard]] bool write_until(const Lane& lane, Condition condition) {
    return soon([&] {
      lane.write(
          [](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (hex(randomblob(1000)))"); });
      return condition();
    });
  }
  static std::string name(SqliteShell& shell) {
    return "process " + std::to_string(shell.pid()) + " (sqlite3)";
  }

  LogEvents events_;
};

// WAL-08: also a reader of another program is reported.
TEST_F(ForeignReader, IsNamed) {
  NoteDatabase db(options(AtWalLimit::InterruptReaders));
  SqliteShell idle(db.file());
  idle.run("SELECT count(*) FROM note");
  SqliteShell shell(db.file());
  ASSERT_EQ(shell.run("BEGIN; SELECT count(*) FROM note"), "0\n");
  ASSERT_TRUE(write_until(db.lane(), [&] { return events_.count("WAL_PINNED") > 0; }));
  EXPECT_THAT(events_.of("WAL_PINNED").front(), HasSubstr(name(shell)));
  EXPECT_THAT(events_.of("WAL_PINNED").front(), HasSubstr("WAL read mark"));
  // Nobody can end it, and nobody of this process is made to pay.
  EXPECT_TRUE(write_until(db.lane(), [&] { return db->metrics().wal.frames > 1000; }));
  EXPECT_EQ(db->metrics().wal.interrupted_reads, 0U);
  EXPECT_EQ(shell.run("SELECT count(*) FROM note; COMMIT"), "0\n");
  EXPECT_TRUE(write_until(db.lane(), [&] { return db->metrics().wal.frames < 50; }));
}

// WAL-08: it can only be ended by whoever started it, so that its log is bounded by refusals.
TEST_F(ForeignReader, IsNamedToThoseWhoseWritesAreRefused) {
  NoteDatabase db(options(AtWalLimit::RefuseWrites));
  SqliteShell shell(db.file());
  ASSERT_EQ(shell.run("BEGIN; SELECT count(*) FROM note"), "0\n");
  const auto error =
      thrown<StorageError>([&] { (void)write_until(db.lane(), [] { return false; }); });
  EXPECT_EQ(error.code(), "WAL_LIMIT");
  EXPECT_THAT(error.what(), HasSubstr(name(shell)));
  shell.process().kill();
  EXPECT_TRUE(soon([&] {
    try {
      add_note(db.lane(), "allowed again");
    } catch (const StorageError&) {
      return false;
    }
    return true;
  }));
}

}  // namespace
}  // namespace turnstile::test
