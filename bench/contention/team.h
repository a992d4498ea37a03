// Threads that begin together and are counted in the same window.
#pragma once

#include <cstddef>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "contention/window.h"

namespace turnstile::bench {

/// Runs `body(index, team)` on so many threads. A body makes what it needs, calls wait_for_start()
/// and works until the window is over. What a body throws ends the program: a figure from a run
/// that went wrong is none. Threads: shared.
class Team {
 public:
  template <class Body>
  Team(int size, Body body) : ready_(size) {
    threads_.reserve(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i)
      threads_.emplace_back([this, i, body] { body(i, *this); });
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// For the members.
  const Window& wait_for_start() {
    ready_.count_down();
    started_.wait();
    return window_;
  }

  /// For who made the team.
  void wait_until_ready() { ready_.wait(); }
  void start(const Window& window) {
    window_ = window;
    started_.count_down();
  }
  void finish() { threads_.clear(); }

 private:
  std::latch ready_;
  std::latch started_{1};
  Window window_;
  std::vector<std::jthread> threads_;
};

}  // namespace turnstile::bench
