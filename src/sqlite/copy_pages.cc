#include "sqlite/copy_pages.h"

#include <sqlite3.h>

#include "sqlite/connection.h"
#include "sqlite/raise.h"

namespace turnstile::sqlite {

void copy_pages(Connection& from, Connection& to) {
  sqlite3_backup* const backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) raise(to, sqlite3_extended_errcode(to.handle()));
  constexpr int kAllPages = -1;
  const int stepped = sqlite3_backup_step(backup, kAllPages);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) raise(to, stepped);
  if (finished != SQLITE_OK) raise(to, finished);
}

}  // namespace turnstile::sqlite
