// The component that does maintenance now and then.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "gate/mutex.h"
#include "turnstile/host.h"
#include "turnstile/maintenance.h"

namespace turnstile::host {

/// Threads: shared; start() and stop() are confined.
class MaintenanceRunner {
 public:
  MaintenanceRunner(Maintenance maintenance, MaintenanceSchedule schedule, LogSink log_sink);
  ~MaintenanceRunner();
  MaintenanceRunner(const MaintenanceRunner&) = delete;
  MaintenanceRunner& operator=(const MaintenanceRunner&) = delete;

  void start() TURNSTILE_EXCLUDES(mutex_);
  /// Interrupts what is being done, and so returns soon.
  void stop(std::chrono::milliseconds deadline) TURNSTILE_EXCLUDES(mutex_);

  [[nodiscard]] MaintenanceStatus status() const TURNSTILE_EXCLUDES(mutex_);

 private:
  void run(const std::stop_token& stop) TURNSTILE_EXCLUDES(mutex_);
  /// False when a stop was requested first.
  [[nodiscard]] bool wait_for_interval(const std::stop_token& stop) TURNSTILE_EXCLUDES(mutex_);
  void run_once(const std::stop_token& stop) TURNSTILE_EXCLUDES(mutex_);
  void copy_log(const std::stop_token& stop) const;
  void log(LogEvent::Severity severity, std::string_view code, std::string message) const noexcept;

  const Maintenance maintenance_;
  const MaintenanceSchedule schedule_;
  const LogSink log_sink_;

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  MaintenanceStatus status_ TURNSTILE_GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace turnstile::host
