// A program that a test starts and talks to over pipes, one line each way. It is killed and reaped
// at the latest when its ChildProcess is destroyed, and by the kernel when the test itself dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::test {

/// The longest that anything in a test may take before it is taken for hanging: `normal` times how
/// much slower this build is.
[[nodiscard]] std::chrono::milliseconds patience(
    std::chrono::milliseconds normal = std::chrono::seconds(30));

/// The path of a helper program `NAME_actor`.
[[nodiscard]] std::string actor_path(std::string_view name);

/// Threads: confined. The thread that starts a child must outlive it: the child dies with it.
class ChildProcess {
 public:
  /// Starts `arguments[0]`, looked for in PATH. Standard error stays the test's own.
  /// `inherited` becomes the child's descriptor 3; -1: nothing. Throws std::runtime_error.
  explicit ChildProcess(std::vector<std::string> arguments, int inherited = -1);
  ChildProcess(std::initializer_list<std::string> arguments);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Throws std::runtime_error when the child reads no more.
  void send(std::string_view line);
  /// Ends the child's input.
  void close_input() noexcept;

  /// The next line of the child's output without its newline; empty when the output has ended.
  /// Throws std::runtime_error when nothing comes within `limit`.
  [[nodiscard]] std::optional<std::string> next_line(std::chrono::milliseconds limit = patience());
  /// The same for a child that has to answer: throws when the output has ended.
  [[nodiscard]] std::string read_line(std::chrono::milliseconds limit = patience());
  /// send() and read_line().
  std::string ask(std::string_view line);
  /// The rest of the output.
  [[nodiscard]] std::string read_all(std::chrono::milliseconds limit = patience());
  /// True when a line can be read at once.
  [[nodiscard]] bool has_line();

  void signal(int number) const;
  /// Waits for the end; the exit code, or minus the signal that ended it. Throws
  /// std::runtime_error after `limit`.
  int wait(std::chrono::milliseconds limit = patience());
  /// signal(SIGKILL) and wait().
  void kill();
  /// Waits until the kernel reports the child as stopped, which SIGSTOP alone does not mean.
  void wait_until_stopped() const;

 private:
  void fill(std::chrono::milliseconds limit);

  std::string name_;
  pid_t pid_ = -1;
  int pid_descriptor_ = -1;
  int input_ = -1;
  int output_ = -1;
  bool ended_ = false;  // The output.
  std::optional<int> status_;
  std::string buffer_;
};

/// Runs a program to its end; its exit code and all that it printed on standard output.
struct ProgramResult {
  int status = 0;
  std::string output;
};
[[nodiscard]] ProgramResult run_program(std::vector<std::string> arguments,
                                        std::chrono::milliseconds limit = patience());

}  // namespace turnstile::test
