// Small files and folders of a workspace: all private, each change in one step.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/copies/temp_file.h"
#include "gate/descriptor.h"
#include "sqlite/call.h"
#include "turnstile/detail/function_ref.h"

namespace turnstile::vault {

/// Calls `act`, which gives 0 or an errno, again while what it gives passes by itself: somebody
/// else, such as a virus scanner or a file server, has the file just now. At most 20 times, within
/// a second. Gives the last result.
int retry_while_busy(detail::FunctionRef<int()> act);

/// Publishes a temporary file, again while its place is busy. Throws as TempFile::publish() does.
void publish_when_free(database::TempFile& file, bool overwrite);

/// Puts a file with that content in place, over one that is there, in one step; it is on the medium
/// when this returns. Mode 0600. Throws StorageError (PROFILE_STORAGE_WRITE), and then the former
/// file is there and nothing else.
void write_file_atomic(const std::filesystem::path& path, std::string_view content,
                       const Call& call);

/// Empty when there is no such file. Throws StorageError (PROFILE_STORAGE_READ), also for a file of
/// more than `limit` bytes and for what is not a regular file.
[[nodiscard]] std::optional<std::string> read_small_file(const std::filesystem::path& path,
                                                         const Call& call,
                                                         std::size_t limit = std::size_t{1} << 20);

/// Makes the folder, mode 0700, where it is missing. True when one was there with a wider mode, and
/// was narrowed. Throws StorageError (PROFILE_STORAGE_WRITE), also for a link, wherever it leads.
bool make_private_folder(const std::filesystem::path& path, const Call& call);
/// The same of a folder that is there; false when it is not.
bool narrow_folder(const std::filesystem::path& path, const Call& call);

/// Opens a file of a profile to be read. Throws StorageError (PROFILE_STORAGE_READ), also for a
/// link and for what is not a regular file.
[[nodiscard]] gate::Descriptor open_part(const std::filesystem::path& path, const Call& call);

/// Makes an empty file of mode 0600, which must not be there yet, and nothing when it is.
void make_private_file(const std::filesystem::path& path, const Call& call);

/// Renames, and has it on the medium. The place must be free or a file. Throws StorageError
/// (PROFILE_STORAGE_WRITE).
void move_entry(const std::filesystem::path& from, const std::filesystem::path& to,
                const Call& call);

/// Copies a file of a profile that nobody writes to, mode 0600. Throws StorageError.
void copy_file(const std::filesystem::path& from, const std::filesystem::path& to,
               const Call& call);

/// Has all that was written to the medium of a folder on it. Opens none of its files: to close one
/// would end the locks that SQLite has on it for this process. Throws StorageError.
void sync_medium(const std::filesystem::path& folder, const Call& call);
/// Has the file, or the folder with all that is in it, on the medium; nobody of this process has
/// any of it open. Throws StorageError.
void sync_tree(const std::filesystem::path& path, const Call& call);
/// Has the names in a folder on the medium. Throws StorageError.
void sync_folder(const std::filesystem::path& path, const Call& call);

/// Removes a file or folder with all that is in it; nothing when it is not there. Throws
/// StorageError (PROFILE_STORAGE_WRITE).
void remove_tree(const std::filesystem::path& path, const Call& call);

/// Removes all that is in the folder, which stays.
void empty_folder(const std::filesystem::path& path, const Call& call);

/// The names in a folder, in no order; none when there is no folder. Throws StorageError
/// (PROFILE_STORAGE_READ), also for a link.
[[nodiscard]] std::vector<std::string> names_of(const std::filesystem::path& path,
                                                const Call& call);

/// 32 hexadecimal digits from the system's source of randomness.
[[nodiscard]] std::string random_name();

}  // namespace turnstile::vault
