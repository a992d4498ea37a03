// Recording, percentiles, and what a database's own metrics say after a known load.
#include "turnstile/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <future>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "database/metrics.h"
#include "support/busy_writer.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using database::HistogramRecorder;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const LaneMetrics& lane_of(const Metrics& metrics, std::string_view name) {
  for (const LaneMetrics& lane : metrics.lanes)
    if (lane.name == name) return lane;
  throw std::runtime_error("there is no such lane in the metrics");
}

TEST(Histogram, HasBucketsWithoutGapsAndOverlaps) {
  nanoseconds bound(0);
  for (std::size_t bucket = 0; bucket + 1 < Histogram::kBuckets; ++bucket) {
    const nanoseconds below = bound;
    bound = Histogram::upper_bound(bucket);
    ASSERT_GT(bound, below);
    ASSERT_EQ(Histogram::bucket_of(below + nanoseconds(1)), bucket);
    ASSERT_EQ(Histogram::bucket_of(bound), bucket);
    ASSERT_LE(bound * 4, below * 5 + microseconds(4)) << "bucket " << bucket;
  }
  EXPECT_EQ(Histogram::bucket_of(bound + nanoseconds(1)), Histogram::kBuckets - 1);
}

TEST(Histogram, TakesDurationsThatAreOutOfAllBounds) {
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(0)), 0U);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds(-5)), 0U);
  EXPECT_EQ(Histogram::bucket_of(nanoseconds::max()), Histogram::kBuckets - 1);
  HistogramRecorder recorder;
  recorder.record(nanoseconds(-5));
  recorder.record(hours(100));
  const Histogram histogram = recorder.snapshot();
  EXPECT_EQ(histogram.count, 2U);
  EXPECT_EQ(histogram.sum, hours(100));
  EXPECT_EQ(histogram.percentile(100), hours(100));
}

TEST(Histogram, HasNoPercentileOfNothing) {
  EXPECT_EQ(Histogram().percentile(99).count(), 0);
  EXPECT_EQ(Histogram().mean().count(), 0);
}

TEST(Histogram, FindsPercentilesOfASampleUpToTheWidthOfABucket) {
  std::mt19937_64 random(test_seed());
  // From less than a microsecond to minutes.
  std::lognormal_distribution<double> distribution(11, 4);
  std::vector<nanoseconds> sample;
  HistogramRecorder recorder;
  for (int i = 0; i < 20'000; ++i) {
    sample.emplace_back(static_cast<std::int64_t>(std::min(distribution(random), 1e12)));
    recorder.record(sample.back());
  }
  std::ranges::sort(sample);
  const Histogram histogram = recorder.snapshot();
  for (const double percent : {0.0, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sample.size()))));
    const nanoseconds exact = sample[rank - 1];
    const nanoseconds found = histogram.percentile(percent);
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, std::max<nanoseconds>(microseconds(exact.count() / 800) + microseconds(1),
                                           microseconds(1)))
        << percent;
  }
  EXPECT_EQ(histogram.percentile(100), sample.back());
}

TEST(Histogram, AddsUp) {
  HistogramRecorder a;
  HistogramRecorder b;
  a.record(milliseconds(3));
  b.record(milliseconds(5));
  b.record(milliseconds(1));
  Histogram sum = a.snapshot();
  sum += b.snapshot();
  EXPECT_EQ(sum.count, 3U);
  EXPECT_EQ(sum.mean(), milliseconds(3));
  EXPECT_EQ(sum.max, milliseconds(5));
}

TEST(Histogram, LosesNothingWhenManyThreadsRecord) {
  constexpr int kThreads = 4;
  constexpr int kEach = 1'000'000;
  HistogramRecorder recorder;
  database::ShardedCounter counter;
  std::barrier together(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int thread = 1; thread <= kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        together.arrive_and_wait();
        for (int i = 0; i < kEach; ++i) {
          recorder.record(microseconds(thread));
          counter.add_one();
        }
      });
    }
  }
  const Histogram histogram = recorder.snapshot();
  EXPECT_EQ(histogram.count, static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(histogram.sum, microseconds(1 + 2 + 3 + 4) * kEach);
  EXPECT_EQ(histogram.max, microseconds(kThreads));
  EXPECT_EQ(counter.value(), static_cast<std::uint64_t>(kThreads * kEach));
}

TEST(GroupSizes, PutsEachSizeIntoItsBucket) {
  const std::vector<std::pair<std::uint64_t, std::size_t>> expected = {
      {0, 0}, {1, 0}, {2, 1},   {3, 2},   {4, 2},   {5, 3},
      {8, 3}, {9, 4}, {256, 8}, {257, 9}, {9999, 9}};
  for (const auto& [size, bucket] : expected)
    EXPECT_EQ(GroupSizes::bucket_of(size), bucket) << size;
}

// CORE-24: what a known load must have counted.
TEST(Metrics, CountAKnownLoadByLane) {
  NoteDatabase db;
  const Lane notes = db.lane("notes");
  const Lane other = db->lane("other", {.queue_limit = 1});
  for (int i = 0; i < 3; ++i)
    add_note(notes, "written " + std::to_string(i));
  notes.submit([](WriteTx& tx) { add_note(tx, "submitted"); }).get();
  EXPECT_THROW(notes.write([](WriteTx&) { throw std::runtime_error("no"); }), std::runtime_error);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(count_notes(other), 4);
  {
    BusyWriter busy(notes);
    EXPECT_THROW(other.write({.timeout = milliseconds(0)}, [](WriteTx&) {}), Timeout);
    auto waiting = other.submit([](WriteTx&) {});
    EXPECT_THROW((void)other.submit([](WriteTx&) {}), QueueFull);
    busy.let_go();
    waiting.get();
  }
  const Metrics metrics = db->metrics();
  const LaneMetrics& of_notes = lane_of(metrics, "notes");
  EXPECT_EQ(of_notes.writes, 5U);  // The one that kept the turn is among them.
  EXPECT_EQ(of_notes.rollbacks, 1U);
  EXPECT_EQ(of_notes.reads, 0U);
  EXPECT_EQ(of_notes.wait.count, 6U);
  EXPECT_EQ(of_notes.hold.count, 6U);
  const LaneMetrics& of_other = lane_of(metrics, "other");
  EXPECT_EQ(of_other.reads, 5U);
  EXPECT_EQ(of_other.writes, 1U);
  EXPECT_EQ(of_other.timeouts, 1U);
  EXPECT_EQ(of_other.queue_full, 1U);
  EXPECT_EQ(of_other.cancelled, 0U);
  EXPECT_EQ(of_other.read_wait.count, 0U);
  EXPECT_EQ(metrics.commit.count, 6U);
  EXPECT_EQ(metrics.groups.count, 6U);
  EXPECT_EQ(metrics.groups.sum, 6U);
  EXPECT_GT(metrics.wal.frames, 0);
  EXPECT_GT(metrics.wal.file_bytes, 0);
  EXPECT_EQ(metrics.pool.readers_idle, 3);
}

TEST(Metrics, TellTheWaitApartFromTheHold) {
  NoteDatabase db;
  const Lane slow = db.lane("slow");
  const Lane quick = db.lane("quick");
  BusyWriter busy(slow);
  AtPoint queued("WriterTurn::wait:queued");
  auto waiting = std::async(std::launch::async, [&] { quick.write([](WriteTx&) {}); });
  queued.wait_until_reached();
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < milliseconds(5)) {
  }
  busy.let_go();
  waiting.get();
  const Metrics metrics = db->metrics();
  EXPECT_GE(lane_of(metrics, "quick").wait.max, milliseconds(5));
  EXPECT_LT(lane_of(metrics, "quick").hold.max, milliseconds(5));
  EXPECT_GE(lane_of(metrics, "slow").hold.max, milliseconds(5));
}

TEST(Metrics, TimeTheReadsThatHadToWaitForAReader) {
  Options options;
  options.connections = 2;
  NoteDatabase db(options);
  const Lane lane = db.lane();
  HeldRead held(lane);
  AtPoint queued("ReaderPool::lease:queued");
  auto waiting = std::async(std::launch::async, [&] { return count_notes(lane); });
  queued.wait_until_reached();
  EXPECT_EQ(db->metrics().pool.readers_waiting, 1);
  held.let_go();
  waiting.get();
  EXPECT_EQ(lane_of(db->metrics(), "notes").read_wait.count, 1U);
  EXPECT_EQ(lane_of(db->metrics(), "notes").reads, 2U);
}

TEST(Metrics, CountCallsThatWereInterrupted) {
  NoteDatabase db;
  const Lane lane = db.lane();
  const auto interrupted = [](ReadTx& tx) {
    for (const std::int64_t number : tx.query<std::int64_t>(
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"))
      if (number == 10) sqlite3_interrupt(native_handle(tx));
  };
  EXPECT_THROW(lane.read(interrupted), Cancelled);
  EXPECT_THROW(lane.write(interrupted), Cancelled);
  const LaneMetrics metrics = lane_of(db->metrics(), "notes");
  EXPECT_EQ(metrics.cancelled, 2U);
  EXPECT_EQ(metrics.rollbacks, 1U);
}

TEST(Metrics, AreRefusedByAClosedDatabase) {
  NoteDatabase db;
  db->close();
  EXPECT_EQ(thrown<MisuseError>([&] { (void)db->metrics(); }).code(), "DB_CLOSED");
}

// CORE-24: the last checkpoint.
TEST(Metrics, SeeACheckpoint) {
  Options options;
  options.checkpoint_frames = 1;
  NoteDatabase db(options);
  for (int i = 0; i < 20; ++i)
    add_note(db.lane(), std::to_string(i));
  const WalMetrics wal = db->metrics().wal;
  EXPECT_GT(wal.checkpoints, 0U);
  EXPECT_EQ(wal.checkpoint.count, wal.checkpoints);
  EXPECT_GT(wal.last_log_frames, 0);
  EXPECT_LE(wal.last_copied_frames, wal.last_log_frames);
  const auto age = std::chrono::system_clock::now() - wal.last_checkpoint;
  EXPECT_LT(age, seconds(60));
}

TEST(Metrics, AreEmptyWithoutAWriteAheadLog) {
  Options options;
  options.mode = OpenMode::Memory;
  const Database db = Database::open("metrics", with_notes(options));
  EXPECT_EQ(db.metrics().wal.checkpoints, 0U);
  EXPECT_EQ(db.metrics().wal.file_bytes, 0);
}

}  // namespace
}  // namespace turnstile::test
