// The write-ahead log's length, as the checkpointer keeps it.
#include "database/checkpointer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "support/held.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

constexpr int kFrames = 50;  // Options::checkpoint_frames.
// The largest transaction of add_one(). Most take 2 to 5 frames; when pages of the index split, up
// to 15 were measured, at 4096 bytes a page.
constexpr int kFramesOfOne = 16;
constexpr int kMostFrames = 2 * kFrames + kFramesOfOne;

Options with_small_log() {
  Options options;
  options.checkpoint_frames = kFrames;
  return options;
}

void add_one(const Lane& lane, const std::string& text) {
  lane.write([&](WriteTx& tx) { add_note(tx, text + std::string(500, '.')); });
}

void add_many(const Lane& lane, int count, const std::string& prefix) {
  for (int i = 0; i < count; ++i)
    add_one(lane, prefix + std::to_string(i));
}

// The most frames that the log has had: starting it over does not shorten the file.
std::int64_t longest_log(Database& db) {
  const DatabaseInfo info = db.info();
  constexpr int kLogHeader = 32;
  constexpr int kFrameHeader = 24;
  return (info.wal_bytes - kLogHeader) / (info.page_size_bytes + kFrameHeader);
}

TEST(Checkpointer, BoundsTheLogWhileOneThreadWritesAllTheTime) {
  NoteDatabase db(with_small_log());
  add_many(db.lane(), 1500, "");
  EXPECT_LE(longest_log(*db), kMostFrames);
  EXPECT_GT(db->info().counters.checkpoints, 0U);
}

TEST(Checkpointer, BoundsTheLogWhileManyThreadsWriteAllTheTime) {
  NoteDatabase db(with_small_log());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, i] { add_many(db.lane(), 400, std::to_string(i) + "-"); });
  }
  EXPECT_LE(longest_log(*db), kMostFrames);
}

TEST(Checkpointer, LeavesItToTheWriterWhenItsThreadIsLate) {
  NoteDatabase db(with_small_log());
  AtPoint late("Checkpointer::run:before", AtPoint::kAll);
  add_many(db.lane(), 500, "");
  EXPECT_GT(late.reached(), 0U);
  EXPECT_LE(longest_log(*db), kMostFrames);
}

// WAL-09: a checkpoint that a reader stops short does not stop the writers.
TEST(Checkpointer, LetsWritersGoOnWhileAReaderPinsTheLog) {
  NoteDatabase db(with_small_log());
  const HeldRead pin(db.lane("export"), [](ReadTx& tx) { (void)count_notes(tx); });
  EXPECT_NO_THROW(add_many(db.lane(), 500, ""));
  EXPECT_EQ(count_notes(db.lane()), 500);
  // Without that, nothing was pinned.
  EXPECT_GT(longest_log(*db), kMostFrames);
}

TEST(Checkpointer, StartsTheLogOverWhenTheReaderThatPinnedItIsGone) {
  NoteDatabase db(with_small_log());
  HeldRead pin(db.lane("export"), [](ReadTx& tx) { (void)count_notes(tx); });
  add_many(db.lane(), 500, "pinned ");
  pin.let_go();
  const std::int64_t pinned = longest_log(*db);
  add_many(db.lane(), 1000, "free ");
  EXPECT_LE(longest_log(*db), pinned + kMostFrames);
}

}  // namespace
}  // namespace turnstile::test
