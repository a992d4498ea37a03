// A db_actor process and what it answers; see tests/process/db_actor.cc for the commands.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/child_process.h"
#include "support/reply.h"

namespace turnstile::test {

/// Threads: confined.
class Actor {
 public:
  /// `start_signal`: the descriptor that the command `start` waits on.
  explicit Actor(int start_signal = -1) : process_({actor_path("db")}, start_signal) {}

  [[nodiscard]] ChildProcess& process() noexcept { return process_; }
  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

  void send(std::string_view command) { process_.send(command); }
  [[nodiscard]] Reply reply() { return Reply::parse(process_.read_line()); }
  Reply ask(std::string_view command) {
    send(command);
    return reply();
  }
  /// Reports a test failure unless the answer is `ok`.
  Reply must(std::string_view command) {
    Reply answer = ask(command);
    EXPECT_TRUE(answer.ok()) << "process " << pid() << ", command '" << command
                             << "': " << answer.line();
    return answer;
  }

 private:
  ChildProcess process_;
};

}  // namespace turnstile::test
