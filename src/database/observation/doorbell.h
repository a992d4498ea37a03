// Wakes the observer thread: when this process rings, or when anybody writes to a file.
//
// The file is watched with inotify, which opens nothing: a descriptor on a file of SQLite's would
// drop its locks when closed (https://sqlite.org/howtocorrupt.html#posix_close_bug).
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace turnstile::database {

/// Threads: ring() is shared, the rest is confined.
class Doorbell {
 public:
  /// Throws Error (OBSERVATION_FAILED) when the system has no descriptor to give.
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// Has writes to the file at `path` ring too. False when the system cannot.
  [[nodiscard]] bool listen_to(const std::string& path) noexcept;
  void stop_listening() noexcept;
  /// Somebody else who writes will be heard.
  [[nodiscard]] bool hears_file() const noexcept { return watch_ != kNone; }

  void ring() noexcept;
  /// Waits for a ring, at most for `span`; false when none came.
  bool wait_for(std::chrono::nanoseconds span) noexcept;

 private:
  static constexpr int kNone = -1;

  void take_events() noexcept;
  [[nodiscard]] bool watch() noexcept;

  const int bell_;
  std::atomic<bool> rung_{false};
  int inotify_ = kNone;
  int watch_ = kNone;
  std::string path_;
};

}  // namespace turnstile::database
