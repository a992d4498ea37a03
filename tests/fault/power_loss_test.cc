// The power fails at each write of a workload, and what is there when it comes back is opened.
//
// A workload runs once, on a disk that remembers all changes. Then, for each of them, a possible
// state of the disk is made as if the power had failed right after it, and is opened: all that was
// promised by then has to be there, in the order of the commits, none of it in part. The same once
// more with a second power failure in the middle of that opening, now and then.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fragile_disk.h"
#include "support/in_memory.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using Random = std::mt19937_64;

// How a workload is run, and what is expected of the disk.
struct PowerSetup {
  Synchronous synchronous = Synchronous::Full;
  DiskFaults faults{};
  bool threads = false;
  // Whether every commit that returned counts as promised, whatever `synchronous` says.
  bool expects_all = false;
};

constexpr int kAccounts = 8;

Options power_options(const FragileDisk& disk, const PowerSetup& setup) {
  Options options;
  options.vfs = disk.vfs();
  options.synchronous = setup.synchronous;
  options.without_wal = WithoutWal::RollbackJournal;
  options.connections = 2;
  options.busy_timeout = std::chrono::seconds(60);
  if (setup.threads) options.checkpoint_frames = 40;
  options.migrations = {
      {1, "accounts",
       "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);"
       "CREATE TABLE entry(n INTEGER PRIMARY KEY, source INTEGER NOT NULL,"
       " target INTEGER NOT NULL, payload BLOB NOT NULL);"
       "CREATE INDEX entry_source ON entry(source, target);"
       "CREATE TABLE filler(id INTEGER PRIMARY KEY, content BLOB NOT NULL);"
       "INSERT INTO account WITH RECURSIVE i(n) AS"
       " (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 7) SELECT n, 0 FROM i;"}};
  return options;
}

// The n-th commit: an entry, and its amount, which is n, from one account to another.
void transfer(WriteTx& tx, std::int64_t n) {
  const std::int64_t source = n % kAccounts;
  const std::int64_t target = (n + 1 + n % 3) % kAccounts;
  tx.execute("INSERT INTO entry VALUES (?, ?, ?, zeroblob(?))", n, source, target, n * 977 % 9000);
  tx.execute("UPDATE account SET balance = balance - ? WHERE id = ?", n, source);
  tx.execute("UPDATE account SET balance = balance + ? WHERE id = ?", n, target);
}

// Empty when what is there is the outcome of the first commits, how many ever.
std::string disorder_in(ReadTx& tx) {
  const auto count = [&tx](std::string_view sql) { return tx.query<std::int64_t>(sql).one(); };
  if (count("SELECT count(*) - coalesce(max(n), 0) FROM entry") != 0)
    return "a commit is missing that others followed";
  if (count("SELECT count(*) FROM account") != kAccounts) return "an account is missing";
  if (count("SELECT count(*) FROM account a WHERE balance !="
            " (SELECT coalesce(sum(n), 0) FROM entry WHERE target = a.id) -"
            " (SELECT coalesce(sum(n), 0) FROM entry WHERE source = a.id)") != 0)
    return "a balance is not the sum of the entries";
  if (count("SELECT count(*) FROM entry WHERE length(payload) != n * 977 % 9000") != 0)
    return "a payload has the wrong length";
  if (const auto check = tx.query<std::string>("PRAGMA integrity_check").one(); check != "ok")
    return "integrity check: " + check;
  return {};
}

// A run and what it was promised.
class PowerRun {
 public:
  PowerRun(std::uint64_t seed, const PowerSetup& setup)
      : random_(seed), setup_(setup), disk_(directory_.path(), setup.faults) {
    // The salts of the log come from SQLite's own generator.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed | 1U), nullptr);
    open();
    constexpr int kSteps = 8;
    if (setup_.threads)
      write_from_threads();
    else
      for (int i = 0; i < kSteps; ++i)
        do_something();
    database_->close();
    database_.reset();
  }

  [[nodiscard]] const FragileDisk& disk() const noexcept { return disk_; }

  // What is wrong with the file in `directory` if the power failed at `moment`; empty: nothing.
  [[nodiscard]] std::string verdict(const std::string& directory, const FragileDisk& disk,
                                    std::size_t moment) const {
    std::int64_t least = 0;
    std::int64_t most = 0;
    for (const auto& [when, n] : promised_)
      if (when <= moment) least = std::max(least, n);
    for (const auto& [when, n] : begun_)
      if (when < moment) most = std::max(most, n);
    try {
      Database db = Database::open(directory + "/app.db", power_options(disk, setup_));
      std::int64_t found = 0;
      const std::string disorder = db.lane("check").read([&](ReadTx& tx) {
        found = tx.query<std::int64_t>("SELECT coalesce(max(n), 0) FROM entry").one();
        return disorder_in(tx);
      });
      if (!disorder.empty()) return disorder;
      if (found < least || found > most) {
        return std::to_string(found) + " commits are there; promised were " +
               std::to_string(least) + ", begun " + std::to_string(most);
      }
      db.lane("check").write([](WriteTx& tx) { fill(tx); });
      db.close();
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }

 private:
  struct Mark {
    std::size_t moment;
    std::int64_t n;
  };

  void open() {
    database_.emplace(Database::open(directory_.file("app.db"), power_options(disk_, setup_)));
  }

  [[nodiscard]] bool promises() const noexcept {
    return setup_.synchronous == Synchronous::Full || setup_.expects_all;
  }

  std::int64_t begin() {
    const std::lock_guard lock(mutex_);
    begun_.push_back({disk_.moment(), ++last_});
    return last_;
  }
  void done(std::int64_t n, bool is_promised) {
    const std::lock_guard lock(mutex_);
    if (is_promised) promised_.push_back({disk_.moment(), n});
  }

  static void fill(WriteTx& tx) {
    tx.execute("INSERT INTO filler(content) VALUES (zeroblob(20000))");
    tx.execute("DELETE FROM filler WHERE id % 3 = 0");
  }

  void write(const CallOptions& options = {}) {
    const std::int64_t n = begin();
    database_->lane("main").write(options, [n](WriteTx& tx) { transfer(tx, n); });
    done(n, promises() || options.durability == Durability::Full);
  }

  // One has the turn while the others come, so that they share a commit.
  void write_together() {
    const Lane lane = database_->lane("main");
    std::promise<void> entered;
    std::promise<void> go;
    const std::int64_t first = begin();
    std::jthread holder([&] {
      lane.write([&](WriteTx& tx) {
        entered.set_value();
        transfer(tx, first);
        go.get_future().wait();
      });
    });
    entered.get_future().wait();
    std::vector<std::future<void>> others;
    for (int i = 0; i < 3; ++i)
      others.push_back(lane.submit([n = begin()](WriteTx& tx) { transfer(tx, n); }));
    go.set_value();
    holder.join();
    for (auto& each : others)
      each.get();
    done(last_, promises());
  }

  void fail() {
    try {
      database_->lane("main").write([this](WriteTx& tx) {
        transfer(tx, last_ + 1);
        throw std::runtime_error("not kept");
      });
    } catch (const std::runtime_error& thrown) {
      static_cast<void>(thrown);
    }
  }

  void do_something() {
    switch (random_() % 10) {
      case 0:
        return write_together();
      case 1:
        return write({.durability = Durability::Full});
      case 2:
        return fail();
      case 3: {
        const auto report = database_->maintenance().checkpoint(
            random_() % 2 == 0 ? CheckpointMode::Truncate : CheckpointMode::Passive);
        return done(last_, report.complete);
      }
      case 4:
        database_->close();
        return open();
      case 5:
        database_->lane("main").write([](WriteTx& tx) { fill(tx); });
        return;
      default:
        return write();
    }
  }

  void write_from_threads() {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] {
        const Lane lane = database_->lane("main");
        for (int write = 0; write < 12; ++write) {
          // Its number is that of its place among the commits.
          const auto n = lane.write([this](WriteTx& tx) {
            const auto next =
                tx.query<std::int64_t>("SELECT coalesce(max(n), 0) + 1 FROM entry").one();
            {
              const std::lock_guard lock(mutex_);
              begun_.push_back({disk_.moment(), next});
            }
            transfer(tx, next);
            return next;
          });
          done(n, promises());
        }
      });
    }
  }

  Random random_;
  const PowerSetup setup_;
  TempDir directory_;
  FragileDisk disk_;
  std::optional<Database> database_;
  std::mutex mutex_;  // Guards what follows, where there are threads.
  std::int64_t last_ = 0;
  std::vector<Mark> begun_;
  std::vector<Mark> promised_;
};

// Of one seed: what is wrong after which power failure; empty: nothing after any of them.
std::string first_loss(std::uint64_t seed, const PowerSetup& setup) {
  constexpr unsigned kOneInSoManyFailsTwice = 6;
  constexpr std::size_t kMomentsOfThreads = 50;  // Of many more, which are much alike.
  const InMemory in_memory;
  const PowerRun run(seed, setup);
  const std::size_t end = run.disk().moment();
  const std::size_t step = setup.threads ? std::max<std::size_t>(end / kMomentsOfThreads, 1) : 1;
  for (std::size_t moment = seed % step; moment <= end; moment += step) {
    Random random(seed * 1'000'003 + moment);
    TempDir after;
    FragileDisk::put(run.disk().after_power_loss(moment, random), after.path());
    const FragileDisk disk(after.path(),
                           {.has_no_shared_memory = setup.faults.has_no_shared_memory});
    std::string loss = run.verdict(after.path().string(), disk, moment);
    std::string when = "after change " + std::to_string(moment) + " of " + std::to_string(end);
    if (loss.empty() && random() % kOneInSoManyFailsTwice == 0) {
      const std::size_t second = random() % (disk.moment() + 1);
      TempDir again;
      FragileDisk::put(disk.after_power_loss(second, random), again.path());
      const FragileDisk last(again.path(),
                             {.has_no_shared_memory = setup.faults.has_no_shared_memory});
      loss = run.verdict(again.path().string(), last, moment);
      when += ", and again after change " + std::to_string(second) + " of the recovery";
    }
    if (!loss.empty()) return "the power failed " + when + ": " + loss;
  }
  return {};
}

void expect_no_loss(const PowerSetup& setup, int normal) {
  const std::uint64_t first = test_seed();
  const int seeds = test_size("TURNSTILE_TEST_POWER_SEEDS", normal);
  const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
  for (int i = 0; i < seeds; ++i) {
    const std::uint64_t seed = first + static_cast<std::uint64_t>(i);
    const std::string loss = first_loss(seed, setup);
    ASSERT_EQ(loss, "") << "again: TURNSTILE_TEST_SEED=" << seed
                        << " TURNSTILE_TEST_POWER_SEEDS=1 turnstile_fault_tests --gtest_filter="
                        << test.test_suite_name() << "." << test.name();
  }
}

// What breaks a promise has to be found, and within few seeds.
std::string loss_within(int seeds, const PowerSetup& setup) {
  const std::uint64_t first = test_seed();
  std::string loss;
  for (int i = 0; i < seeds && loss.empty(); ++i)
    loss = first_loss(first + static_cast<std::uint64_t>(i), setup);
  std::cout << loss << '\n';
  return loss;
}

TEST(PowerLoss, LosesNoCommitThatReturnedWithFull) {
  expect_no_loss({.synchronous = Synchronous::Full}, 16);
}

TEST(PowerLoss, LosesOnlyTheNewestCommitsWithNormal) {
  expect_no_loss({.synchronous = Synchronous::Normal}, 16);
}

TEST(PowerLoss, LosesNoCommitThatReturnedWithFullWithoutALog) {
  expect_no_loss({.synchronous = Synchronous::Full, .faults = {.has_no_shared_memory = true}}, 10);
}

TEST(PowerLoss, LosesNoCommitOfThreadsThatShareThem) {
  expect_no_loss({.synchronous = Synchronous::Full, .threads = true}, 4);
}

// Also what was promised to single writes where the file has NORMAL.
TEST(PowerLoss, LosesOnlyTheNewestCommitsWithNormalWithoutALog) {
  expect_no_loss({.synchronous = Synchronous::Normal, .faults = {.has_no_shared_memory = true}}, 4);
}

TEST(PowerLoss, LosesOnlyTheNewestCommitsOfThreadsWithNormal) {
  expect_no_loss({.synchronous = Synchronous::Normal, .threads = true}, 4);
}

// The tests above can fail.

TEST(PowerLossCheck, FindsADiskThatSaysThatItHasSyncedAndHasNot) {
  EXPECT_NE(loss_within(20, {.faults = {.ignores_syncs = true}}), "");
}

TEST(PowerLossCheck, FindsDirectoriesThatAreNotSynced) {
  EXPECT_NE(loss_within(20, {.faults = {.ignores_directory_syncs = true}}), "");
}

TEST(PowerLossCheck, FindsCommitsThatAreNotSynced) {
  EXPECT_NE(loss_within(20, {.synchronous = Synchronous::Normal, .expects_all = true}), "");
}

// But for the times that the file and the gate have in them.
TEST(PowerLossCheck, DoesTheSameWithTheSameSeed) {
  const std::uint64_t seed = test_seed();
  const auto sizes = [seed] {
    const PowerRun run(seed, {});
    std::map<std::string, std::size_t> sizes_by_moment;
    for (std::size_t moment = 0; moment <= run.disk().moment(); ++moment) {
      Random random(moment);
      for (const auto& [name, content] : run.disk().after_power_loss(moment, random))
        sizes_by_moment[std::to_string(moment) + " " + name] = content.size();
    }
    return sizes_by_moment;
  };
  EXPECT_EQ(sizes(), sizes());
}

}  // namespace
}  // namespace turnstile::test
