// The memory that a sealed database lies in: a file of SQLite's memdb VFS, which the connections of
// this process share by its name without a shared cache. Kept open beside them, so that it outlives
// them, can be filled before and read after them, and be overwritten in the end.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

struct sqlite3_file;

namespace turnstile::vault {

/// Threads: shared. What is read is of one moment only while no connection writes.
class MemoryStore {
 public:
  /// An empty one that may grow to `limit_bytes`, under a name that nobody else has.
  explicit MemoryStore(std::uint64_t limit_bytes);
  /// Overwrites it.
  ~MemoryStore();
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  /// The path to open a Database of OpenMode::Memory with.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// What SQLite is asked to open for it, a URI.
  [[nodiscard]] const std::string& uri() const noexcept { return uri_; }

  [[nodiscard]] std::uint64_t size() const;
  /// Makes room, so that it need not grow step by step.
  void reserve(std::uint64_t bytes);
  /// Throws StorageError (DB_DISK_FULL) beyond the limit.
  void write(std::uint64_t offset, std::span<const std::byte> bytes);
  void read(std::uint64_t offset, std::span<std::byte> into) const;
  /// Overwrites all of it and leaves it empty. Connections that are still there find it damaged.
  void wipe() noexcept;

  /// SQLite's count of the transactions that changed the database; 0 for an empty one.
  [[nodiscard]] std::uint32_t change_counter() const;
  /// Marks the database as one without a write-ahead log, which there is none of in memory: one
  /// that says otherwise cannot be read (https://sqlite.org/fileformat2.html, bytes 18 and 19).
  void forget_log();
  /// Whether it begins as SQLite's databases do.
  [[nodiscard]] bool is_database() const;

 private:
  const std::string name_;
  std::string uri_;
  std::string file_name_;
  std::unique_ptr<std::byte[]> memory_;  // Of SQLite's own file object.
  sqlite3_file* file_ = nullptr;
  mutable std::atomic<std::uint64_t> largest_{0};  // That was ever seen.
};

}  // namespace turnstile::vault
