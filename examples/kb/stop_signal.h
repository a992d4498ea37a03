// Ctrl-C as a stop_token: work ends after the transaction it is in, and everything committed stays.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace kb {

/// Turns SIGINT and SIGTERM into a request to stop, from its construction on. Make it before any
/// other thread, because threads inherit which signals are blocked. Threads: confined.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  /// Asks for an end as a signal would.
  void request_stop() noexcept { source_.request_stop(); }
  [[nodiscard]] bool was_interrupted() const noexcept { return interrupted_; }

 private:
  std::stop_source source_;
  std::atomic<bool> interrupted_{false};
  std::jthread thread_;
};

}  // namespace kb
