#include "database/housekeeping.h"

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "gate/mutex.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

void Housekeeping::inspect(sqlite::Connection& connection, Role role) const noexcept {
  gate::sync_point("Housekeeping::inspect");
  try {
    if (connection.take_back()) return;
    replace(connection, role);
    recorder_.on_replacement();
    tell(LogEvent::Severity::Warning, "was replaced", connection);
  } catch (const std::exception&) {
    // It stays in use, and is looked at again after its next loan.
    tell(LogEvent::Severity::Error, "cannot be replaced", connection);
  }
}

// The new one is there before the old one goes, so that a database in memory is never without any,
// and a failure leaves the one that is there.
void Housekeeping::replace(sqlite::Connection& connection, Role role) const {
  Call call;
  call.lane = "housekeeping";
  call.where = connection.lent_at();
  call.deadline = Deadline::after(options_.busy_timeout);
  const auto fresh = connect(connection.config(), options_, role, call);
  // By its name another file may have been opened.
  if (connection.has_moved())
    sqlite::raise_misuse(code("DB_FILE_REPLACED"), "the database file was replaced", call);
  connection.take_over(*fresh);
}

void Housekeeping::tell(LogEvent::Severity severity, std::string_view what,
                        const sqlite::Connection& connection) const noexcept {
  if (!options_.log_sink) return;
  try {
    const std::source_location& where = connection.lent_at();
    options_.log_sink({severity, "CONNECTION_REPLACED",
                       "a closure left its connection changed through native_handle(), and the "
                       "connection " +
                           std::string(what) + "; the call was at " + where.file_name() + ":" +
                           std::to_string(where.line())});
  } catch (const std::bad_alloc&) {
    // Without memory there is no message; it is counted.
    return;
  }
}

Options with_careful_log(Options options) {
  if (!options.log_sink) return options;
  options.log_sink = [sink = std::move(options.log_sink),
                      mutex = std::make_shared<gate::Mutex>()](const LogEvent& event) {
    const gate::MutexLock lock(*mutex);
    try {
      sink(event);
    } catch (...) {
      return;
    }
  };
  return options;
}

}  // namespace turnstile::database
