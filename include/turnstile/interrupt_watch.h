// Ctrl-C and SIGTERM, for programs that want them handled: the first asks for a graceful end, the
// second ends at once.
#pragma once

#include <memory>
#include <source_location>
#include <stop_token>

#include "turnstile/host.h"

namespace turnstile {

/// While it exists, SIGINT and SIGTERM do not end the process: the first one requests a stop of
/// token(), the second one ends the process at once with status 130. That loses nothing that was
/// committed. A signal that is ignored when the watch is made, as `nohup` does it, stays ignored.
///
/// The library makes none of these by itself. In a child of fork() the signals do what they do by
/// default.
///
/// Threads: shared, but for its end.
class InterruptWatch {
 public:
  /// Throws MisuseError (INTERRUPT_WATCH_EXISTS) when there is one in the process already, and
  /// std::system_error when the system has no thread or descriptor for it.
  explicit InterruptWatch(std::source_location where = std::source_location::current());
  /// Puts the former handlers back.
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// Callbacks on it run on a thread of the watch; the second signal does not wait for them.
  [[nodiscard]] std::stop_token token() const noexcept;

 private:
  struct Watcher;
  std::unique_ptr<Watcher> watcher_;
};

/// Starts the host, waits until somebody presses Ctrl-C, sends SIGTERM or calls
/// Host::request_stop(), and stops it. Throws what Host::start() throws, but for an interrupt
/// during the start, which is no error.
HostStopReport run_until_interrupted(Host& host,
                                     std::source_location where = std::source_location::current());

}  // namespace turnstile
