// Where a program's files are.
#pragma once

#include <filesystem>

#include "sqlite/call.h"

namespace turnstile::host {

/// Absolute, with `~` or `~/` in front replaced by the user's home. Throws MisuseError
/// (OPTION_INVALID) when there is no home.
[[nodiscard]] std::filesystem::path expanded(const std::filesystem::path& path, const Call& call);

/// Makes `directory`, and those on the way to it, with mode 0700 where they are missing, and shows
/// by a file that it can be written to; the file is gone afterwards. Throws StorageError
/// (DATA_DIRECTORY_UNUSABLE).
void prepare_data_directory(const std::filesystem::path& directory, const Call& call);

/// Throws StorageError (DATA_DIRECTORY_UNUSABLE) when there is none.
void require_data_directory(const std::filesystem::path& directory, const Call& call);

}  // namespace turnstile::host
