// A door that handlers of a test wait at until the test opens it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>
#include <stop_token>

#include "support/child_process.h"

namespace turnstile::test {

/// Threads: shared.
class Door {
 public:
  ~Door() { open(); }
  Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Waits until it is open. Throws std::runtime_error when that takes very long.
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    if (!changed_.wait_for(lock, patience(), [this] { return open_; }))
      throw std::runtime_error("nobody opens the door");
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// Waits until so many have come.
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience(), [&] { return waiting_ >= count; }))
      throw std::runtime_error("nobody comes to the door");
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::size_t waiting_ = 0;
};

/// Waits until a stop is requested; throws std::runtime_error when that takes very long.
inline void wait_for_stop(const std::stop_token& token) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  if (!changed.wait_for(lock, token, patience(), [&token] { return token.stop_requested(); }))
    throw std::runtime_error("nobody asks to stop");
}

}  // namespace turnstile::test
