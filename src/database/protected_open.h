// Opening a database whose content is not to get to the medium as it is, and closing one whose
// owner has to know when that is done, or whether it is used.
#pragma once

#include <chrono>
#include <memory>
#include <source_location>
#include <string>

#include "sqlite/protection.h"
#include "turnstile/database.h"

namespace turnstile::detail {

/// Threads: shared.
class ProtectedOpen {
 public:
  /// As Database::open, but `path` is never a URI, and all connections get `protection`, which ends
  /// with the database.
  [[nodiscard]] static Database open(std::string path, Options options,
                                     const std::shared_ptr<sqlite::Protection>& protection,
                                     std::source_location where);

  /// As Database::close. When a closure does not end, which throws Timeout, `kept` exists until the
  /// database has closed all the same.
  static CloseReport close(Database& handle, std::chrono::milliseconds drain,
                           std::shared_ptr<const void> kept, std::source_location where);

  /// Whether a read or a write goes on or waits. Throws MisuseError (DB_CLOSED).
  [[nodiscard]] static bool is_busy(const Database& handle);
};

}  // namespace turnstile::detail
