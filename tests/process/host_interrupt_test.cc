// A program that is interrupted by real signals.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>

#include "support/child_process.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// A host_actor that works on its task.
class HostProcess {
 public:
  explicit HostProcess(const TempDir& folder, bool stubborn = false)
      : database_(folder.file("app.db")),
        process_(stubborn ? std::vector<std::string>{actor_path("host"), folder.path().string(),
                                                     "stubborn"}
                          : std::vector<std::string>{actor_path("host"), folder.path().string()}) {
    EXPECT_EQ(process_.read_line(), "ready");
  }

  [[nodiscard]] ChildProcess& process() { return process_; }

  /// How long it takes from a signal to the line `stopping`.
  Clock::duration interrupt(int signal) {
    const auto began = Clock::now();
    process_.signal(signal);
    EXPECT_EQ(process_.read_line(), "stopping");
    return Clock::now() - began;
  }
  /// How long it takes from a second signal to the process's end with status 130.
  Clock::duration interrupt_again(int signal) {
    const auto began = Clock::now();
    process_.signal(signal);
    EXPECT_EQ(process_.wait(), 130);
    return Clock::now() - began;
  }
  [[nodiscard]] std::string query(const std::string& sql) const { return run_raw(database_, sql); }

 private:
  const std::string database_;
  ChildProcess process_;
};

// The best of some: what else the machine is doing can only make it slower.
template <class F>
[[nodiscard]] Clock::duration best_of(int trials, F&& measure) {
  Clock::duration best = Clock::duration::max();
  for (int trial = 0; trial < trials; ++trial)
    best = std::min(best, measure());
  return best;
}

constexpr int kTrials = 5;

// LIFE-05: the first interrupt begins a graceful stop.
TEST(HostInterrupt, BeginsAGracefulStopAtOnce) {
  const auto best = best_of(kTrials, [] {
    const TempDir folder;
    HostProcess host(folder);
    const auto took = host.interrupt(SIGINT);
    EXPECT_EQ(host.process().read_line(), "stopped");
    EXPECT_EQ(host.process().wait(), 0);
    EXPECT_EQ(host.query("SELECT group_concat(what) FROM done"), "before,task");
    return took;
  });
  EXPECT_LT(best, patience(50ms));
}

// LIFE-05: the second one ends the process, and nothing that was committed is lost by that.
TEST(HostInterrupt, EndsAtOnceWhenItIsRepeated) {
  const auto best = best_of(kTrials, [] {
    const TempDir folder;
    HostProcess host(folder, true);
    (void)host.interrupt(SIGINT);
    const auto took = host.interrupt_again(SIGINT);
    EXPECT_EQ(host.query("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(host.query("SELECT group_concat(what) FROM done"), "before");
    return took;
  });
  EXPECT_LT(best, patience(100ms));
}

TEST(HostInterrupt, MayBeSigterm) {
  const TempDir folder;
  HostProcess host(folder, true);
  (void)host.interrupt(SIGTERM);
  (void)host.interrupt_again(SIGTERM);
}

}  // namespace
}  // namespace turnstile::test
