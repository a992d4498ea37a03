// What can be told of a database and the files beside it without SQL.
#pragma once

#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sqlite/quote.h"

namespace turnstile::diagnose {

using sqlite::quoted;

/// What a name leads to. Threads: immutable.
struct FileState {
  bool exists = false;
  bool is_regular = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t links = 0;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;
  std::uint32_t owner = 0;
  std::int64_t changed_ns = 0;  ///< Time of the last change of the content.
  int error = 0;                ///< Why nothing is known; 0 for one that just is not there.

  friend bool operator==(const FileState&, const FileState&) = default;
};

/// Does not open it.
[[nodiscard]] FileState look_at(const std::filesystem::path& path) noexcept;

/// One word for a shell.
[[nodiscard]] std::string shell_word(const std::filesystem::path& path);
/// `1 file`, `2 files`.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view what);

/// The fields of the first hundred bytes that tell something.
/// https://sqlite.org/fileformat2.html#the_database_header. Threads: immutable.
struct Header {
  std::uint32_t page_size = 0;
  int write_version = 0;  ///< 1: rollback journal, 2: write-ahead log.
  int read_version = 0;
  std::uint32_t change_counter = 0;
  std::uint32_t page_count = 0;      ///< Only right if the two below are equal.
  std::uint32_t valid_for = 0;       ///< The change counter when page_count was set.
  std::uint32_t engine_version = 0;  ///< Of whoever wrote last, as SQLITE_VERSION_NUMBER.

  [[nodiscard]] bool has_log() const noexcept { return read_version == 2; }
};

enum class FileKind : std::uint8_t {
  Missing,
  Unreadable,
  NotRegular,
  Empty,
  Database,
  Encrypted,  ///< Or no database at all, which nobody can tell who has not the key.
  Sealed,     ///< A file of a vault of this library.
  Other,
};

/// Threads: immutable.
struct FileContent {
  FileKind kind = FileKind::Missing;
  std::string why{};               ///< Of what is Unreadable or Other.
  bool is_forbidden = false;       ///< Unreadable for want of a right to read the file.
  std::optional<Header> header{};  ///< Of a Database.
};

/// Reads the beginning of the file in a way that is safe in a process that has it open.
[[nodiscard]] FileContent read_content(const std::filesystem::path& path, const FileState& state);

/// A write-ahead log as it lies there. https://sqlite.org/fileformat2.html#walformat. Threads:
/// immutable.
struct LogContent {
  bool is_log = false;  ///< It begins as one.
  std::uint32_t page_size = 0;
  std::uint64_t committed_frames = 0;  ///< Those that SQLite takes in.
  /// Those up to the last commit behind a wrong checksum, which SQLite takes for the end.
  std::uint64_t lost_frames = 0;
  bool is_torn = false;  ///< Ends in a frame that was not written completely, as a crash leaves it.
  /// The change counter in the newest committed page 1, if the log has one.
  std::optional<std::uint32_t> change_counter{};
};

/// Reads all frames. SQLite has no locks on a log, so that it may be opened as it is.
[[nodiscard]] LogContent read_log(const std::filesystem::path& path);

/// Whether there is a rollback journal with something to undo.
[[nodiscard]] bool has_hot_header(const std::filesystem::path& journal);

/// Threads: immutable.
struct FileSystemState {
  std::string name{};  ///< `NFS`, `ext4`; empty when it is none that is known here.
  bool is_network = false;
  bool is_fuse = false;
  bool is_read_only = false;
  std::uint64_t free_bytes = 0;  ///< For this user.
};

/// statfs(2), or what a test says instead; false when the path cannot be asked about.
using StatFileSystem = std::function<bool(const std::filesystem::path&, struct statfs&)>;
[[nodiscard]] bool stat_file_system(const std::filesystem::path& path, struct statfs& to);

[[nodiscard]] std::optional<FileSystemState> file_system_of(const std::filesystem::path& path,
                                                            const StatFileSystem& stat);

}  // namespace turnstile::diagnose
