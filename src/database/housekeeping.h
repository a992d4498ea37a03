// Sees to it that a connection is for its next user what it was for the last one.
//
// What SQL may do is undone on the ordinary path: statements, the transaction, temporary objects.
// What only code with the native handle can do is looked for only after that had it, and costs the
// connection: a new one takes its place.
#pragma once

#include <string_view>

#include "database/connection_setup.h"
#include "database/metrics.h"
#include "sqlite/connection.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Threads: shared.
class Housekeeping {
 public:
  Housekeeping(const Options& options, Recorder& recorder) noexcept
      : options_(options), recorder_(recorder) {}

  /// After a closure and its transaction.
  void after_use(sqlite::Connection& connection, Role role) const noexcept {
    if (connection.is_lent() && !connection.forked()) inspect(connection, role);
  }

 private:
  void inspect(sqlite::Connection& connection, Role role) const noexcept;
  void replace(sqlite::Connection& connection, Role role) const;
  void tell(LogEvent::Severity severity, std::string_view what,
            const sqlite::Connection& connection) const noexcept;

  const Options& options_;
  Recorder& recorder_;
};

/// `options` with a log sink that is called by one thread at a time, and whose exceptions end
/// there: they would meet whoever happens to have something to tell.
[[nodiscard]] Options with_careful_log(Options options);

}  // namespace turnstile::database
