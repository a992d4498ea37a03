// A disk that loses power: a SQLite VFS over real files that remembers every change, so that
// afterwards any moment can be chosen at which the power failed, without running anything again.
//
// Until a file is synced, each sector of what was written to it may be on the medium or not, in any
// order, be there in part, or be rubbish; a file may have its new length or its old one; and until
// its directory is synced, a file may be there or not. SQLite's unix VFS syncs the directory with
// the first sync of a journal or log, and with a deletion where it is asked to: so does this one.
// What is mapped into memory (the log's index, the gate) is never synced, and comes back stale, in
// part, blank or not at all.
//
// It is also a disk on which a chosen write or sync fails.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace turnstile::test {

/// How a disk is worse than it may be.
struct DiskFaults {
  bool ignores_syncs = false;            ///< It says that it has synced, and has not.
  bool ignores_directory_syncs = false;  ///< The same for directories only.
  bool has_no_shared_memory = false;     ///< No fault, but a disk that cannot carry a log.
};

/// Calls that fail. A write that fails has written half; what was to be synced by one that fails is
/// as it is, and no later sync brings it to the medium: a kernel may drop what it could not write.
struct DiskFailure {
  enum class Call { Write, Sync };
  Call call = Call::Sync;
  int result = 0;         ///< What SQLite is told.
  std::string name{};     ///< Of which file; empty: of any.
  std::size_t after = 0;  ///< So many of these calls are well before.
  std::size_t count = 1;  ///< So many are not.
};

/// Threads: shared. It must outlive the databases that are opened on it.
class FragileDisk {
 public:
  /// What is in a directory: contents by name.
  using Image = std::map<std::string, std::string>;

  /// Whatever is in `directory` counts as synced.
  explicit FragileDisk(std::filesystem::path directory, DiskFaults faults = {});
  ~FragileDisk();
  FragileDisk(const FragileDisk&) = delete;
  FragileDisk& operator=(const FragileDisk&) = delete;

  /// For Options::vfs.
  [[nodiscard]] const std::string& vfs() const noexcept { return name_; }

  /// From now on, in the place of the failure before.
  void fail(DiskFailure failure);
  /// Nothing fails any more. How many calls did since fail().
  std::size_t heal();

  /// How many changes there have been.
  [[nodiscard]] std::size_t moment() const;
  /// What is there when the power fails after so many changes: one of many possibilities.
  [[nodiscard]] Image after_power_loss(std::size_t moment, std::mt19937_64& random) const;

  static void put(const Image& image, const std::filesystem::path& directory);

 private:
  struct Handle;
  struct Methods;

  struct Change {
    enum class Kind { Create, Delete, Write, Truncate, Sync, FailedSync, SyncDirectory };
    Kind kind = Kind::Create;
    std::size_t file = 0;   // Of all but SyncDirectory.
    std::int64_t from = 0;  // Of Write; of Truncate, the new length.
    std::string data{};     // Of Write; of Create and Delete, the name.
  };
  struct File {
    std::string content;
    std::vector<const Change*> unsynced;
  };
  // A mapped file as it was at a moment.
  struct Mapped {
    std::size_t moment = 0;
    std::string name;
    std::string content;
  };

  [[nodiscard]] std::size_t file_named(const std::string& name);
  void note(Change change);
  [[nodiscard]] int failure_of(DiskFailure::Call call, std::size_t file);
  void note_synced(Handle& handle);
  void note_deleted(const std::string& name, bool sync_directory);
  void note_mapped(const Handle& handle);

  static void apply(const Change& change, std::string& content);
  static void apply_in_part(const Change& change, std::string& content, std::mt19937_64& random);
  static void settle(File& file, std::mt19937_64& random);
  void add_mapped(Image& image, std::size_t moment, std::mt19937_64& random) const;

  const std::filesystem::path directory_;
  const DiskFaults faults_;
  const std::string name_;
  sqlite3_vfs* const base_;
  sqlite3_vfs vfs_{};

  mutable std::mutex mutex_;        // Guards what follows.
  std::vector<std::string> files_;  // What was there in the beginning; later ones begin empty.
  std::map<std::string, std::size_t> names_;
  std::map<std::string, std::size_t> names_at_first_;
  std::vector<Change> changes_;
  std::vector<Mapped> mapped_;
  DiskFailure failure_{.count = 0};
  std::size_t failed_ = 0;
};

}  // namespace turnstile::test
