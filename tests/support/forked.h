// A part of a test that runs in a child of fork(), with copies of all that the test has.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "support/child_process.h"

namespace turnstile::test {

/// In the parent; the child never leaves the constructor.
///
/// Threads: confined.
class Forked {
 public:
  /// Waits, in the child, until the parent says go().
  class Go {
   public:
    explicit Go(int descriptor) noexcept : descriptor_(descriptor) {}
    void wait() const {
      char byte = 0;
      if (::read(descriptor_, &byte, 1) != 1) ::_exit(1);
    }

   private:
    int descriptor_;
  };

  /// Runs `body(Go)`, which returns a string, in a child. An exception becomes its text.
  template <class F>
  explicit Forked(F&& body) {
    std::array<int, 2> answer{};
    std::array<int, 2> go{};
    if (::pipe2(answer.data(), O_CLOEXEC) != 0 || ::pipe2(go.data(), O_CLOEXEC) != 0)
      throw std::system_error(errno, std::generic_category(), "pipe2");
    pid_ = ::fork();
    if (pid_ == 0) {
      // A child that hangs ends by itself.
      ::alarm(static_cast<unsigned>(patience().count() / 1000));
      ::close(go[1]);
      say_and_exit(answer[1], std::forward<F>(body), Go(go[0]));
    }
    ::close(answer[1]);
    ::close(go[0]);
    answer_ = answer[0];
    go_ = go[1];
  }
  ~Forked() {
    ::close(go_);
    ::close(answer_);
    if (!reaped_) reap();
  }
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;

  void go() const {
    if (::write(go_, "g", 1) != 1) throw std::runtime_error("the child has ended");
  }

  /// What `body` returned; once. Throws std::runtime_error when the child ended in another way.
  [[nodiscard]] std::string answer() {
    std::string answer;
    std::array<char, 4096> block{};
    for (;;) {
      const ssize_t count = ::read(answer_, block.data(), block.size());
      if (count > 0)
        answer.append(block.data(), static_cast<std::size_t>(count));
      else if (count == 0 || errno != EINTR)
        break;
    }
    if (const int status = reap(); status != 0) {
      throw std::runtime_error("the child ended with status " + std::to_string(status) +
                               " after saying '" + answer + "'");
    }
    return answer;
  }

 private:
  template <class F>
  [[noreturn]] static void say_and_exit(int descriptor, F&& body, const Go& go) {
    std::string answer;
    try {
      answer = body(go);
    } catch (const std::exception& error) {
      answer = error.what();
    }
    const ssize_t written = ::write(descriptor, answer.data(), answer.size());
    ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }

  int reap() {
    reaped_ = true;
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  pid_t pid_ = -1;
  int answer_ = -1;
  int go_ = -1;
  bool reaped_ = false;
};

/// What `body` returns when run in a child, to its end.
template <class F>
[[nodiscard]] std::string in_child(F&& body) {
  return Forked([&](const Forked::Go&) { return body(); }).answer();
}

}  // namespace turnstile::test
