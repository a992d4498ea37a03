// What the last connection does with a write-ahead log when it closes.
#pragma once

#include "sqlite/connection.h"

namespace turnstile::sqlite {

/// Has the connection leave the log as it is: neither copied into the file nor deleted.
void keep_log_on_close(const Connection& connection) noexcept;

}  // namespace turnstile::sqlite
