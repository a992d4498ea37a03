#include "vault/raise.h"

#include <utility>

#include "sqlite/raise.h"

namespace turnstile::vault {

void raise_vault(std::string_view code, std::string message, const Call& call, std::string hint) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.hint = std::move(hint);
  details.lane = call.lane;
  details.where = call.where;
  throw VaultError(std::move(details));
}

void raise_from(std::string_view code, std::string_view what, const Error& error) {
  Error::Details details;
  details.code = code;
  details.message = std::string(what) + ": " + error.what();
  details.hint = error.hint();
  details.sqlite_code = error.sqlite_code();
  details.system_code = error.system_code();
  details.sql = error.sql();
  details.lane = error.lane();
  details.where = error.where();
  details.commit_state = error.commit_state();
  throw VaultError(std::move(details));
}

void raise_write(std::string_view what, const std::filesystem::path& path, int cause,
                 const Call& call) {
  sqlite::raise_system(code("PROFILE_STORAGE_WRITE"), std::string(what) + ' ' + quoted(path), cause,
                       call);
}

void raise_read(std::string_view what, const std::filesystem::path& path, int cause,
                const Call& call) {
  sqlite::raise_system(code("PROFILE_STORAGE_READ"), std::string(what) + ' ' + quoted(path), cause,
                       call);
}

void raise_busy(std::string_view code, std::string_view what, Holder holder, const Call& call) {
  Error::Details details;
  details.code = code;
  details.message = std::string(what) + "; " + holder.describe();
  details.lane = call.lane;
  details.where = call.where;
  details.retry_is_safe = true;
  throw Timeout(std::move(details), std::move(holder), call.waited());
}

}  // namespace turnstile::vault
