// The inside of a Host: its database, its components, and what may be done with them when.
//
//   Ready -> Starting -> Running -> Stopping -> Stopped
//     ^---------'  (a start that failed, or was cancelled)
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "gate/mutex.h"
#include "host/maintenance_runner.h"
#include "host/managed_component.h"
#include "sqlite/call.h"
#include "turnstile/host.h"

namespace turnstile::detail {

/// See Host for what the functions of the same name do.
///
/// Threads: shared, but for its end.
class HostCore {
 public:
  HostCore(HostOptions options, const Call& call);
  ~HostCore();
  HostCore(const HostCore&) = delete;
  HostCore& operator=(const HostCore&) = delete;

  [[nodiscard]] const Startup& startup() const noexcept { return startup_; }
  [[nodiscard]] const Database& database() const noexcept TURNSTILE_NO_ANALYSIS {
    return *database_;
  }
  [[nodiscard]] Lane lane(std::string_view name, LaneOptions options) TURNSTILE_EXCLUDES(mutex_);

  void add(Component component, const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void start(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void request_stop() noexcept { stop_.request_stop(); }
  [[nodiscard]] std::stop_token stop_token() const noexcept { return stop_.get_token(); }
  HostStopReport stop(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] HostStatus status() const TURNSTILE_EXCLUDES(mutex_);

 private:
  using ManagedComponent = host::ManagedComponent;
  enum class State { Ready, Starting, Running, Stopping, Stopped };

  [[nodiscard]] std::vector<Phase> phases(HostOptions& options, const Call& call);
  void try_extensions(const std::vector<Extension>& extensions, Startup& startup);
  void open_database(Startup& startup, const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void require_ready(const Call& call) const TURNSTILE_REQUIRES(mutex_);

  [[nodiscard]] bool begin_start(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void start_one(ManagedComponent& component, const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void after_failure(ManagedComponent& component, const std::exception_ptr& cause,
                     const Call& call);
  void set_starting(ManagedComponent* component) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_starting() const TURNSTILE_EXCLUDES(mutex_);
  void leave_start(State next) TURNSTILE_EXCLUDES(mutex_);

  [[nodiscard]] bool begin_stop() TURNSTILE_EXCLUDES(mutex_);
  void wait_for_start() TURNSTILE_REQUIRES(mutex_);
  void stop_components() TURNSTILE_EXCLUDES(mutex_);
  void close_database(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] HostStopReport report() const TURNSTILE_EXCLUDES(mutex_);

  [[nodiscard]] std::vector<ManagedComponent*> components() const TURNSTILE_EXCLUDES(mutex_);
  void log(LogEvent::Severity severity, std::string_view code, std::string message) const noexcept;

  // Constant after the phases.
  const LogSink log_sink_;
  const std::chrono::milliseconds close_deadline_;
  Startup startup_;
  std::vector<BootstrapPhase> phases_;
  std::shared_ptr<host::MaintenanceRunner> maintenance_;  // May be null.

  std::stop_source stop_;

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  State state_ TURNSTILE_GUARDED_BY(mutex_) = State::Ready;
  bool stop_begun_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::optional<Database> database_ TURNSTILE_GUARDED_BY(mutex_);
  // In the order of their start. One that is there stays there.
  std::vector<std::unique_ptr<ManagedComponent>> components_ TURNSTILE_GUARDED_BY(mutex_);
  // The one whose start is running.
  ManagedComponent* starting_ TURNSTILE_GUARDED_BY(mutex_) = nullptr;
  HostStopReport stopped_ TURNSTILE_GUARDED_BY(mutex_);  // But for the components.
};

}  // namespace turnstile::detail
