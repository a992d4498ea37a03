// A run that goes on in this process: its handler, on a thread of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "cron/engine/claims.h"
#include "turnstile/cron.h"

namespace turnstile::detail {

/// Threads: the scheduler's, but for what says otherwise. The destructor waits for the handler.
class CronExecution {
 public:
  using Steady = std::chrono::steady_clock;

  CronExecution(const CronOptions& options, cron::Started started, CronHandler handler);
  ~CronExecution();
  CronExecution(const CronExecution&) = delete;
  CronExecution& operator=(const CronExecution&) = delete;

  [[nodiscard]] std::int64_t run_id() const noexcept { return run_.record().id; }
  [[nodiscard]] const std::string& job() const noexcept { return run_.job().spec.name; }
  [[nodiscard]] bool asked_to_stop() const noexcept { return reason_.has_value(); }
  [[nodiscard]] Steady::time_point deadline() const noexcept { return deadline_; }

  /// Runs `body` on the run's thread. Throws std::system_error.
  template <class F>
  void start(F&& body) {
    thread_ = std::thread(std::forward<F>(body));
  }
  /// Calls the handler. On the run's thread.
  [[nodiscard]] CronOutcome call_handler() noexcept;

  /// The reason decides what the run is recorded as.
  void ask_to_stop(CronStatus status, std::string why);
  void time_out();

  /// The run's thread has nothing more to do then. Under the engine's mutex.
  void set(CronOutcome outcome) noexcept { outcome_ = std::move(outcome); }
  /// Under the engine's mutex, until it is true.
  [[nodiscard]] bool is_over() const noexcept { return outcome_.has_value(); }

  /// The run as it is to be recorded, once it is over.
  [[nodiscard]] CronRecord ended_at(cron::TimePoint now, std::size_t text_limit) const;

 private:
  struct Reason {
    CronStatus status;
    std::string text;
  };

  std::stop_source stop_;
  CronRun run_;
  const CronHandler handler_;
  const std::chrono::milliseconds timeout_;
  const Steady::time_point deadline_;
  std::optional<Reason> reason_;
  std::optional<CronOutcome> outcome_;
  std::thread thread_;
};

}  // namespace turnstile::detail
