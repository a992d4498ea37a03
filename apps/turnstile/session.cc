#include "session.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "failure.h"
#include "turnstile/error.h"

namespace turnstile::cli {

namespace {

LogSink warnings_to_standard_error(bool json) {
  return [json](const LogEvent& event) {
    if (event.severity != LogEvent::Severity::Info) report_warning(event.code, event.message, json);
  };
}

}  // namespace

Database open_for_writing(const Context& context, Options options) {
  const Arguments& arguments = context.arguments;
  options.busy_timeout = arguments.timeout();
  options.log_sink = warnings_to_standard_error(arguments.json());
  const char* const vec0 = std::getenv("TURNSTILE_VEC0");
  if (vec0 != nullptr && *vec0 != '\0')
    options.extensions.push_back({.path = vec0, .entry_point = {}});
  const std::string db = arguments.positional("DB");
  if (!db.starts_with("file:")) return Database::open(db, std::move(options));
  OpenTarget target = Options::from_uri(db, std::move(options));
  // A flag is nearer to the user's hand than what a URI brings along.
  if (arguments.has("--timeout")) target.options.busy_timeout = arguments.timeout();
  return Database::open(target.path, std::move(target.options));
}

Database open_for_reading(const Context& context, int connections) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  options.connections = connections;
  try {
    return open_for_writing(context, options);
  } catch (const StorageError& error) {
    if (error.code() != "DB_READ_ONLY") throw;
  }
  options.mode = OpenMode::ReadWrite;
  options.connections = std::max(connections, 2);  // With a reader, reading needs no turn.
  return open_for_writing(context, options);
}

Session::Session(Context& context, Database database)
    : database_(std::move(database)),
      lane_(database_->lane("cli")),
      stop_action_(context.interrupts, [this] { close_at_once(); }) {}

// Here, and not member by member, so that a signal while the file is being closed finds it so.
Session::~Session() {
  const std::lock_guard lock(mutex_);
  database_.reset();
}

Database& Session::open_database() {
  if (!database_) {
    Error::Details details;
    details.code = "CANCELLED";
    details.message = "the database was closed";
    throw Cancelled(std::move(details));
  }
  return *database_;
}

DatabaseInfo Session::info() {
  const std::lock_guard lock(mutex_);
  return open_database().info();
}

Metrics Session::metrics() {
  const std::lock_guard lock(mutex_);
  return open_database().metrics();
}

void Session::close_at_once() noexcept {
  const std::lock_guard lock(mutex_);
  if (!database_) return;
  try {
    database_->close(std::chrono::milliseconds(0));
  } catch (const std::exception&) {
    // The command's own thread tells what became of its work.
  }
  database_.reset();
}

}  // namespace turnstile::cli
