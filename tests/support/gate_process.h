// A gate_actor process at the gate of a database; see tests/process/gate_actor.cc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gate/process_gate.h"
#include "support/child_process.h"
#include "support/soon.h"

namespace turnstile::test {

/// Threads: confined.
class GateProcess {
 public:
  using Clock = std::chrono::steady_clock;

  explicit GateProcess(const std::string& database) : process_({actor_path("gate"), database}) {
    // It has its slot when it answers.
    EXPECT_EQ(process_.ask("give"), "given");
  }

  /// False when it is not its turn at this moment.
  [[nodiscard]] bool try_take() {
    std::string answer = process_.ask("take 0 " + lane_);
    if (answer == "queued") answer = process_.read_line();
    return answer.starts_with("granted");
  }
  void take_at_once() { ASSERT_TRUE(try_take()); }
  void queue_up() {
    ASSERT_EQ(process_.ask("take " + std::to_string(patience().count()) + " " + lane_), "queued");
  }
  /// Waits for the answer to queue_up(); the moment of the grant.
  Clock::time_point granted() {
    const std::string answer = process_.read_line();
    EXPECT_THAT(answer, testing::StartsWith("granted "));
    return Clock::time_point(std::chrono::nanoseconds(std::stoll(answer.substr(8))));
  }
  void give() { ASSERT_EQ(process_.ask("give"), "given"); }
  void stop() {
    process_.signal(SIGSTOP);
    process_.wait_until_stopped();
  }

  [[nodiscard]] std::int64_t pid() const { return process_.pid(); }
  [[nodiscard]] ChildProcess& process() { return process_; }
  [[nodiscard]] const std::string& lane() const { return lane_; }

 private:
  ChildProcess process_;
  std::string lane_ = "lane-" + std::to_string(process_.pid());
};

/// Processes that have queued up, in the order of their arrival. On a busy machine the first of
/// them may not get to run, and is passed then; what may not happen is that it is passed earlier
/// than ProcessGate::kGrace after the gate was free.
///
/// Threads: confined.
class GateLine {
 public:
  explicit GateLine(std::vector<GateProcess*> processes) : processes_(std::move(processes)) {}

  struct Grant {
    GateProcess* process;
    GateProcess::Clock::time_point at;
  };
  /// Waits until one of them has the gate, which was given up at `given` or later. It is out of the
  /// line then.
  Grant next(GateProcess::Clock::time_point given) {
    auto granted = processes_.end();
    const auto has_answered = [&](GateProcess* each) { return each->process().has_line(); };
    EXPECT_TRUE(soon([&] {
      granted = std::ranges::find_if(processes_, has_answered);
      return granted != processes_.end();
    })) << "nobody in line is granted the gate";
    if (granted == processes_.end()) return {processes_.front(), given};
    const Grant grant{*granted, (*granted)->granted()};
    std::for_each(processes_.begin(), granted, [&](const GateProcess* ahead) {
      if (std::ranges::find(passed_, ahead) != passed_.end()) return;
      EXPECT_GE(grant.at - given, gate::ProcessGate::kGrace)
          << "process " << grant.process->pid() << " passed process " << ahead->pid();
      passed_.push_back(ahead);
    });
    processes_.erase(granted);
    return grant;
  }

  [[nodiscard]] std::vector<std::int64_t> pids() const {
    std::vector<std::int64_t> result;
    for (const GateProcess* process : processes_)
      result.push_back(process->pid());
    return result;
  }

 private:
  std::vector<GateProcess*> processes_;
  std::vector<const GateProcess*> passed_;  // Reckoned with again only when they run.
};

}  // namespace turnstile::test
