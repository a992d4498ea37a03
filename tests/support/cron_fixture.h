// Schedulers on one file whose clock is the test's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "support/log_events.h"
#include "support/temp_dir.h"
#include "support/zoned.h"
#include "turnstile/cron.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

/// A clock that stands still until a test moves it. Threads: shared.
class DrivenClock {
 public:
  explicit DrivenClock(TimePoint now) : now_(now) {}

  [[nodiscard]] TimePoint now() const noexcept { return now_.load(); }
  void set(TimePoint now) noexcept { now_.store(now); }
  void advance(TimePoint::duration by) noexcept { now_.store(now_.load() + by); }

 private:
  std::atomic<TimePoint> now_;
};

/// Handlers that do not end before they are let go or asked to stop. Must outlive the schedulers.
///
/// Threads: shared.
class HeldHandlers {
 public:
  /// One that ends when it is let go or asked to stop, and says which in its text.
  [[nodiscard]] CronHandler handler() {
    return [this](CronRun& run) {
      std::unique_lock lock(mutex_);
      begin(run);
      const bool let_go = changed_.wait(lock, run.stop(), [this] { return open_; });
      end();
      return CronOutcome::done(let_go ? "let go" : "stopped");
    };
  }
  /// One that ends only when it is let go.
  [[nodiscard]] CronHandler deaf_handler() {
    return [this](CronRun& run) {
      std::unique_lock lock(mutex_);
      begin(run);
      changed_.wait(lock, [this] { return open_; });
      end();
      return CronOutcome::done("let go");
    };
  }

  void let_go() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  /// Waits until so many runs have begun, and gives their due times in that order.
  std::vector<TimePoint> wait_for_begun(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience(), [&] { return begun_.size() >= count; }))
      throw std::runtime_error("only " + std::to_string(begun_.size()) + " runs have begun");
    return begun_;
  }
  [[nodiscard]] std::vector<TimePoint> begun() const {
    const std::lock_guard lock(mutex_);
    return begun_;
  }
  /// The most runs at once so far.
  [[nodiscard]] int peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

 private:
  void begin(const CronRun& run) {
    begun_.push_back(run.due());
    peak_ = std::max(peak_, ++running_);
    changed_.notify_all();
  }
  void end() {
    --running_;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<TimePoint> begun_;
  int running_ = 0;
  int peak_ = 0;
  bool open_ = false;
};

/// A database, and schedulers that take the time from `clock`, which begins at noon.
class CronTest : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return directory_.file("cron.db"); }
  [[nodiscard]] Lane lane() const { return database_->lane("cron"); }

  [[nodiscard]] CronOptions options() {
    CronOptions options;
    options.now = [this] { return clock.now(); };
    options.log_sink = log.sink();
    return options;
  }
  [[nodiscard]] Scheduler scheduler() { return Scheduler(lane(), options()); }

  /// Waits until nothing is left to do at this time.
  static void settle(Scheduler& scheduler) {
    ASSERT_TRUE(scheduler.wait_until_idle(patience())) << "the scheduler does not come to rest";
  }
  void advance(Scheduler& scheduler, TimePoint::duration by) {
    clock.advance(by);
    settle(scheduler);
  }

  void close() { database_.reset(); }
  void reopen() {
    close();
    database_.emplace(Database::open(file()));
  }
  void run(std::string_view sql) {
    lane().write([sql](WriteTx& tx) { tx.execute_script(sql); });
  }
  template <class T>
  [[nodiscard]] T ask(std::string_view sql) {
    return lane().read([sql](ReadTx& tx) { return tx.query<T>(sql).one(); });
  }

  LogEvents log;
  DrivenClock clock{at("2026-03-01T12:00")};

 private:
  TempDir directory_;
  std::optional<Database> database_{Database::open(file())};
};

/// A job of the kind `test`.
[[nodiscard]] inline CronJobSpec job(std::string name, std::string schedule) {
  CronJobSpec spec;
  spec.name = std::move(name);
  spec.schedule = std::move(schedule);
  spec.kind = "test";
  return spec;
}

[[nodiscard]] inline CronOutcome do_nothing(CronRun&) {
  return CronOutcome::done();
}

/// `15:04 done` for each record, the oldest first.
[[nodiscard]] inline std::vector<std::string> outline(std::vector<CronRecord> records) {
  std::reverse(records.begin(), records.end());
  std::vector<std::string> lines;
  for (const CronRecord& record : records) {
    std::string line =
        TimeZone().format(record.due).substr(11, 5) + " " + std::string(to_string(record.status));
    if (record.due_times != 1) line += " x" + std::to_string(record.due_times);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace turnstile::test
