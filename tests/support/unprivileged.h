// Runs a part of a test without root's power to ignore permissions.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>

namespace turnstile::test {

/// What `body` returns, a string, when run by a child process as the user `nobody` if this process
/// is root, and as the same user otherwise. An exception becomes its text.
template <class F>
[[nodiscard]] std::string unprivileged(F&& body) {
  constexpr uid_t kNobody = 65534;
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    std::string answer;
    try {
      if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
        answer = "cannot become nobody";
      else
        answer = body();
    } catch (const std::exception& error) {
      answer = error.what();
    }
    const ssize_t written = ::write(ends[1], answer.data(), answer.size());
    ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer;
  std::array<char, 4096> block{};
  for (;;) {
    const ssize_t count = ::read(ends[0], block.data(), block.size());
    if (count > 0)
      answer.append(block.data(), static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      break;
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) {
    throw std::runtime_error("the child ended with status " + std::to_string(status) +
                             " after saying '" + answer + "'");
  }
  return answer;
}

}  // namespace turnstile::test
