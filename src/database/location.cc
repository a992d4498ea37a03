#include "database/location.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

[[noreturn]] void refuse(std::string_view code, std::string message, int system_code = 0) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.system_code = system_code;
  throw StorageError(std::move(details));
}

// SQLite follows links too, and names the log after what they lead to, so that the gate must be
// there as well. A link to a file that does not exist yet is not resolved by the standard library.
fs::path resolve(const fs::path& path) {
  std::error_code error;
  fs::path target = fs::absolute(path);
  constexpr int kMostLinks = 40;  // As the kernel's own limit, ELOOP.
  for (int i = 0; i < kMostLinks && fs::is_symlink(target, error); ++i) {
    const fs::path link = fs::read_symlink(target, error);
    if (error) break;
    target = link.is_absolute() ? link : target.parent_path() / link;
  }
  const fs::path directory = fs::weakly_canonical(target.parent_path(), error);
  return error ? target.lexically_normal() : directory / target.filename();
}

void require_directory(const fs::path& directory, const Options& options) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return;
  if (error && error.value() != ENOENT && error.value() != ENOTDIR) {
    sqlite::raise_system(code("DB_PERMISSION"), "cannot look into " + quoted(directory),
                         error.value());
  }
  if (!options.create_directories || options.mode != OpenMode::ReadWriteCreate) {
    refuse(code("DB_NO_DIRECTORY"), "the directory " + quoted(directory) + " does not exist");
  }
  // One by one, because only those that are made here get the private mode.
  fs::path made;
  for (const fs::path& part : directory) {
    made /= part;
    if (::mkdir(made.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
      sqlite::raise_system(code("DB_PERMISSION"), "cannot make the directory " + quoted(made),
                           errno);
    }
  }
}

// Made by a call of its own, and not by SQLite, because the file must have an identity before the
// first connection. O_EXCL: a file that exists may be open in this process, and closing any
// descriptor of it would drop SQLite's locks.
void make_file(const fs::path& path) {
  constexpr mode_t kLikeSqlite = 0644;
  const int descriptor = ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, kLikeSqlite);
  if (descriptor >= 0) {
    ::close(descriptor);
  } else if (errno != EEXIST) {
    const int cause = errno;
    const bool permission = cause == EACCES || cause == EPERM || cause == EROFS;
    sqlite::raise_system(permission ? code("DB_PERMISSION") : code("DB_OPEN_FAILED"),
                         "cannot make the file " + quoted(path) + " as user id " +
                             std::to_string(::geteuid()),
                         cause);
  }
}

void require_access(const fs::path& path, int access, std::string_view what) {
  if (::faccessat(AT_FDCWD, path.c_str(), access, AT_EACCESS) == 0) return;
  const int cause = errno;
  sqlite::raise_system(code("DB_PERMISSION"),
                       "user id " + std::to_string(::geteuid()) + " may not " + std::string(what) +
                           " " + quoted(path),
                       cause);
}

// The write-ahead log needs shared memory that all processes see, and locks that hold; network file
// systems give neither reliably (https://sqlite.org/wal.html#noshm). Numbers as in statfs(2).
std::string network_file_system(const fs::path& path) {
  constexpr auto kKnown = std::to_array<std::pair<std::uint32_t, std::string_view>>({
      {0x6969, "NFS"},
      {0xFF534D42, "CIFS"},
      {0xFE534D42, "SMB"},
      {0x517B, "SMB"},
      {0x01021997, "9P"},
      {0x00C36400, "Ceph"},
      {0x0BD00BD0, "Lustre"},
      {0x5346414F, "AFS"},
      {0x73757245, "Coda"},
      {0x47504653, "GPFS"},
      {0x20030528, "OrangeFS"},
  });
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return {};
  const auto type = static_cast<std::uint32_t>(info.f_type);
  for (const auto& [magic, name] : kKnown) {
    if (magic == type) return std::string(name) + " is a network file system";
  }
  return {};
}

Location in_memory(std::string_view path) {
  static std::atomic<std::uint64_t> next{0};
  const bool anonymous = path.empty() || path == ":memory:";
  Location location;
  location.in_memory = true;
  // The leading slash makes it one database for all connections of the process that name it
  // (the memdb VFS); without it every connection would have a database of its own. The identity of
  // the file system's own names cannot begin with this prefix.
  location.sqlite_name = "file:/turnstile-memory/";
  if (anonymous) {
    location.sqlite_name += "unnamed-" + std::to_string(next.fetch_add(1));
  } else {
    constexpr std::string_view kHex = "0123456789abcdef";
    location.sqlite_name += "named-";
    for (const char c : path) {
      const auto byte = static_cast<unsigned char>(c);
      location.sqlite_name += kHex[byte >> 4U];
      location.sqlite_name += kHex[byte & 15U];
    }
  }
  location.sqlite_name += "?vfs=memdb";
  return location;
}

}  // namespace

std::string Location::identity() const {
  if (in_memory) return sqlite_name;
  return std::to_string(device) + ":" + std::to_string(inode);
}

Location locate(std::string_view path, const Options& options, const Call& call) {
  if (path.find('\0') != std::string_view::npos) {
    sqlite::raise_misuse(code("OPTION_INVALID"), "the path contains a NUL byte", call);
  }
  if (options.mode == OpenMode::Memory || path == ":memory:") return in_memory(path);
  if (path.empty()) sqlite::raise_misuse(code("OPTION_INVALID"), "the path is empty", call);

  const bool writes = options.mode != OpenMode::ReadOnly;
  Location location;
  location.path = resolve(fs::path(path));
  const fs::path directory = location.path.parent_path();
  std::error_code error;
  if (fs::is_directory(location.path, error)) {
    refuse(code("DB_IS_DIRECTORY"), quoted(location.path) + " is a directory");
  }
  require_directory(directory, options);

  struct stat status {};
  if (::stat(location.path.c_str(), &status) != 0 && errno == ENOENT) {
    if (options.mode != OpenMode::ReadWriteCreate) {
      refuse(code("DB_NOT_FOUND"), "there is no file " + quoted(location.path));
    }
    make_file(location.path);
  }
  if (::stat(location.path.c_str(), &status) != 0) {
    sqlite::raise_system(code("DB_PERMISSION"), "cannot look at " + quoted(location.path), errno);
  }
  if (!S_ISREG(status.st_mode)) {
    refuse(code("DB_OPEN_FAILED"), quoted(location.path) + " is not a regular file");
  }
  require_access(location.path, writes ? R_OK | W_OK : R_OK, writes ? "read and write" : "read");
  if (writes) require_access(directory, W_OK | X_OK, "make files in");

  location.sqlite_name = location.path.string();
  location.device = status.st_dev;
  location.inode = status.st_ino;
  location.links = status.st_nlink;
  location.why_no_wal = network_file_system(location.path);
  return location;
}

}  // namespace turnstile::database
