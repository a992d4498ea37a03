// Ctrl-C and `kill`, as something that the main thread waits for.
#pragma once

#include <chrono>
#include <csignal>

namespace kb {

/// Keeps SIGINT, SIGTERM and SIGHUP from striking in the middle of anything: they are blocked, and
/// the main thread takes them when it is ready. Made before the first thread, which inherits that.
///
/// Threads: confined.
class Interrupt {
 public:
  Interrupt();

  /// Sleeps for `span` or until a signal; true once there was one. The second signal ends the
  /// process on the spot. That is safe too: what is committed stays, the rest is undone.
  bool wait_for(std::chrono::milliseconds span);

  [[nodiscard]] bool requested() const noexcept { return requested_; }

 private:
  sigset_t signals_{};
  bool requested_ = false;
};

}  // namespace kb
