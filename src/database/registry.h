// The databases that are open in this process, by the identity of their files: one Database per
// file, under whatever name it is opened.
#pragma once

#include <memory>
#include <source_location>
#include <string>

#include "database/location.h"
#include "sqlite/call.h"
#include "sqlite/protection.h"
#include "turnstile/database.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Opens the database or joins the one that is open. Threads: shared.
[[nodiscard]] std::shared_ptr<detail::Core> open_handle(
    const OpenTarget& target, std::source_location where,
    const std::shared_ptr<sqlite::Protection>& protection = nullptr);

/// Keeps a file from being opened in this process while it exists: whoever reads it beside SQLite
/// would, by closing it, drop the locks that SQLite has on it.
///
/// Threads: confined.
class Reservation {
 public:
  /// Waits for whoever is opening or closing it. Throws MisuseError (DB_IN_USE) when it is open,
  /// Timeout.
  Reservation(const Location& location, const Call& call);
  ~Reservation();
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

/// Gives a handle up; closes the database with the last one, but in a child of fork(), where it
/// stays as it is. After a Timeout a thread of its own waits for the closure that did not end, and
/// closes the database then; `kept` exists until it has.
CloseReport close_handle(std::shared_ptr<detail::Core> core, std::chrono::milliseconds drain,
                         std::source_location where, std::shared_ptr<const void> kept = nullptr);

/// The same for a handle's destructor: tells failures to the log sink, and leaves the closing to
/// another thread inside a closure.
void drop_handle(std::shared_ptr<detail::Core> core) noexcept;

}  // namespace turnstile::database
