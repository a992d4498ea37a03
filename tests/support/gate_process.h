// A gate_actor process at the gate of a database; see tests/process/gate_actor.cc.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

#include "support/child_process.h"

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

}  // namespace turnstile::test
