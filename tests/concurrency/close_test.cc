// Closing a database that is in use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/held.h"
#include "support/interleaving.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::milliseconds;
using testing::IsSubsetOf;

// A write that is in the queue when this returns.
std::future<void> queue_up(const Lane& lane) {
  AtPoint queued("WriterTurn::wait:queued");
  auto write = std::async(std::launch::async, [lane] { lane.write([](WriteTx&) {}); });
  queued.wait_until_reached();
  return write;
}

TEST(ClosingDatabase, CancelsWritesThatWaitWhenItsTimeIsUp) {
  NoteDatabase db;
  HeldWrite held(db.lane("holder"));
  auto first = queue_up(db.lane());
  auto second = queue_up(db.lane());
  auto closed = std::async(std::launch::async, [&] { return db->close(milliseconds(0)); });
  EXPECT_EQ(thrown<Cancelled>([&] { first.get(); }).code(), "CANCELLED");
  EXPECT_EQ(thrown<Cancelled>([&] { second.get(); }).commit_state(), CommitState::NotCommitted);
  try {
    held.let_go();
  } catch (const Cancelled&) {
    // Its commit may be what the interrupt meets.
  }
  EXPECT_EQ(closed.get().interrupted, 1U);
}

TEST(ClosingDatabase, CancelsSubmittedClosuresThatWaitWhenItsTimeIsUp) {
  NoteDatabase db;
  HeldWrite held(db.lane("holder"));
  auto submitted = db.lane().submit([](WriteTx&) {});
  auto closed = std::async(std::launch::async, [&] { return db->close(milliseconds(0)); });
  EXPECT_EQ(thrown<Cancelled>([&] { submitted.get(); }).code(), "CANCELLED");
  try {
    held.let_go();
  } catch (const Cancelled&) {
    // As above.
  }
  EXPECT_EQ(closed.get().cancelled, 1U);
}

TEST(ClosingDatabase, LetsWritesThatWaitFinishInTime) {
  NoteDatabase db;
  HeldWrite held(db.lane("holder"));
  auto write = queue_up(db.lane());
  auto submitted = db.lane().submit([](WriteTx&) {});
  AtPoint draining("Core::close:draining");
  auto closed = std::async(std::launch::async, [&] { return db->close(patience()); });
  draining.wait_until_reached();
  held.let_go();
  EXPECT_NO_THROW(write.get());
  EXPECT_NO_THROW(submitted.get());
  EXPECT_EQ(closed.get().drained, 1U);
}

TEST(ClosingDatabase, CancelsAReadThatHasNoReaderYet) {
  NoteDatabase db;
  AtPoint on_the_way("Core::read:before_lease", 1);
  auto read = std::async(std::launch::async, [lane = db.lane()] { lane.read([](ReadTx&) {}); });
  on_the_way.wait_until_reached();
  db->close();
  on_the_way.release();
  EXPECT_EQ(thrown<Cancelled>([&] { read.get(); }).code(), "CANCELLED");
}

TEST(ClosingDatabase, RefusesLaterCallsOfItsLanes) {
  NoteDatabase db;
  const Lane lane = db.lane();
  db->close();
  EXPECT_EQ(thrown<MisuseError>([&] { lane.read([](ReadTx&) {}); }).code(), "DB_CLOSED");
  EXPECT_EQ(thrown<MisuseError>([&] { lane.write([](WriteTx&) {}); }).code(), "DB_CLOSED");
  EXPECT_EQ(thrown<MisuseError>([&] { (void)lane.submit([](WriteTx&) {}); }).code(), "DB_CLOSED");
}

// Threads that call the database until it is closed, and remember what was acknowledged.
class Callers {
 public:
  static constexpr int kThreads = 8;

  explicit Callers(const Lane& lane) : lane_(lane) {
    const std::uint64_t seed = test_seed();
    for (int i = 0; i < kThreads; ++i)
      threads_.emplace_back([this, seed, i] { run(seed + static_cast<std::uint64_t>(i), i); });
  }
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  void wait_for_acknowledged(int count) {
    for (int seen = acknowledged_count_; seen < count; seen = acknowledged_count_)
      acknowledged_count_.wait(seen);
  }
  /// Waits for the threads; the notes whose writes were reported as committed.
  [[nodiscard]] std::vector<std::string> acknowledged() {
    threads_.clear();
    return std::move(acknowledged_);
  }

 private:
  using Submitted = std::pair<std::string, std::future<void>>;

  void run(std::uint64_t seed, int number) {
    std::mt19937_64 random(seed);
    std::vector<Submitted> submitted;
    for (int n = 0;; ++n) {
      const std::string text = std::to_string(number) + "-" + std::to_string(n);
      if (!accepted([&] { call(random() % 3, text, submitted); })) break;
      // Else the submissions of fast threads keep all others from their turn.
      if (submitted.size() > 8) collect(submitted);
    }
    collect(submitted);
  }

  void call(std::uint64_t kind, const std::string& text, std::vector<Submitted>& submitted) {
    if (kind == 0) {
      (void)count_notes(lane_);
    } else if (kind == 1) {
      add_note(lane_, text);
      acknowledge(text);
    } else {
      submitted.emplace_back(text, lane_.submit([text](WriteTx& tx) { add_note(tx, text); }));
    }
  }

  void collect(std::vector<Submitted>& submitted) {
    for (auto& [text, future] : submitted) {
      (void)accepted([&, &text = text, &future = future] {
        future.get();
        acknowledge(text);
      });
    }
    submitted.clear();
  }

  // False when the database is closed.
  template <class F>
  bool accepted(F call) {
    try {
      call();
    } catch (const Cancelled& error) {
      EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
    } catch (const MisuseError& error) {
      EXPECT_EQ(error.code(), "DB_CLOSED") << error.what();
      return false;
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
    return true;
  }

  void acknowledge(const std::string& text) {
    {
      const std::lock_guard lock(mutex_);
      acknowledged_.push_back(text);
    }
    ++acknowledged_count_;
    acknowledged_count_.notify_all();
  }

  const Lane lane_;
  std::mutex mutex_;
  std::vector<std::string> acknowledged_;
  std::atomic<int> acknowledged_count_{0};
  std::vector<std::jthread> threads_;
};

void expect_nothing_lost(milliseconds drain) {
  NoteDatabase db;
  Callers callers(db.lane());
  callers.wait_for_acknowledged(100);
  db->close(drain);
  const std::vector<std::string> acknowledged = callers.acknowledged();
  const Database again = Database::open(db.file(), with_notes());
  EXPECT_THAT(acknowledged, IsSubsetOf(all_notes(again.lane("check"))));
  EXPECT_EQ(run_raw(db.file(), "PRAGMA integrity_check"), "ok");
}

TEST(ClosingDatabase, LosesNothingAcknowledgedWhenItLetsCallsFinish) {
  expect_nothing_lost(patience());
}

TEST(ClosingDatabase, LosesNothingAcknowledgedWhenItInterrupts) {
  expect_nothing_lost(milliseconds(0));
}

}  // namespace
}  // namespace turnstile::test
