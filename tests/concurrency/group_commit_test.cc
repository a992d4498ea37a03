// Many kinds of writes at once: shared and alone, submitted and waited for, stopped and yielding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/test_seed.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;

// Acknowledged and present are compared in the end.
class WriterMix : public testing::Test {
 protected:
  static constexpr int kRounds = 150;

  void add(const Lane& lane, const CallOptions& options = {}) {
    lane.write(options, [](WriteTx& tx) { tx.execute("INSERT INTO note DEFAULT VALUES"); });
    ++acknowledged_;
  }

  // Half of them are stopped, at any moment of their way.
  void stop_some(unsigned seed) {
    std::mt19937 random(seed);
    const Lane lane = db_.lane("stopped");
    for (int round = 0; round < kRounds; ++round) {
      std::stop_source stop;
      const bool stops = random() % 2 == 0;
      std::jthread stopper([&stop, stops] {
        if (stops) stop.request_stop();
      });
      try {
        add(lane, {.stop = stop.get_token()});
      } catch (const Cancelled&) {
        ++cancelled_;
      }
    }
  }

  void throw_some(unsigned seed) {
    std::mt19937 random(seed);
    const Lane lane = db_.lane("throwing");
    for (int round = 0; round < kRounds; ++round) {
      try {
        lane.write([&](WriteTx& tx) {
          tx.execute("INSERT INTO note DEFAULT VALUES");
          if (random() % 3 == 0) throw std::runtime_error("mine");
        });
        ++acknowledged_;
      } catch (const std::runtime_error&) {
        ++thrown_;
      }
    }
  }

  void yield_often() {
    const Lane lane = db_->lane("bulk", {.priority = Priority::Bulk, .budget = milliseconds(0)});
    for (int round = 0; round < kRounds / 10; ++round) {
      lane.write([](WriteTx& tx) {
        for (int i = 0; i < 10; ++i) {
          tx.execute("INSERT INTO note DEFAULT VALUES");
          tx.yield_point();
        }
      });
      acknowledged_ += 10;
    }
  }

  void submit_many() {
    const Lane lane = db_->lane("submitted", {.queue_limit = 8, .when_full = WhenFull::Wait});
    std::vector<std::future<void>> futures;
    for (int round = 0; round < kRounds; ++round) {
      futures.push_back(
          lane.submit([](WriteTx& tx) { tx.execute("INSERT INTO note DEFAULT VALUES"); }));
    }
    for (auto& future : futures)
      future.get();
    acknowledged_ += kRounds;
  }

  void give_up_quickly() {
    const Lane lane = db_.lane("hasty");
    for (int round = 0; round < kRounds; ++round) {
      try {
        add(lane, {.timeout = milliseconds(0)});
      } catch (const Timeout&) {
        ++timed_out_;
      }
    }
  }

  NoteDatabase db_;
  std::atomic<std::int64_t> acknowledged_{0};
  std::atomic<int> cancelled_{0};
  std::atomic<int> thrown_{0};
  std::atomic<int> timed_out_{0};
};

TEST_F(WriterMix, KeepsWhatWasAcknowledgedAndNothingElse) {
  const auto seed = static_cast<unsigned>(test_seed());
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 2; ++i) {
      threads.emplace_back([this, seed, i] { stop_some(seed + i); });
      threads.emplace_back([this, seed, i] { throw_some(seed + i); });
      threads.emplace_back([this] { submit_many(); });
      threads.emplace_back([this] { give_up_quickly(); });
      threads.emplace_back([this] {
        for (int round = 0; round < kRounds; ++round)
          add(db_.lane());
      });
    }
    threads.emplace_back([this] { yield_often(); });
  }
  EXPECT_EQ(count_notes(db_.lane()), acknowledged_);
  db_->close();
  EXPECT_EQ(run_raw(db_.file(), "PRAGMA integrity_check"), "ok");
}

TEST_F(WriterMix, EndsWhenItIsClosedInTheMiddle) {
  std::vector<std::jthread> threads;
  std::atomic<int> refused{0};
  const auto until_closed = [&](auto work) {
    threads.emplace_back([&refused, work] {
      try {
        for (;;)
          work();
      } catch (const Error&) {
        ++refused;  // DB_CLOSED, or CANCELLED for one that waited.
      }
    });
  };
  const Lane lane = db_.lane();
  const Lane bulk = db_->lane("bulk", {.priority = Priority::Bulk, .budget = milliseconds(0)});
  AtPoint commits("Group::commit:committed");
  for (int i = 0; i < 3; ++i)
    until_closed([this, lane] { add(lane); });
  until_closed([this, bulk] {
    bulk.write([](WriteTx& tx) {
      const auto id = tx.execute("INSERT INTO note DEFAULT VALUES").last_insert_rowid;
      // What it commits here is there, whether the call is acknowledged or not: so nothing is.
      tx.execute("DELETE FROM note WHERE id = ?", id);
      tx.yield_point();
    });
  });
  until_closed([this, bulk] {
    bulk.submit([](WriteTx& tx) { tx.execute("INSERT INTO note DEFAULT VALUES"); }).get();
    ++acknowledged_;
  });
  commits.wait_until_reached(20);
  db_->close();
  threads.clear();
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(run_raw(db_.file(), "SELECT count(*) FROM note"), std::to_string(acknowledged_));
}

}  // namespace
}  // namespace turnstile::test
