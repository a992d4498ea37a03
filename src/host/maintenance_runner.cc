#include "host/maintenance_runner.h"

#include <exception>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/deadline.h"

namespace turnstile::host {

MaintenanceRunner::MaintenanceRunner(Maintenance maintenance, MaintenanceSchedule schedule,
                                     LogSink log_sink)
    : maintenance_(std::move(maintenance)), schedule_(schedule), log_sink_(std::move(log_sink)) {}

MaintenanceRunner::~MaintenanceRunner() {
  stop({});
}

void MaintenanceRunner::start() {
  if (thread_.joinable()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void MaintenanceRunner::stop(std::chrono::milliseconds /*deadline*/) {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void MaintenanceRunner::run(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const gate::MutexLock lock(mutex_);
    changed_.notify_all();
  });
  while (wait_for_interval(stop)) {
    run_once(stop);
    gate::sync_point("MaintenanceRunner::run:done");
  }
}

bool MaintenanceRunner::wait_for_interval(const std::stop_token& stop) {
  const Deadline deadline = Deadline::after(schedule_.interval);
  gate::MutexLock lock(mutex_);
  while (!stop.stop_requested() && !deadline.expired())
    if (deadline.is_never())
      changed_.wait(mutex_);
    else
      changed_.wait_until(mutex_, deadline.time());
  return !stop.stop_requested();
}

void MaintenanceRunner::run_once(const std::stop_token& stop) {
  std::int64_t freed = 0;
  std::string failure;
  try {
    if (schedule_.optimize) maintenance_.optimize({.stop = stop, .priority = Priority::Bulk});
    if (schedule_.vacuum_pages > 0)
      freed = maintenance_.incremental_vacuum(schedule_.vacuum_pages, {.stop = stop});
    if (schedule_.log_pages > 0) copy_log(stop);
  } catch (const std::exception& error) {
    if (stop.stop_requested()) return;
    failure = error.what();
    log(LogEvent::Severity::Warning, "MAINTENANCE_FAILED", failure);
  }
  const gate::MutexLock lock(mutex_);
  ++status_.runs;
  status_.pages_freed += freed;
  if (failure.empty()) return;
  ++status_.failures;
  status_.last_error = std::move(failure);
}

void MaintenanceRunner::copy_log(const std::stop_token& stop) const {
  const CheckpointReport report = maintenance_.checkpoint(CheckpointMode::Passive, {.stop = stop});
  const std::int64_t left = report.log_frames - report.copied_frames;
  if (left < schedule_.log_pages) return;
  log(LogEvent::Severity::Warning, "LOG_NOT_COPIED",
      std::to_string(left) +
          " pages of the write-ahead log could not be copied into the file, "
          "because a reader still needs what they replace");
}

MaintenanceStatus MaintenanceRunner::status() const {
  const gate::MutexLock lock(mutex_);
  return status_;
}

void MaintenanceRunner::log(LogEvent::Severity severity, std::string_view code,
                            std::string message) const noexcept {
  if (!log_sink_) return;
  try {
    log_sink_({severity, code, std::move(message)});
  } catch (...) {
    // A sink that fails has nobody to tell it to.
  }
}

}  // namespace turnstile::host
