// How the vault's failures become exceptions.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "turnstile/error.h"

namespace turnstile::vault {

/// Throws VaultError.
[[noreturn]] void raise_vault(std::string_view code, std::string message, const Call& call,
                              std::string hint = {});

/// Throws VaultError for `error`, which happened below: its text, its system's and SQLite's codes
/// are kept. `what` is the clause in front, such as `the profile 'work' cannot be opened`.
[[noreturn]] void raise_from(std::string_view code, std::string_view what, const Error& error);

/// Throws StorageError (PROFILE_STORAGE_WRITE, PROFILE_STORAGE_READ) for an errno.
[[noreturn]] void raise_write(std::string_view what, const std::filesystem::path& path, int cause,
                              const Call& call);
[[noreturn]] void raise_read(std::string_view what, const std::filesystem::path& path, int cause,
                             const Call& call);

/// Throws Timeout: `what` is the clause that says what was waited for.
[[noreturn]] void raise_busy(std::string_view code, std::string_view what, Holder holder,
                             const Call& call);

using sqlite::quoted;

}  // namespace turnstile::vault
