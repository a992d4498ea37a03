#include "vault/files.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iterator>
#include <new>
#include <span>
#include <system_error>
#include <thread>

#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "vault/raise.h"
#include "vault/storage/write_file.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kModeBits = 0777;

/// Of that name itself, not of what a link leads to; -1 and errno otherwise.
int open_folder(const fs::path& path) noexcept {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

std::string read_up_to(int descriptor, std::size_t most, const fs::path& path, const Call& call) {
  std::string content(most, '\0');
  std::size_t size = 0;
  while (size < most) {
    const ssize_t got = ::read(descriptor, content.data() + size, most - size);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) raise_read("cannot read", path, errno, call);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

void sync_one(const fs::path& path, int flags, const Call& call) {
  const gate::Descriptor file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
  // Some file systems cannot sync a folder, and order renames by themselves.
  if (!file.is_open() || (::fsync(file.number()) != 0 && errno != EINVAL))
    raise_write("cannot bring to the medium", path, errno, call);
}

}  // namespace

int retry_while_busy(detail::FunctionRef<int()> act) {
  constexpr int kTries = 20;
  constexpr std::chrono::milliseconds kLongest{50};
  std::chrono::milliseconds pause{1};
  for (int tries = 1;; ++tries) {
    const int cause = act();
    const bool passes = cause == EBUSY || cause == ETXTBSY || cause == EAGAIN;
    if (!passes || tries == kTries) return cause;
    // Nobody tells when the file is free.
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kLongest);
  }
}

void publish_when_free(database::TempFile& file, bool overwrite) {
  std::exception_ptr failure;
  const auto publish = [&] {
    try {
      file.publish(overwrite);
      return 0;
    } catch (const StorageError& error) {
      failure = std::current_exception();
      return error.system_code() != 0 ? error.system_code() : EIO;
    }
  };
  if (retry_while_busy(publish) != 0) std::rethrow_exception(failure);
}

void write_file_atomic(const fs::path& path, std::string_view content, const Call& call) {
  naming_profile(path, [&] {
    database::TempFile temp(path, call);
    write_all(temp.descriptor(), std::as_bytes(std::span(content)), path, call);
    temp.sync();
    gate::sync_point("write_file_atomic:synced");
    publish_when_free(temp, true);
  });
}

std::optional<std::string> read_small_file(const fs::path& path, const Call& call,
                                           std::size_t limit) {
  const gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    raise_read("cannot open", path, errno, call);
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) raise_read("cannot look at", path, errno, call);
  if (!S_ISREG(status.st_mode)) raise_read("there is no regular file at", path, 0, call);
  if (static_cast<std::size_t>(status.st_size) > limit) raise_read("too large is", path, 0, call);
  return read_up_to(file.number(), static_cast<std::size_t>(status.st_size), path, call);
}

bool make_private_folder(const fs::path& path, const Call& call) {
  if (::mkdir(path.c_str(), S_IRWXU) == 0) return false;
  if (errno != EEXIST) raise_write("cannot make the folder", path, errno, call);
  return narrow_folder(path, call);
}

bool narrow_folder(const fs::path& path, const Call& call) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    raise_write("cannot look at", path, errno, call);
  }
  // A link would lead to somebody else's folder, which is not ours to narrow or to empty.
  if (!S_ISDIR(status.st_mode))
    raise_write(S_ISLNK(status.st_mode) ? "there is a link at" : "there is no folder at", path,
                ENOTDIR, call);
  if ((status.st_mode & kModeBits) == S_IRWXU) return false;
  const gate::Descriptor folder(open_folder(path));
  if (!folder.is_open() && (errno == ELOOP || errno == ENOTDIR))
    raise_write("there is no folder any more at", path, errno, call);
  // File systems without permissions, such as FAT, accept this or refuse it, and keep what they
  // have; that is no reason not to use them.
  if (!folder.is_open() || ::fchmod(folder.number(), S_IRWXU) != 0) return false;
  return ::fstat(folder.number(), &status) == 0 && (status.st_mode & kModeBits) == S_IRWXU;
}

gate::Descriptor open_part(const fs::path& path, const Call& call) {
  gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) raise_read("cannot open", path, errno, call);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) raise_read("cannot look at", path, errno, call);
  if (!S_ISREG(status.st_mode)) raise_read("there is no regular file at", path, 0, call);
  return file;
}

void make_private_file(const fs::path& path, const Call& call) {
  const gate::Descriptor file(::open(
      path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!file.is_open() && errno != EEXIST) raise_write("cannot make", path, errno, call);
}

void move_entry(const fs::path& from, const fs::path& to, const Call& call) {
  const int cause =
      retry_while_busy([&] { return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno; });
  if (cause != 0) raise_write("cannot rename " + quoted(from) + " to", to, cause, call);
  sync_folder(to.parent_path(), call);
  if (from.parent_path() != to.parent_path()) sync_folder(from.parent_path(), call);
}

void copy_file(const fs::path& from, const fs::path& to, const Call& call) {
  constexpr std::size_t kPiece = std::size_t{1} << 18;
  const gate::Descriptor source = open_part(from, call);
  const gate::Descriptor target(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!target.is_open()) raise_write("cannot make", to, errno, call);
  for (;;) {
    const std::string piece = read_up_to(source.number(), kPiece, from, call);
    if (piece.empty()) return;
    write_all(target.number(), std::as_bytes(std::span(piece)), to, call);
  }
}

void sync_medium(const fs::path& path, const Call& call) {
  const gate::Descriptor folder(open_folder(path));
  if (!folder.is_open() || ::syncfs(folder.number()) != 0)
    raise_write("cannot bring to the medium", path, errno, call);
}

void sync_tree(const fs::path& path, const Call& call) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(path, error)))
    return sync_one(path, O_RDONLY | O_NONBLOCK, call);
  for (const std::string& name : names_of(path, call))
    sync_tree(path / name, call);
  sync_folder(path, call);
}

void sync_folder(const fs::path& path, const Call& call) {
  sync_one(path, O_RDONLY | O_DIRECTORY, call);
}

void remove_tree(const fs::path& path, const Call& call) {
  std::error_code error;
  const bool is_folder = fs::is_directory(fs::symlink_status(path, error));
  if (is_folder) empty_folder(path, call);
  const int cause = retry_while_busy([&] {
    const int removed = is_folder ? ::rmdir(path.c_str()) : ::unlink(path.c_str());
    return removed == 0 || errno == ENOENT ? 0 : errno;
  });
  if (cause != 0) raise_write("cannot remove", path, cause, call);
}

void empty_folder(const fs::path& path, const Call& call) {
  for (const std::string& name : names_of(path, call))
    remove_tree(path / name, call);
}

std::vector<std::string> names_of(const fs::path& path, const Call& call) {
  std::vector<std::string> names;
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(path, error)))
    raise_read("there is a link at", path, ENOTDIR, call);
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error && error.value() != ENOENT) raise_read("cannot list", path, error.value(), call);
  return names;
}

std::string random_name() {
  std::array<unsigned char, 16> bytes{};
  // So few bytes come at once and without an error, once the system has started.
  if (::getrandom(bytes.data(), bytes.size(), 0) != std::ssize(bytes)) throw std::bad_alloc();
  std::array<char, 3> digits{};
  std::string name;
  for (const unsigned char byte : bytes) {
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    name += digits.data();
  }
  return name;
}

}  // namespace turnstile::vault
