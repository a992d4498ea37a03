#include "sqlite/log_on_close.h"

#include <sqlite3.h>

namespace turnstile::sqlite {

void keep_log_on_close(const Connection& connection) noexcept {
  sqlite3_db_config(connection.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace turnstile::sqlite
