#include "host/host_core.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <ranges>
#include <string>
#include <utility>

#include "database/serialised_sink.h"
#include "gate/sync_point.h"
#include "host/paths.h"
#include "host/phases.h"
#include "host/start_error.h"
#include "sqlite/deadline.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

using Clock = std::chrono::steady_clock;
using host::start_error;
using host::text_of;

/// Empty: the default one.
[[nodiscard]] std::filesystem::path database_path(const HostOptions& options,
                                                  const std::filesystem::path& data_directory,
                                                  const Call& call) {
  const std::string& text = options.database.native();
  if (text.empty()) return data_directory / "app.db";
  if (text == ":memory:" || text.starts_with("file:")) {
    sqlite::raise_misuse(code("OPTION_INVALID"),
                         "HostOptions::database is a path, and '" + text + "' is none", call,
                         "Use OpenMode::Memory, and Options::from_uri for a URI.");
  }
  return host::expanded(options.database, call);
}

[[nodiscard]] Startup startup_of(const HostOptions& options, const LogSink& log_sink,
                                 const Call& call) {
  if (options.data_directory.empty())
    sqlite::raise_misuse(code("OPTION_INVALID"), "HostOptions::data_directory is not given", call);
  Startup startup;
  startup.data_directory = host::expanded(options.data_directory, call);
  startup.database_path = database_path(options, startup.data_directory, call);
  startup.options = options.options;
  if (startup.options.mode == OpenMode::ReadWriteCreate) startup.options.create_directories = true;
  if (!startup.options.log_sink) startup.options.log_sink = log_sink;
  return startup;
}

}  // namespace

// ---- The start-up ----

HostCore::HostCore(HostOptions options, const Call& call)
    : log_sink_(database::serialised(options.log_sink)),
      close_deadline_(options.close_deadline),
      startup_(startup_of(options, log_sink_, call)) {
  phases_ = host::run_phases(phases(options, call), startup_, call);
  if (options.maintenance) {
    maintenance_ = std::make_shared<host::MaintenanceRunner>(database().maintenance(),
                                                             *options.maintenance, log_sink_);
    add(component_of("maintenance", ComponentPriority::Automation, maintenance_), call);
  }
}

std::vector<Phase> HostCore::phases(HostOptions& options, const Call& call) {
  std::vector<Phase> all;
  all.push_back({.name = "data_directory", .run = [&call](Startup& startup) {
                   if (startup.options.mode == OpenMode::ReadOnly)
                     host::require_data_directory(startup.data_directory, call);
                   else
                     host::prepare_data_directory(startup.data_directory, call);
                 }});
  std::ranges::move(options.before_database, std::back_inserter(all));
  all.push_back({.name = "extensions", .run = [this, &options](Startup& startup) {
                   try_extensions(options.optional_extensions, startup);
                 }});
  all.push_back({.name = "database",
                 .run = [this, &call](Startup& startup) { open_database(startup, call); },
                 .undo = [this, &call] { close_database(call); }});
  std::ranges::move(options.after_database, std::back_inserter(all));
  return all;
}

// On a database of its own, which tells which of them it is that cannot be loaded.
void HostCore::try_extensions(const std::vector<Extension>& extensions, Startup& startup) {
  for (const Extension& extension : extensions) {
    const Options trial{.connections = 1,
                        .mode = OpenMode::Memory,
                        .extensions = {extension},
                        .allow_second_engine = startup.options.allow_second_engine};
    try {
      const Database database = Database::open("extension", trial);
      startup.options.extensions.push_back(extension);
    } catch (const Error& error) {
      startup.detail += (startup.detail.empty() ? "" : "; ") + extension.path + " is left out";
      log(LogEvent::Severity::Warning, "EXTENSION_LEFT_OUT", error.what());
    }
  }
}

void HostCore::open_database(Startup& startup, const Call& call) {
  Database opened = Database::open(startup.database_path.native(), startup.options, call.where);
  gate::MutexLock lock(mutex_);
  database_.emplace(std::move(opened));
  startup.database = &*database_;
  startup.detail = startup.database_path.native();
}

Lane HostCore::lane(std::string_view name, LaneOptions options) {
  gate::MutexLock lock(mutex_);
  return database_->lane(name, options);
}

// ---- Components ----

void HostCore::require_ready(const Call& call) const {
  if (stop_begun_) sqlite::raise_misuse(code("HOST_STOPPED"), "the host has been stopped", call);
  if (state_ != State::Ready)
    sqlite::raise_misuse(code("HOST_STARTED"), "the host's components have been started", call);
}

void HostCore::add(Component component, const Call& call) {
  gate::MutexLock lock(mutex_);
  require_ready(call);
  const bool is_taken = std::ranges::any_of(components_, [&component](const auto& other) {
    return other->component().name == component.name;
  });
  if (component.name.empty() || is_taken) {
    sqlite::raise_misuse(code("COMPONENT_INVALID"),
                         "component '" + component.name + "' has no name of its own", call);
  }
  const auto place =
      std::ranges::upper_bound(components_, component.priority, {},
                               [](const auto& other) { return other->component().priority; });
  components_.insert(place, std::make_unique<ManagedComponent>(std::move(component), this));
}

std::vector<HostCore::ManagedComponent*> HostCore::components() const {
  gate::MutexLock lock(mutex_);
  std::vector<ManagedComponent*> all;
  for (const auto& component : components_)
    all.push_back(component.get());
  return all;
}

// ---- Starting ----

void HostCore::start(const Call& call) {
  if (!begin_start(call)) return;
  try {
    for (ManagedComponent* component : components())
      start_one(*component, call);
  } catch (...) {
    // Unless stop() has not waited any longer, and stops the others itself.
    if (is_starting()) {
      stop_components();
      leave_start(State::Ready);
    }
    throw;
  }
  leave_start(State::Running);
}

bool HostCore::begin_start(const Call& call) {
  gate::MutexLock lock(mutex_);
  if (state_ == State::Running && !stop_begun_) return false;
  require_ready(call);
  for (const auto& component : components_) {
    if (component->state() != ComponentState::Hung) continue;
    sqlite::raise_misuse(
        code("COMPONENT_STILL_RUNNING"),
        "component '" + component->component().name + "' has not ended since the last start", call);
  }
  state_ = State::Starting;
  return true;
}

void HostCore::start_one(ManagedComponent& component, const Call& call) {
  if (stop_.stop_requested()) sqlite::raise_stopped(call);
  std::exception_ptr failure;
  set_starting(&component);
  try {
    component.start();
  } catch (...) {
    failure = std::current_exception();
  }
  gate::sync_point("HostCore::start_one:returned");
  set_starting(nullptr);
  if (failure) {
    after_failure(component, failure, call);
  } else if (!is_starting()) {
    // stop() has given it up: it is this thread's to stop.
    component.stop();
    sqlite::raise_stopped(call);
  }
}

void HostCore::after_failure(ManagedComponent& component, const std::exception_ptr& cause,
                             const Call& call) {
  const Component& description = component.component();
  if (!description.optional)
    throw start_error("component", description.name, code("COMPONENT_FAILED"), cause, call);
  component.disable(cause);
  log(LogEvent::Severity::Warning, "COMPONENT_DISABLED",
      "component '" + description.name + "' is disabled: " + text_of(cause));
}

void HostCore::set_starting(ManagedComponent* component) {
  gate::MutexLock lock(mutex_);
  starting_ = component;
  changed_.notify_all();
}

bool HostCore::is_starting() const {
  gate::MutexLock lock(mutex_);
  return state_ == State::Starting;
}

void HostCore::leave_start(State next) {
  gate::MutexLock lock(mutex_);
  if (state_ == State::Starting) state_ = next;
  changed_.notify_all();
}

// ---- Stopping ----

HostStopReport HostCore::stop(const Call& call) {
  if (ManagedComponent::inside(this)) {
    sqlite::raise_misuse(code("HOST_INSIDE_COMPONENT"),
                         "stop() was called by the start or stop of a component of the host", call);
  }
  request_stop();
  if (!begin_stop()) return report();
  stop_components();
  close_database(call);
  {
    gate::MutexLock lock(mutex_);
    stopped_.duration =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - call.started);
    state_ = State::Stopped;
    changed_.notify_all();
  }
  return report();
}

/// False when another call does it, or has done it: then that has ended.
bool HostCore::begin_stop() {
  gate::MutexLock lock(mutex_);
  if (stop_begun_) {
    while (state_ != State::Stopped)
      changed_.wait(mutex_);
    return false;
  }
  stop_begun_ = true;
  wait_for_start();
  state_ = State::Stopping;
  return true;
}

/// A start has as long to return as the component's stop would have.
void HostCore::wait_for_start() {
  while (state_ == State::Starting) {
    ManagedComponent* const component = starting_;
    if (component == nullptr) {
      changed_.wait(mutex_);
      continue;
    }
    const Deadline deadline = Deadline::after(component->component().stop_deadline);
    while (starting_ == component && !deadline.expired())
      changed_.wait_until(mutex_, deadline.time());
    if (starting_ != component) continue;
    component->give_up_start();
    return;
  }
}

void HostCore::stop_components() {
  for (ManagedComponent* component : std::views::reverse(components())) {
    component->stop();
    const ComponentStatus status = component->status();
    if (status.state == ComponentState::StopFailed) {
      log(LogEvent::Severity::Warning, "COMPONENT_STOP_FAILED",
          "component '" + status.name + "': " + status.reason);
    } else if (status.state == ComponentState::Hung) {
      log(LogEvent::Severity::Error, "COMPONENT_HUNG",
          "component '" + status.name + "': " + status.reason);
    }
  }
}

void HostCore::close_database(const Call& call) {
  std::optional<Database> closing;
  {
    // What is left behind refuses to give lanes.
    gate::MutexLock lock(mutex_);
    if (!database_) return;
    closing.emplace(std::move(*database_));
  }
  CloseReport closed;
  std::optional<Error> failure;
  try {
    closed = closing->close(close_deadline_, call.where);
  } catch (const Error& error) {
    failure = error;
    log(LogEvent::Severity::Error, "DATABASE_CLOSE_FAILED", error.what());
  }
  gate::MutexLock lock(mutex_);
  stopped_.database = closed;
  stopped_.database_failure = std::move(failure);
}

HostStopReport HostCore::report() const {
  HostStopReport report;
  {
    gate::MutexLock lock(mutex_);
    report = stopped_;
  }
  for (const ManagedComponent* component : std::views::reverse(components()))
    report.components.push_back(component->status());
  return report;
}

HostStatus HostCore::status() const {
  HostStatus status{.phases = phases_};
  for (const ManagedComponent* component : components())
    status.components.push_back(component->status());
  if (maintenance_) status.maintenance = maintenance_->status();
  gate::MutexLock lock(mutex_);
  status.running = state_ == State::Running;
  return status;
}

void HostCore::log(LogEvent::Severity severity, std::string_view code,
                   std::string message) const noexcept {
  if (!log_sink_) return;
  try {
    log_sink_({severity, code, std::move(message)});
  } catch (...) {
    // A sink that fails has nobody to tell it to.
  }
}

HostCore::~HostCore() {
  try {
    (void)stop({});
  } catch (...) {
    // Only a lack of memory: what is left is waited for below all the same.
  }
  std::vector<std::unique_ptr<ManagedComponent>> leaving;
  {
    // Not held while one that hangs is waited for: it may be asking the host for something.
    const gate::MutexLock lock(mutex_);
    leaving.swap(components_);
  }
  // They may own what others refer to that were started after them.
  while (!leaving.empty())
    leaving.pop_back();
}

}  // namespace turnstile::detail
