// What a database can tell of itself.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace turnstile {

/// One phase of the start-up. Threads: immutable.
struct BootstrapPhase {
  std::string name;  ///< locate, gate, initialise, migrate, pool, start; in this order.
  std::chrono::microseconds duration{0};
  std::string detail;  ///< What was done, such as `journal_mode: delete -> wal`; may be empty.
};

/// A setting as it was asked for and as SQLite reports it. Threads: immutable.
struct Setting {
  std::string name;
  std::string asked;
  std::string in_force;
};

/// The engine that is linked. Threads: immutable.
struct EngineInfo {
  std::string version;
  std::string source_id;
  std::vector<std::string> compile_options;
};

/// The readers. Threads: immutable.
struct PoolInfo {
  int connections = 0;  ///< Open, the writer included.
  int readers_idle = 0;
  int readers_leased = 0;
  int readers_waiting = 0;  ///< Calls that wait for a reader.
  int writers_waiting = 0;  ///< Calls and submitted closures that wait for the writer's turn.
};

/// Counted since the database was opened. Threads: immutable.
struct Counters {
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;     ///< Committed.
  std::uint64_t rollbacks = 0;  ///< Closures that threw, and failed commits.
  std::uint64_t timeouts = 0;
  std::uint64_t engine_waits = 0;          ///< Times SQLite's own lock was held by a stranger.
  std::uint64_t checkpoints = 0;           ///< That found a log to copy.
  std::uint64_t repaired_connections = 0;  ///< Given back with something left open, and cleaned.
  std::chrono::microseconds longest_write_wait{0};
  std::chrono::microseconds longest_read_wait{0};
};

/// A picture of a database at one moment. Threads: immutable.
struct DatabaseInfo {
  std::string path;  ///< Resolved; empty for a database in memory.
  std::vector<BootstrapPhase> phases;
  std::vector<Setting> settings;
  int schema_version = 0;
  std::int64_t page_size_bytes = 0;
  std::int64_t file_bytes = 0;
  std::int64_t wal_bytes = 0;
  std::int64_t free_pages = -1;  ///< -1: not looked at, because no reader was free.
  PoolInfo pool;
  Counters counters;
  EngineInfo engine;
};

/// What a database can do, as it was opened; another backend may be able to do less.
///
/// Threads: immutable.
struct Capabilities {
  bool can_write = false;
  bool readers_beside_writer = false;  ///< A read does not wait for a write, nor a write for it.
  bool several_processes = false;      ///< Others can use the same file at the same time.
  bool group_commit = false;           ///< Writes that wait can share a commit.
  bool durability_by_call = false;     ///< Durability::Full in a database of Synchronous::Normal.
  bool native_handle = false;          ///< The functions of native.h.
  bool lock_diagnosis = false;         ///< A Timeout can name other processes.
};

/// What close() did. Threads: immutable.
struct CloseReport {
  bool was_last_handle = false;  ///< False: others use the database on; nothing else was done.
  std::size_t drained = 0;       ///< Submitted closures that waited and still ran.
  std::size_t cancelled = 0;     ///< Submitted closures whose futures got Cancelled.
  std::size_t interrupted = 0;   ///< Running reads and writes whose SQL was interrupted.
  bool checkpointed = false;     ///< The write-ahead log is in the file and its file is gone.
};

/// The engine that this library is linked with; needs no database.
[[nodiscard]] EngineInfo engine_info();

}  // namespace turnstile
