// Writing the vault's large files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "sqlite/call.h"
#include "turnstile/error.h"
#include "vault/raise.h"

namespace turnstile::vault {

/// All of `bytes`. Throws StorageError (PROFILE_STORAGE_WRITE), which names `path`.
void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path,
               const Call& call);

/// Runs `work`; what a temporary file says about the medium is about the profile here, and becomes
/// PROFILE_STORAGE_WRITE. That there is a file already stays what it is.
template <class Work>
auto naming_profile(const std::filesystem::path& path, const Work& work) {
  try {
    return work();
  } catch (const StorageError& error) {
    if (error.code() == code("BACKUP_EXISTS") || error.code() == code("PROFILE_STORAGE_WRITE"))
      throw;
    Error::Details details;
    details.code = code("PROFILE_STORAGE_WRITE");
    details.message = "cannot write " + quoted(path) + ": " + error.what();
    details.system_code = error.system_code();
    details.where = error.where();
    throw StorageError(std::move(details));
  }
}

}  // namespace turnstile::vault
