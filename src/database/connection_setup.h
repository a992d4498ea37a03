// What belongs to a connection and not to the file: applied to every connection in one fixed order,
// read back, and compared. The journal mode is not among it: that belongs to the file, and only the
// bootstrap's initialise phase sets it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sqlite/connection.h"
#include "turnstile/info.h"
#include "turnstile/options.h"

namespace turnstile::database {

enum class Role { Writer, Reader };

/// Applies the connection-scoped settings and verifies them. Throws Error
/// with the step's name in the message; the connection is not to be used then.
void set_up_connection(sqlite::Connection& connection, const Options& options, Role role);

/// A further connection like `config`'s, with the extensions loaded and the settings applied. Its
/// call is `call`. Throws StorageError, Error.
[[nodiscard]] std::unique_ptr<sqlite::Connection> connect(const sqlite::Connection::Config& config,
                                                          const Options& options, Role role,
                                                          const Call& call);

/// The settings as asked for and as `connection` reports them, for DatabaseInfo.
[[nodiscard]] std::vector<Setting> report_settings(sqlite::Connection& connection,
                                                   const Options& options);

}  // namespace turnstile::database
