#include "support/child_process.h"
#include "support/place_of.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace turnstile::test {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe2");
  return ends;
}

// In the child, between fork and exec, where only system calls are allowed.
[[noreturn]] void become(char* const* arguments, int input, int output, int inherited,
                         pid_t parent) {
  constexpr int kInherited = 3;
  constexpr int kNotStarted = 127;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kNotStarted);
  // Away from the low numbers first, which one of them may have.
  constexpr int kHigh = 10;
  const int high_input = ::fcntl(input, F_DUPFD_CLOEXEC, kHigh);
  const int high_output = ::fcntl(output, F_DUPFD_CLOEXEC, kHigh);
  const int high_inherited = inherited < 0 ? -1 : ::fcntl(inherited, F_DUPFD_CLOEXEC, kHigh);
  ::dup2(high_input, STDIN_FILENO);
  ::dup2(high_output, STDOUT_FILENO);
  if (high_inherited >= 0) ::dup2(high_inherited, kInherited);
  ::execvp(arguments[0], arguments);
  ::_exit(kNotStarted);
}

bool wait_readable(int descriptor, steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&watched, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

milliseconds patience(milliseconds normal) {
  return normal * TURNSTILE_TEST_SLOWDOWN;
}

std::string actor_path(std::string_view name) {
  return place_of::actors() + "/" + std::string(name) + "_actor";
}

ChildProcess::ChildProcess(std::initializer_list<std::string> arguments)
    : ChildProcess(std::vector<std::string>(arguments)) {}

ChildProcess::ChildProcess(std::vector<std::string> arguments, int inherited)
    : name_(arguments.at(0)) {
  // A child that is gone is noticed by the failed write, not by a signal.
  ::signal(SIGPIPE, SIG_IGN);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::array<int, 2> to_child = make_pipe();
  const std::array<int, 2> from_child = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(pointers.data(), to_child[0], from_child[1], inherited, parent);
  const int cause = errno;
  ::close(to_child[0]);
  ::close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
  if (pid_ < 0) {
    errno = cause;
    fail("fork for " + name_);
  }
  pid_descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      pid_descriptor_(std::exchange(other.pid_descriptor_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      ended_(other.ended_),
      status_(other.status_),
      buffer_(std::move(other.buffer_)) {}

ChildProcess::~ChildProcess() {
  close_input();
  if (pid_ > 0 && !status_) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  for (const int descriptor : {output_, pid_descriptor_})
    if (descriptor >= 0) ::close(descriptor);
}

void ChildProcess::close_input() noexcept {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void ChildProcess::send(std::string_view line) {
  std::string text(line);
  text += '\n';
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(input_, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) fail("writing to " + name_);
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

// Reads what is there, or the end.
void ChildProcess::fill(milliseconds limit) {
  if (!wait_readable(output_, steady_clock::now() + limit)) {
    throw std::runtime_error(name_ + " said nothing within " + std::to_string(limit.count()) +
                             " ms; so far: '" + buffer_ + "'");
  }
  constexpr std::size_t kBlock = 65536;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kBlock);
  const ssize_t count = ::read(output_, buffer_.data() + before, kBlock);
  buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  ended_ = count == 0;
}

std::optional<std::string> ChildProcess::next_line(milliseconds limit) {
  const auto until = steady_clock::now() + limit;
  for (;;) {
    const std::size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (ended_) return std::nullopt;
    fill(std::max(std::chrono::ceil<milliseconds>(until - steady_clock::now()), milliseconds(0)));
  }
}

std::string ChildProcess::read_line(milliseconds limit) {
  std::optional<std::string> line = next_line(limit);
  if (!line) {
    throw std::runtime_error(name_ + " ended (status " + std::to_string(wait()) +
                             ") without an answer; the rest of its output: '" + buffer_ + "'");
  }
  return *std::move(line);
}

std::string ChildProcess::ask(std::string_view line) {
  send(line);
  return read_line();
}

std::string ChildProcess::read_all(milliseconds limit) {
  const auto until = steady_clock::now() + limit;
  while (!ended_)
    fill(std::max(std::chrono::ceil<milliseconds>(until - steady_clock::now()), milliseconds(0)));
  return std::exchange(buffer_, {});
}

bool ChildProcess::has_line() {
  while (buffer_.find('\n') == std::string::npos && !ended_ &&
         wait_readable(output_, steady_clock::now())) {
    fill(milliseconds(0));
  }
  return buffer_.find('\n') != std::string::npos;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0 && !status_ && ::kill(pid_, number) != 0) fail("signal for " + name_);
}

int ChildProcess::wait(milliseconds limit) {
  if (status_) return *status_;
  if (pid_descriptor_ >= 0 && !wait_readable(pid_descriptor_, steady_clock::now() + limit)) {
    throw std::runtime_error(name_ + " has not ended within " + std::to_string(limit.count()) +
                             " ms");
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) fail("waiting for " + name_);
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return *status_;
}

void ChildProcess::kill() {
  signal(SIGKILL);
  wait();
}

void ChildProcess::wait_until_stopped() const {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOWAIT) != 0)
    fail("waiting for " + name_ + " to stop");
}

ProgramResult run_program(std::vector<std::string> arguments, milliseconds limit) {
  ChildProcess child(std::move(arguments));
  child.close_input();
  ProgramResult result;
  result.output = child.read_all(limit);
  result.status = child.wait(limit);
  return result;
}

}  // namespace turnstile::test
