#include "turnstile/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <string>
#include <utility>

#include "gate/descriptor.h"
#include "host/output_tail.h"
#include "host/shell_child.h"
#include "sqlite/call.h"
#include "sqlite/deadline.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace host {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 65536;

/// Becomes readable when a stop is requested. Threads: confined.
class StopBell {
 public:
  StopBell(std::stop_token stop, const Call& call)
      : bell_(open(call)), ring_(std::move(stop), Ring{bell_.number()}) {}

  [[nodiscard]] int number() const noexcept { return bell_.number(); }

 private:
  struct Ring {
    int bell;
    void operator()() const noexcept { ::eventfd_write(bell, 1); }
  };

  [[nodiscard]] static gate::Descriptor open(const Call& call) {
    gate::Descriptor bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell.is_open())
      sqlite::raise_system(code("COMMAND_NOT_STARTED"), "cannot wait for a stop", errno, call);
    return bell;
  }

  const gate::Descriptor bell_;
  const std::stop_callback<Ring> ring_;  // Is gone before the bell is closed.
};

[[nodiscard]] int poll_milliseconds(const Deadline& deadline) {
  if (deadline.is_never()) return -1;
  return static_cast<int>(std::min<milliseconds::rep>(
      std::chrono::ceil<milliseconds>(deadline.left()).count(), std::numeric_limits<int>::max()));
}

/// One run of a program, from its start to its end.
///
/// Threads: confined.
class ShellRun {
 public:
  ShellRun(const ShellCommand& command, std::stop_token stop, const Call& call)
      : command_(command),
        call_(call),
        bell_(std::move(stop), call),
        tail_(command.output_limit),
        child_(command, call),
        deadline_(command.timeout ? Deadline::after(*command.timeout, call.started)
                                  : Deadline::never()) {}

  [[nodiscard]] ShellOutcome run() {
    while (!is_over()) {
      const bool stop_requested = wait();
      if (ended_ && !is_ending()) break;
      if (stop_requested)
        begin_end(outcome_.stopped);
      else if (deadline_.expired())
        is_ending() ? kill() : begin_end(outcome_.timed_out);
    }
    // The program itself has ended, but is not reaped: the group's number is still taken.
    if (is_ending()) child_.signal_group(SIGKILL);
    read_what_is_left();
    take_status(child_.reap(call_));
    outcome_.output = tail_.text();
    outcome_.output_bytes = tail_.total_bytes();
    outcome_.duration = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - call_.started);
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] bool is_ending() const noexcept { return outcome_.stopped || outcome_.timed_out; }
  /// Others of the group get their grace too, as far as they can be seen: by an open output.
  [[nodiscard]] bool is_over() const noexcept {
    return ended_ && (!is_ending() || killed_ || !output_open_);
  }

  /// Waits for the next event and reads what there is. True when a stop was requested.
  [[nodiscard]] bool wait() {
    std::array<pollfd, 3> events{{{output_open_ ? child_.output() : -1, POLLIN, 0},
                                  {ended_ ? -1 : child_.ended(), POLLIN, 0},
                                  {is_ending() ? -1 : bell_.number(), POLLIN, 0}}};
    // A failure is EINTR or a lack of memory that passes: the loop looks again.
    if (::poll(events.data(), events.size(), poll_milliseconds(deadline_)) <= 0) return false;
    if (events[0].revents != 0) (void)read_once();
    ended_ = ended_ || events[1].revents != 0;
    return events[2].revents != 0;
  }

  /// Bytes that were read; 0 when there are none at the moment, or none any more.
  std::size_t read_once() {
    std::array<char, kReadBytes> buffer;
    ssize_t count = 0;
    do {
      count = ::read(child_.output(), buffer.data(), buffer.size());
    } while (count < 0 && errno == EINTR);
    if (count > 0) tail_.append({buffer.data(), static_cast<std::size_t>(count)});
    if (count == 0) output_open_ = false;
    return static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }

  /// What the program wrote before it ended is in the pipe by now. Not more than that: one that it
  /// left behind may go on writing.
  void read_what_is_left() {
    const int capacity = ::fcntl(child_.output(), F_GETPIPE_SZ);
    auto left = static_cast<std::size_t>(std::max(capacity, 0));
    while (output_open_ && left > 0) {
      const std::size_t count = read_once();
      if (count == 0) return;
      left -= std::min(left, count);
    }
  }

  void begin_end(bool& reason) {
    reason = true;
    child_.signal_group(SIGTERM);
    child_.signal_group(SIGCONT);  // One that stands still could not see it.
    deadline_ = Deadline::after(command_.grace);
  }

  void kill() {
    killed_ = true;
    child_.signal_group(SIGKILL);
    deadline_ = Deadline::never();
  }

  void take_status(int status) {
    if (WIFEXITED(status)) outcome_.exit_status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) outcome_.signal = WTERMSIG(status);
  }

  const ShellCommand& command_;
  const Call& call_;
  const StopBell bell_;
  OutputTail tail_;
  ShellChild child_;
  Deadline deadline_;
  ShellOutcome outcome_;
  bool output_open_ = true;
  bool ended_ = false;
  bool killed_ = false;
};

}  // namespace

}  // namespace host

std::string ShellOutcome::describe() const {
  std::string text = signal != 0        ? "ended by signal " + std::to_string(signal)
                     : exit_status >= 0 ? "exit status " + std::to_string(exit_status)
                                        : "not started";
  if (timed_out) text += " after its time was up";
  if (stopped) text += " after a stop was requested";
  return text;
}

ShellOutcome run_shell(const ShellCommand& command, std::stop_token stop,
                       std::source_location where) {
  if (stop.stop_requested()) {
    ShellOutcome outcome;
    outcome.stopped = true;
    return outcome;
  }
  const Call call{.lane = {}, .where = where};
  return host::ShellRun(command, std::move(stop), call).run();
}

}  // namespace turnstile
