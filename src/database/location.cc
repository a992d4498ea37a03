#include "database/location.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "database/copies/aside.h"
#include "database/copies/file_error.h"
#include "gate/file_system.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void refuse(std::string_view code, std::string message, const Call& call,
                         std::string hint = {}) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.hint = std::move(hint);
  details.lane = call.lane;
  details.where = call.where;
  throw StorageError(std::move(details));
}

[[noreturn]] void refuse(int cause, const std::string& what, const Call& call) {
  raise_file_error(cause, what, call, code("DB_OPEN_FAILED"));
}

std::string as_this_user() {
  return " as user id " + std::to_string(::geteuid());
}

// SQLite follows links too, and names the log after what they lead to, so that the gate must be
// there as well. A link to a file that does not exist yet is not resolved by the standard library.
fs::path resolve(const fs::path& path, const Call& call) {
  std::error_code error;
  fs::path target = fs::absolute(path, error);
  if (error) refuse(error.value(), "cannot tell where " + sqlite::quoted(path) + " is", call);
  constexpr int kMostLinks = 40;  // As the kernel's own limit, ELOOP.
  for (int i = 0; i < kMostLinks && fs::is_symlink(target, error); ++i) {
    const fs::path link = fs::read_symlink(target, error);
    if (error) break;
    target = link.is_absolute() ? link : target.parent_path() / link;
  }
  const fs::path directory = fs::weakly_canonical(target.parent_path(), error);
  return error ? target.lexically_normal() : directory / target.filename();
}

void require_directory(const fs::path& directory, const Options& options, const Call& call) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return;
  if (error && error.value() != ENOENT && error.value() != ENOTDIR)
    refuse(error.value(), "cannot look into " + sqlite::quoted(directory) + as_this_user(), call);
  if (!options.create_directories || options.mode != OpenMode::ReadWriteCreate) {
    const bool is_there = !error;
    refuse(code("DB_NO_DIRECTORY"),
           is_there ? sqlite::quoted(directory) + " is not a directory"
                    : "the directory " + sqlite::quoted(directory) + " does not exist",
           call);
  }
  // One by one, because only those that are made here get the private mode.
  fs::path made;
  for (const fs::path& part : directory) {
    made /= part;
    if (::mkdir(made.c_str(), S_IRWXU) != 0 && errno != EEXIST)
      refuse(errno, "cannot make the directory " + sqlite::quoted(made) + as_this_user(), call);
  }
  if (!fs::is_directory(directory, error))
    refuse(code("DB_NO_DIRECTORY"), sqlite::quoted(directory) + " is not a directory", call);
}

// Not left to SQLite, because the file must have an identity before the first connection. mknod()
// gives no descriptor: another thread may have opened the file already, and closing any descriptor
// of it would drop the locks that SQLite has on it by then.
void make_file(const fs::path& path, const Call& call) {
  constexpr mode_t kLikeSqlite = 0644;
  if (::mknod(path.c_str(), S_IFREG | kLikeSqlite, 0) != 0 && errno != EEXIST)
    refuse(errno, "cannot make the file " + sqlite::quoted(path) + as_this_user(), call);
}

void require_access(const fs::path& path, int access, std::string_view what, const Call& call) {
  if (::faccessat(AT_FDCWD, path.c_str(), access, AT_EACCESS) == 0) return;
  const int cause = errno;
  refuse(cause,
         "user id " + std::to_string(::geteuid()) + " may not " + std::string(what) + " " +
             sqlite::quoted(path),
         call);
}

// The write-ahead log needs shared memory that all processes see, and locks that hold; network file
// systems give neither reliably (https://sqlite.org/wal.html#noshm).
std::string network_file_system(const fs::path& path) {
  const gate::FileSystem* const known = gate::file_system_at(path);
  if (known == nullptr || known->keeper != gate::FileKeeper::Network) return {};
  return std::string(known->name) + " is a network file system";
}

// SQLite would not look at it, and so show an older state, or a transaction that was half undone.
void require_no_log(const fs::path& path, const Call& call) {
  for (const char* suffix : {"-wal", "-journal"}) {
    const fs::path log = path.native() + suffix;
    std::error_code error;
    const auto size = fs::file_size(log, error);
    if (error || size == 0) continue;
    refuse(code("DB_LOG_LEFT"),
           sqlite::quoted(log) + " has " + std::to_string(size) +
               " bytes that may belong to the file, and a file that is opened as immutable is read "
               "without them",
           call);
  }
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
  if (path.find('\0') != std::string_view::npos)
    sqlite::raise_misuse(code("OPTION_INVALID"), "the path contains a NUL byte", call);
  if (options.mode == OpenMode::Memory || path == ":memory:") return in_memory(path);
  if (path.empty()) sqlite::raise_misuse(code("OPTION_INVALID"), "the path is empty", call);

  const bool writes = options.mode != OpenMode::ReadOnly;
  Location location;
  location.path = resolve(fs::path(path), call);
  const fs::path directory = location.path.parent_path();
  std::error_code error;
  if (!location.path.has_filename() || fs::is_directory(location.path, error))
    refuse(code("DB_IS_DIRECTORY"), sqlite::quoted(location.path) + " names a directory", call);
  require_directory(directory, options, call);

  struct stat status {};
  if (writes) finish_interrupted_exchange(location.path, call);
  if (::stat(location.path.c_str(), &status) != 0 && errno == ENOENT) {
    if (options.mode != OpenMode::ReadWriteCreate)
      refuse(code("DB_NOT_FOUND"), "there is no file " + sqlite::quoted(location.path), call,
             exchange_was_interrupted(location.path)
                 ? "A restore was interrupted; opened for writing, the former database comes back."
                 : "");
    make_file(location.path, call);
  }
  if (::stat(location.path.c_str(), &status) != 0)
    refuse(errno, "cannot look at " + sqlite::quoted(location.path) + as_this_user(), call);
  if (!S_ISREG(status.st_mode))
    refuse(code("DB_OPEN_FAILED"), sqlite::quoted(location.path) + " is not a regular file", call);
  require_access(location.path, writes ? R_OK | W_OK : R_OK, writes ? "read and write" : "read",
                 call);
  if (writes) require_access(directory, W_OK | X_OK, "make files in", call);

  if (options.immutable) require_no_log(location.path, call);
  location.sqlite_name = options.immutable ? immutable_uri(location.path) : location.path.string();
  location.device = status.st_dev;
  location.inode = status.st_ino;
  location.links = status.st_nlink;
  location.why_no_wal = network_file_system(location.path);
  return location;
}

std::string immutable_uri(const fs::path& path) {
  return sqlite::file_uri(path) + "?immutable=1";
}

}  // namespace turnstile::database
