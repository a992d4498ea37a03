#include "sqlite/online_backup.h"

#include <sqlite3.h>

#include <utility>

#include "sqlite/raise.h"

namespace turnstile::sqlite {

OnlineBackup::OnlineBackup(Connection& source, Connection& destination)
    : source_(source),
      destination_(destination),
      backup_(sqlite3_backup_init(destination.handle(), "main", source.handle(), "main")) {
  if (backup_ == nullptr) raise(destination_, sqlite3_extended_errcode(destination_.handle()));
}

OnlineBackup::~OnlineBackup() {
  sqlite3_backup_finish(backup_);
}

bool OnlineBackup::step(int pages) {
  if (source_.interrupted()) raise(source_, SQLITE_INTERRUPT);
  switch (const int result = sqlite3_backup_step(backup_, pages)) {
    case SQLITE_OK:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      // Only now the connection gets to know it.
      sqlite3_backup_finish(std::exchange(backup_, nullptr));
      raise(destination_, result);
  }
}

int OnlineBackup::total_pages() const noexcept {
  return sqlite3_backup_pagecount(backup_);
}

int OnlineBackup::remaining_pages() const noexcept {
  return sqlite3_backup_remaining(backup_);
}

}  // namespace turnstile::sqlite
