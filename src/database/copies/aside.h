// The former database on its way to another name. Whatever interrupts it, one whole database has
// the first name in the end.
#pragma once

#include <filesystem>

#include "sqlite/call.h"

namespace turnstile::database {

/// Where a former file of that name is put: `PATH.before-restore-TIME`, a name that is free.
[[nodiscard]] std::filesystem::path aside_name(const std::filesystem::path& path);

/// Gives the file at `path`, if there is one, the second name `aside`, and its logs, with `logs`,
/// names that begin with it; then takes away what lies beside `path`, where only the file itself is
/// left. Where the file system gives no second names, `path` has no file afterwards, and a note
/// beside it says where the former one is. For whoever has the gate and is alone with the file; a
/// new file is to be given the name next, and settle_aside() called, also when that failed. Throws
/// StorageError.
void put_aside(const std::filesystem::path& path, const std::filesystem::path& aside, bool logs,
               const Call& call);

/// Ends what put_aside() began: if there is no new file at `path`, takes the former one back;
/// removes the note, and second names that nobody needs, because nothing lies beside them. For
/// whoever has the gate. Throws StorageError.
void settle_aside(const std::filesystem::path& path, const Call& call);

/// The same for a call that has not opened anything yet, when a process has died in the middle:
/// waits at the gate of a process that is still at it. Costs one look for the note. Throws also
/// Timeout (OPEN_TIMEOUT).
void finish_interrupted_exchange(const std::filesystem::path& path, const Call& call);

/// There is such a note.
[[nodiscard]] bool exchange_was_interrupted(const std::filesystem::path& path) noexcept;

}  // namespace turnstile::database
