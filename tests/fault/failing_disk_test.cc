// A write or a sync of SQLite fails, at each place where one may: the caller is told what became of
// its work, nothing that was acknowledged is lost, also when the power fails afterwards, and the
// database goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <future>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/fragile_disk.h"
#include "support/held.h"
#include "support/in_memory.h"
#include "support/log_events.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kAlways = std::numeric_limits<std::size_t>::max();
constexpr const char* kDatabase = "app.db";
constexpr const char* kLog = "app.db-wal";

DiskFailure failed_sync(std::string file, std::size_t after = 0, std::size_t count = 1) {
  return {DiskFailure::Call::Sync, SQLITE_IOERR_FSYNC, std::move(file), after, count};
}
DiskFailure full(std::string file, std::size_t after = 0) {
  return {DiskFailure::Call::Write, SQLITE_FULL, std::move(file), after, 1};
}

Options failing_options(const FragileDisk& disk, Synchronous synchronous) {
  Options options;
  options.vfs = disk.vfs();
  options.synchronous = synchronous;
  options.without_wal = WithoutWal::RollbackJournal;
  options.migrations = {
      {1, "items", "CREATE TABLE item(id INTEGER PRIMARY KEY, content BLOB NOT NULL)"}};
  return options;
}

Ids ids_in(const Database& db) {
  return db.lane("look").read(
      [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT id FROM item ORDER BY id").all(); });
}

// A database on a disk that can fail, and what its writers were told.
class FailingDisk {
 public:
  explicit FailingDisk(Synchronous synchronous = Synchronous::Full, DiskFaults faults = {})
      : synchronous_(synchronous), faults_(faults), disk_(directory_.path(), faults) {
    open();
    insert(kFirst);
  }

  static constexpr std::int64_t kFirst = 1;

  // Some pages.
  static void put(WriteTx& tx, std::int64_t id) {
    tx.execute("INSERT INTO item VALUES (?, zeroblob(15000))", id);
  }
  void insert(std::int64_t id, const CallOptions& options = {}) {
    asked_.push_back(id);
    lane().write(options, [id](WriteTx& tx) { put(tx, id); });
    promise(id);
  }
  // The same, for one that has to fail.
  [[nodiscard]] StorageError failure_of_insert(std::int64_t id, const CallOptions& options = {}) {
    return thrown<StorageError>([&] { insert(id, options); });
  }
  [[nodiscard]] StorageError failure_of_checkpoint(CheckpointMode mode) {
    return thrown<StorageError>([&] { database_->maintenance().checkpoint(mode); });
  }
  void promise(std::int64_t id) { promised_.push_back({disk_.moment(), id}); }

  void open() {
    Options options = failing_options(disk_, synchronous_);
    options.log_sink = log_.sink();
    database_.emplace(Database::open(directory_.file(kDatabase), options));
  }
  void reopen() {
    database_->close();
    open();
  }

  // Whenever the power fails, what had been promised by then is there, and nothing else but what
  // was asked for. Empty, or what is wrong.
  [[nodiscard]] std::string loss_by_power() {
    database_->close();
    constexpr std::size_t kMoments = 40;
    constexpr int kDraws = 2;
    const std::size_t end = disk_.moment();
    std::mt19937_64 random(seed_);
    for (std::size_t moment = 0; moment <= end; moment += end / kMoments + 1) {
      for (int draw = 0; draw < kDraws; ++draw) {
        const std::string loss = loss_at(moment, random);
        if (!loss.empty()) return "after change " + std::to_string(moment) + ": " + loss;
      }
    }
    return {};
  }

  [[nodiscard]] Lane lane() const { return database_->lane("main"); }
  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] FragileDisk& disk() noexcept { return disk_; }
  [[nodiscard]] const LogEvents& log() const noexcept { return log_; }
  [[nodiscard]] Ids ids() const { return ids_in(*database_); }

 private:
  struct Promise {
    std::size_t moment;
    std::int64_t id;
  };

  [[nodiscard]] std::string loss_at(std::size_t moment, std::mt19937_64& random) const {
    const TempDir after;
    FragileDisk::put(disk_.after_power_loss(moment, random), after.path());
    const FragileDisk disk(after.path(), {.has_no_shared_memory = faults_.has_no_shared_memory});
    try {
      const Database db =
          Database::open(after.file(kDatabase), failing_options(disk, synchronous_));
      if (!db.maintenance().integrity_check().empty()) return "it is damaged";
      const Ids found = ids_in(db);
      for (const Promise& promise : promised_)
        if (promise.moment <= moment && std::ranges::find(found, promise.id) == found.end())
          return std::to_string(promise.id) + " is not there";
      for (const std::int64_t id : found)
        if (std::ranges::find(asked_, id) == asked_.end()) return "something else is there";
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  const std::uint64_t seed_ = test_seed();
  const Synchronous synchronous_;
  const DiskFaults faults_;
  const InMemory in_memory_;
  TempDir directory_;
  FragileDisk disk_;
  LogEvents log_;
  std::optional<Database> database_;
  Ids asked_;
  std::vector<Promise> promised_;
};

// Three writes that share a commit, in which the disk fails: what each is told.
std::vector<StorageError> failures_of_a_group(FailingDisk& failing, const DiskFailure& failure) {
  std::vector<std::future<void>> members;
  {
    // Whoever has the turn lets them come together.
    Held<WriteTx> held(failing.lane());
    for (std::int64_t id = 11; id <= 13; ++id)
      members.push_back(failing.lane().submit([id](WriteTx& tx) { FailingDisk::put(tx, id); }));
    failing.disk().fail(failure);
    held.let_go();
  }
  std::vector<StorageError> failures;
  failures.reserve(members.size());
  for (auto& member : members)
    failures.push_back(thrown<StorageError>([&] { member.get(); }));
  return failures;
}

// Lets each call of one write fail, one after the other, until there are no more: what it is told
// has to be true, and the next write has to be well. How many there were.
std::size_t fail_each_call_of_a_write(FailingDisk& failing, DiskFailure failure) {
  std::int64_t id = 100;
  for (;; ++failure.after) {
    id += 2;
    failing.disk().fail(failure);
    std::optional<CommitState> state;
    try {
      failing.insert(id);
    } catch (const StorageError& error) {
      state = error.commit_state();
      if (failure.result == SQLITE_FULL) {
        EXPECT_EQ(error.code(), "DB_DISK_FULL");
        EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
        EXPECT_TRUE(error.retry_is_safe());
      }
    }
    const bool has_failed = failing.disk().heal() > 0;
    EXPECT_EQ(state.has_value(), has_failed) << failure.after;
    const bool is_there = testing::Value(failing.ids(), Contains(id));
    EXPECT_TRUE(is_there == !has_failed || state == CommitState::Unknown) << failure.after;
    failing.insert(id + 1);
    if (!has_failed) return failure.after;
  }
}

constexpr DiskFaults kNoLog{.has_no_shared_memory = true};

// ---- A sync fails ----

TEST(FailedSync, OfACommitLeavesItOpenAndTheNextWriteGoesOn) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kLog));
  const StorageError error = failing.failure_of_insert(2);
  EXPECT_EQ(error.code(), "DB_IO");
  EXPECT_EQ(error.sqlite_code(), SQLITE_IOERR_FSYNC);
  EXPECT_EQ(error.commit_state(), CommitState::Unknown);
  EXPECT_FALSE(error.retry_is_safe());
  failing.insert(3);
  EXPECT_THAT(failing.ids(), IsSupersetOf({FailingDisk::kFirst, std::int64_t{3}}));
  failing.reopen();
  EXPECT_THAT(failing.ids(), IsSupersetOf({FailingDisk::kFirst, std::int64_t{3}}));
}

TEST(FailedSync, OfACommitLosesNothingThatWasAcknowledgedWhenThePowerFails) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kLog));
  EXPECT_EQ(failing.failure_of_insert(2).commit_state(), CommitState::Unknown);
  failing.insert(3);
  EXPECT_EQ(failing.loss_by_power(), "");
}

// The test above can fail.
TEST(FailedSync, OfACommitIsFoundWhereItIsTakenForASuccess) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kLog));
  EXPECT_EQ(failing.failure_of_insert(2).commit_state(), CommitState::Unknown);
  failing.promise(2);
  EXPECT_NE(failing.loss_by_power(), "");
}

TEST(FailedSync, OfASharedCommitIsToldToAllWhoShareIt) {
  FailingDisk failing;
  for (const StorageError& error : failures_of_a_group(failing, failed_sync(kLog)))
    EXPECT_EQ(error.commit_state(), CommitState::Unknown);
  EXPECT_EQ(failing.disk().heal(), 1U);
}

TEST(FailedSync, OfEveryCommitRefusesEachClearlyAndReadsGoOn) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kLog, 0, kAlways));
  for (std::int64_t id = 2; id < 5; ++id) {
    EXPECT_EQ(failing.failure_of_insert(id).code(), "DB_IO");
    EXPECT_THAT(failing.ids(), Contains(FailingDisk::kFirst));
  }
  EXPECT_EQ(failing.disk().heal(), 3U);
  failing.insert(5);
  EXPECT_THAT(failing.ids(), Contains(5));
  EXPECT_EQ(failing.loss_by_power(), "");
}

TEST(FailedSync, BehindACommitThatWasToBeDurableSaysThatItIsThere) {
  FailingDisk failing(Synchronous::Normal);
  failing.disk().fail(failed_sync(kLog));
  const StorageError error = failing.failure_of_insert(2, {.durability = Durability::Full});
  EXPECT_EQ(error.commit_state(), CommitState::Committed);
  EXPECT_FALSE(error.retry_is_safe());
  EXPECT_THAT(failing.ids(), ElementsAre(FailingDisk::kFirst, 2));
}

TEST(FailedSync, OfTheFileInACheckpointLosesNothingWhenThePowerFails) {
  FailingDisk failing;
  // A checkpoint is tried again once.
  failing.disk().fail(failed_sync(kDatabase, 0, 2));
  EXPECT_EQ(failing.failure_of_checkpoint(CheckpointMode::Truncate).sqlite_code(),
            SQLITE_IOERR_FSYNC);
  failing.insert(2);
  EXPECT_TRUE(failing.database().maintenance().checkpoint(CheckpointMode::Truncate).complete);
  failing.insert(3);
  EXPECT_EQ(failing.loss_by_power(), "");
}

TEST(FailedSync, InAPassiveCheckpointIsToldToItsCaller) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kDatabase));
  EXPECT_EQ(failing.failure_of_checkpoint(CheckpointMode::Passive).sqlite_code(),
            SQLITE_IOERR_FSYNC);
}

TEST(FailedSync, InACheckpointBesideTheWritersIsToldToTheLogSink) {
  FailingDisk failing;
  failing.disk().fail(failed_sync(kDatabase, 0, kAlways));
  // More frames than are left in the log, and fewer than the writer would copy itself.
  failing.lane().write(
      [](WriteTx& tx) { tx.execute("INSERT INTO item VALUES (2, zeroblob(12000000))"); });
  ASSERT_TRUE(soon([&] { return failing.log().count("CHECKPOINT_FAILED") > 0; }));
  EXPECT_THAT(failing.log().of("CHECKPOINT_FAILED").front(),
              HasSubstr("the write-ahead log could not be copied into the file: DB_IO"));
}

// What is told is true, and the next write is well, whichever it is.
TEST(FailedSync, AtAnyCallOfAWriteIsToldAsItIs) {
  FailingDisk failing;
  EXPECT_GE(fail_each_call_of_a_write(failing, failed_sync({})), 1U);
  EXPECT_EQ(failing.loss_by_power(), "");
}

TEST(FailedSync, AtAnyCallOfAWriteWithoutALogIsToldAsItIs) {
  FailingDisk failing(Synchronous::Full, kNoLog);
  EXPECT_GE(fail_each_call_of_a_write(failing, failed_sync({})), 2U);
  EXPECT_EQ(failing.loss_by_power(), "");
}

// ---- The disk is full ----

TEST(FullDisk, AtAnyCallOfAWriteUndoesItAndTheNextOneGoesOn) {
  FailingDisk failing;
  EXPECT_GE(fail_each_call_of_a_write(failing, full({})), 8U);
  EXPECT_EQ(failing.loss_by_power(), "");
}

TEST(FullDisk, AtAnyCallOfAWriteWithoutALogUndoesItAndTheNextOneGoesOn) {
  FailingDisk failing(Synchronous::Full, kNoLog);
  EXPECT_GE(fail_each_call_of_a_write(failing, full({})), 8U);
  EXPECT_EQ(failing.loss_by_power(), "");
}

TEST(FullDisk, InASharedCommitUndoesTheWorkOfAllWhoShareIt) {
  FailingDisk failing;
  for (const StorageError& error : failures_of_a_group(failing, full(kLog))) {
    EXPECT_EQ(error.code(), "DB_DISK_FULL");
    EXPECT_EQ(error.commit_state(), CommitState::NotCommitted);
    EXPECT_TRUE(error.retry_is_safe());
  }
  EXPECT_EQ(failing.disk().heal(), 1U);
  EXPECT_THAT(failing.ids(), ElementsAre(FailingDisk::kFirst));
  failing.insert(2);
  EXPECT_THAT(failing.ids(), ElementsAre(FailingDisk::kFirst, 2));
}

}  // namespace
}  // namespace turnstile::test
