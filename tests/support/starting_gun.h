// Lets several processes go at the same moment.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

namespace turnstile::test {

/// A pipe on which processes wait for a byte each. Threads: confined.
class StartingGun {
 public:
  StartingGun() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~StartingGun() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  StartingGun(const StartingGun&) = delete;
  StartingGun& operator=(const StartingGun&) = delete;

  /// For the children to inherit.
  [[nodiscard]] int descriptor() const noexcept { return ends_[0]; }

  /// One write, so that nobody is let go before the others.
  void fire(std::size_t processes) const {
    const std::string bytes(processes, '!');
    if (::write(ends_[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      throw std::runtime_error("the pipe is full");
  }

 private:
  std::array<int, 2> ends_{};
};

}  // namespace turnstile::test
