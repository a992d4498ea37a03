// The locks that other programs hold on a database's files, read from /proc/locks.
//
// Nothing here opens the database or its -shm: in POSIX, closing any descriptor of a file drops all
// locks that the process has on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/error.h"

namespace turnstile::gate {

/// A POSIX lock on the database file or its -shm file. Threads: immutable.
struct FileLock {
  std::string name;  ///< As SQLite's source has it: `WRITE`, `CKPT`, `READ0`, `PENDING`, ...
  std::string lock;  ///< In words: `WAL write lock`, `checkpoint lock`, `pending lock`, ...
  bool exclusive = false;
  std::int64_t pid = 0;               ///< 0: the kernel does not say (another pid namespace).
  std::string program;                ///< From /proc/PID/comm; empty when gone or hidden.
  std::vector<std::int64_t> waiters;  ///< Processes that sleep in the kernel until it is free.
  bool blocks_writers = false;        ///< Held exclusively where BEGIN IMMEDIATE has to pass.
};

/// All locks on the database at `path`, in the kernel's order; empty where there is no /proc/locks.
[[nodiscard]] std::vector<FileLock> file_locks(const std::filesystem::path& path);

/// The same from the text of a /proc/locks, for files with these identities.
struct FileIdentity {
  std::uint64_t device_major = 0;
  std::uint64_t device_minor = 0;
  std::uint64_t inode = 0;
};
[[nodiscard]] std::vector<FileLock> parse_locks(std::string_view proc_locks,
                                                const FileIdentity& database,
                                                const FileIdentity& shm);

/// Another process that keeps writers (or, for `for_readers`, everybody) out, as a Holder; kind
/// Unknown when none is found.
[[nodiscard]] Holder find_foreign_holder(const std::filesystem::path& path, bool for_readers);

/// The same for a writer who was refused SQLite's own lock although it is his turn: where it is
/// nobody else, a connection of this process that the library does not know of has the log's lock.
[[nodiscard]] Holder find_stranger(const std::filesystem::path& path);

/// The other processes that are reading the write-ahead log of the database at `path` right now,
/// each once, as holders of their read mark.
[[nodiscard]] std::vector<Holder> find_foreign_readers(const std::filesystem::path& path);

/// The process that has the file under an exclusive flock(), 0 when nobody has or the kernel does
/// not say. `path` is the file's name, `file` its identity.
[[nodiscard]] std::int64_t find_flock_holder(const std::filesystem::path& path,
                                             const FileIdentity& file);

/// The program name of a process; empty when it is gone or hidden.
[[nodiscard]] std::string program_of(std::int64_t pid);

}  // namespace turnstile::gate
