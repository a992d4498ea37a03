// SQLite's own access to files, without the means to change any: nothing is written, made or
// deleted, whatever SQL is run, because the engine is not given a way to.
//
// It stands on the VFS `unix` and not on open(), so that a file may be read in a process that has
// it open: that VFS keeps a descriptor for as long as closing it would drop locks of the process.
#pragma once

namespace turnstile::diagnose {

/// The name of a VFS that takes the locks that a reader needs, so that it sees snapshots of a
/// write-ahead log beside programs that use it. The index of the log is only read (the URI has to
/// say `readonly_shm=1`). Registers it at first use.
///
/// Threads: shared.
[[nodiscard]] const char* beside_vfs();

/// The same without any lock, for a file that nobody uses. A write-ahead log is read with an index
/// in memory, for which the locking mode has to be exclusive before the first read. Journals are
/// not seen.
[[nodiscard]] const char* still_vfs();

/// The same, as if no log lay beside the file.
[[nodiscard]] const char* logless_vfs();

}  // namespace turnstile::diagnose
