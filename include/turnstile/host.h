// The composition root of a program: the one place that opens and configures its database, hands
// each part of it a lane, starts the parts in order and stops them in reverse.
//
// Everything else is given what it needs and can change nothing: a part that has a lane cannot set
// a pragma, resize the pool, or end before the database does.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/database.h"
#include "turnstile/error.h"
#include "turnstile/info.h"
#include "turnstile/lane.h"
#include "turnstile/options.h"

namespace turnstile {

namespace detail {
class HostCore;
}  // namespace detail

/// What phases see of the start-up, and may settle.
///
/// Threads: confined.
struct Startup {
  std::filesystem::path data_directory{};  ///< Absolute; it exists and can be written to.
  std::filesystem::path database_path{};   ///< Absolute.
  Options options{};  ///< What the database is opened with; later changes mean nothing.
  const Database* database = nullptr;  ///< Null until it is open.
  std::string detail{};  ///< What Host::status() is to say of the phase; empty when it begins.
};

/// A step of the start-up with a name.
///
/// Threads: immutable.
struct Phase {
  std::string name{};
  std::function<void(Startup&)> run{};
  /// Takes back what `run` did, when a later phase fails, and also when `run` itself has thrown:
  /// then only a part of it is done.
  std::function<void()> undo{};
};

/// When a component is started and stopped; any number between these will do too.
enum class ComponentPriority : int {
  Infrastructure = 100,  ///< What others report to: the audit log, metrics.
  Core = 200,            ///< What the program is about.
  Buffer = 300,          ///< What collects work and passes it on in batches.
  Network = 400,         ///< What lets others in.
  Automation = 500,      ///< What begins things by itself: workers, schedules, maintenance.
};

/// A part of the program that is started and stopped.
///
/// Threads: immutable.
struct Component {
  std::string name{};
  ComponentPriority priority = ComponentPriority::Core;

  /// Runs on the thread of Host::start(). When it throws, nothing of it may be left running: `stop`
  /// is not called.
  std::function<void()> start{};

  /// Ends the component within `deadline`; what it throws is what did not end. Runs on a thread of
  /// its own. One that does not return is not waited for any longer, but goes on: whatever it uses
  /// must stay until it returns, or until the Host is destroyed, which waits for it. The lanes that
  /// it has refuse its calls once the database is closed (DB_CLOSED).
  std::function<void(std::chrono::milliseconds deadline)> stop{};
  std::chrono::milliseconds stop_deadline{5000};

  /// The program goes on without it when it cannot start.
  bool optional = false;
  std::string advice{};  ///< What to do then; empty: the hint of the error.
};

enum class ComponentState {  ///< How a component stands.
  Added,                     ///< Not started yet, or not again.
  Starting,                  ///< Its `start` is running.
  Running,                   ///< Its `start` has returned.
  Disabled,                  ///< It is optional, and its start failed.
  Failed,                    ///< Its start failed, and with it Host::start().
  Stopping,                  ///< Its `stop` is running.
  Stopped,                   ///< Its `stop` has returned.
  StopFailed,                ///< Its `stop` has thrown.
  Hung,  ///< Its `stop`, or its `start` during Host::stop(), has not returned in time.
};

[[nodiscard]] std::string_view to_string(ComponentState state) noexcept;  ///< In lower case.

/// How a component is.
///
/// Threads: immutable.
struct ComponentStatus {
  std::string name{};
  ComponentPriority priority = ComponentPriority::Core;
  bool optional = false;
  ComponentState state = ComponentState::Added;
  std::string reason{};  ///< Of Disabled, Failed, StopFailed and Hung.
  std::string advice{};  ///< Of Disabled: what to do.
  std::chrono::microseconds start_duration{0};
  std::chrono::microseconds stop_duration{0};
};

/// Work on the file that is done now and then, on a thread of the host and after everybody else who
/// waits to write. Several processes may do it on one file; it costs little when there is nothing
/// to do.
///
/// Threads: immutable.
struct MaintenanceSchedule {
  std::chrono::milliseconds interval{std::chrono::hours(1)};  ///< From the end of one to the next.
  bool optimize = true;                                       ///< Maintenance::optimize().
  /// Pages that Maintenance::incremental_vacuum() may give back each time; 0: it is not called.
  std::int64_t vacuum_pages = 0;
  /// Copies the write-ahead log into the file, and tells the log sink (LOG_NOT_COPIED) when as many
  /// of its pages could not be copied; 0: does neither.
  std::int64_t log_pages = 4000;
};

/// What maintenance has done. Threads: immutable.
struct MaintenanceStatus {
  std::int64_t runs = 0;
  std::int64_t failures = 0;  ///< Of these, those that failed; the next one tries again.
  std::string last_error{};
  std::int64_t pages_freed = 0;
};

/// What a host is made with.
///
/// Threads: immutable.
struct HostOptions {
  /// Where the program keeps its files; `~/` in front stands for the user's home. Made with mode
  /// 0700 when it is missing, and proven to be writable.
  std::filesystem::path data_directory{};

  /// The database: a path, relative to the working directory, or with `~/` in front. Missing
  /// directories on the way are made. Empty: `app.db` in the data directory.
  std::filesystem::path database{};
  Options options{};  ///< Of the database.

  /// Extensions without which the program can do. One that cannot be loaded is left out: the
  /// component that needs it is to be optional, and fails.
  std::vector<Extension> optional_extensions{};

  /// The program's own phases. The first ones may still change the options, for instance after
  /// reading a configuration; the second ones may use the database.
  std::vector<Phase> before_database{};
  std::vector<Phase> after_database{};

  std::optional<MaintenanceSchedule> maintenance{};  ///< As the component `maintenance`.

  /// For how long the database waits for calls that run and work that was submitted, when all
  /// components have been stopped.
  std::chrono::milliseconds close_deadline{5000};

  /// Told of EXTENSION_LEFT_OUT, COMPONENT_DISABLED, COMPONENT_STOP_FAILED, COMPONENT_HUNG,
  /// DATABASE_CLOSE_FAILED, MAINTENANCE_FAILED and LOG_NOT_COPIED; and of what the database has to
  /// tell if its options have no sink.
  LogSink log_sink{};
};

/// How a host is. Threads: immutable.
struct HostStatus {
  std::vector<BootstrapPhase> phases{};       ///< In the order in which they ran.
  std::vector<ComponentStatus> components{};  ///< In the order of their start.
  std::optional<MaintenanceStatus> maintenance{};
  bool running = false;  ///< Between start() and stop().
};

/// What Host::stop() left. Threads: immutable.
struct HostStopReport {
  std::vector<ComponentStatus> components{};  ///< In the order of their stop.
  CloseReport database{};
  std::optional<Error> database_failure{};  ///< Why the database did not close, naming the place.
  std::chrono::microseconds duration{0};

  /// Everything has ended, and in time.
  [[nodiscard]] bool complete() const noexcept;
};

/// A phase or a component that failed. The message begins with its name; code and the rest are
/// those of the cause if that is an Error, and else PHASE_FAILED or COMPONENT_FAILED.
///
/// Threads: immutable.
class StartError : public Error {
 public:
  StartError(Details details, std::string part, std::exception_ptr cause);  ///< Of that part.
  StartError(const StartError&) noexcept = default;
  StartError& operator=(const StartError&) noexcept = default;
  ~StartError() override = default;

  /// The name of the phase or component.
  [[nodiscard]] std::string_view part() const noexcept;
  /// What it threw.
  [[nodiscard]] const std::exception_ptr& cause() const noexcept;

 private:
  std::shared_ptr<const std::string> part_;
  std::exception_ptr cause_;
};

/// Runs a program's start-up, holds its database, and starts and stops its components.
///
/// Construction runs the phases: `data_directory`, HostOptions::before_database, `extensions`,
/// `database`, HostOptions::after_database. When one throws, it and those before it are undone, in
/// reverse, and StartError says which it was.
///
/// Threads: shared, but for its end.
class Host {
 public:
  /// Throws MisuseError (OPTION_INVALID), StartError; DATA_DIRECTORY_UNUSABLE names the user id.
  explicit Host(HostOptions options, std::source_location where = std::source_location::current());
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  /// As stop(), and then waits for what has not ended, however long. A program that must not wait
  /// looks at the report of stop(), and leaves with std::_Exit().
  ~Host();

  [[nodiscard]] const std::filesystem::path& data_directory() const noexcept;  ///< Absolute.
  [[nodiscard]] const std::filesystem::path& database_path() const noexcept;   ///< Absolute.

  /// The lane of that name, which is all that a part of the program needs. Throws MisuseError
  /// (DB_CLOSED) after stop().
  [[nodiscard]] Lane lane(std::string_view name, LaneOptions options = {}) const;
  /// For what concerns the file as a whole: metrics, backups. Not to be used any more when stop()
  /// begins.
  [[nodiscard]] const Database& database() const noexcept;

  /// Adds a component. Throws MisuseError: COMPONENT_INVALID without a name or when the name is
  /// taken, HOST_STARTED, HOST_STOPPED.
  void add(Component component, std::source_location where = std::source_location::current());

  /// Starts the components: lower priorities first, those of one priority as they were added. When
  /// one fails that is not optional, those that run are stopped in reverse and StartError says
  /// which it was; start() may then be called again. Does nothing when the components run. Throws
  /// Cancelled when a stop is requested meanwhile; MisuseError: HOST_STARTED when another thread is
  /// starting them, HOST_STOPPED, COMPONENT_STILL_RUNNING for one that hangs from before.
  void start(std::source_location where = std::source_location::current());

  /// Asks for a stop and returns at once; may be called by components, and inside closures.
  void request_stop() noexcept;
  /// A stop of it is requested by request_stop() and stop().
  [[nodiscard]] std::stop_token stop_token() const noexcept;
  /// Waits until a stop is requested of stop_token() or `also`.
  void wait(std::stop_token also = {}) const;

  /// Stops the components in the reverse order of their start, each with its deadline, and then
  /// closes the database: after the calls that still run, or at HostOptions::close_deadline. What
  /// did not end is reported and does not keep the rest from being stopped. A start that goes on in
  /// another thread ends at its next component. Called again, says what is left by then. Throws
  /// MisuseError (HOST_INSIDE_COMPONENT) when a component's `start` or `stop` calls it.
  HostStopReport stop(std::source_location where = std::source_location::current());

  [[nodiscard]] HostStatus status() const;  ///< At this moment.

 private:
  const std::unique_ptr<detail::HostCore> core_;
};

namespace detail {

/// Throws Error (COMPONENT_UNFINISHED).
[[noreturn]] void raise_unfinished();

/// Whether what stop() returned says that nothing is left.
template <class Report>
[[nodiscard]] bool is_complete(const Report& report) {
  if constexpr (std::is_same_v<Report, bool>)
    return report;
  else if constexpr (requires { static_cast<bool>(report.complete()); })
    return static_cast<bool>(report.complete());
  else if constexpr (requires { static_cast<bool>(report.complete); })
    return static_cast<bool>(report.complete);
  else if constexpr (requires { static_cast<bool>(report.empty()); })
    return static_cast<bool>(report.empty());
  else
    return true;
}

template <class T>
void stop_completely(T& part, std::chrono::milliseconds deadline) {
  if constexpr (std::is_void_v<decltype(part.stop(deadline))>)
    part.stop(deadline);
  else if (!is_complete(part.stop(deadline)))
    raise_unfinished();
}

}  // namespace detail

/// The component that anything with `start()` and `stop(deadline)` makes. It owns a share of
/// `part`, which so cannot go while its stop is running. A stop counts as failed that returns
/// false, a report that is not `complete`, or a list of what is left.
template <class T>
[[nodiscard]] Component component_of(std::string name, ComponentPriority priority,
                                     std::shared_ptr<T> part) {
  Component component{.name = std::move(name), .priority = priority};
  component.start = [part] { part->start(); };
  component.stop = [part = std::move(part)](std::chrono::milliseconds deadline) {
    detail::stop_completely(*part, deadline);
  };
  return component;
}

}  // namespace turnstile
