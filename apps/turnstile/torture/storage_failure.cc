#include "torture/storage_failure.h"

#include <sqlite3.h>

#include <cerrno>

namespace turnstile::cli::torture {

namespace {

int primary_code(const Error& error) noexcept {
  return error.sqlite_code() & 0xff;
}

}  // namespace

bool is_damage(const Error& error) noexcept {
  const int result = primary_code(error);
  return result == SQLITE_CORRUPT || result == SQLITE_NOTADB;
}

bool is_out_of_room(const Error& error) noexcept {
  const int result = primary_code(error);
  if (result == SQLITE_FULL) return true;
  const int system = error.system_code();
  return (result == SQLITE_IOERR || result == SQLITE_OK) &&
         (system == EFBIG || system == ENOSPC || system == EDQUOT);
}

}  // namespace turnstile::cli::torture
