#include "gate/gate_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

#include "gate/file_locks.h"
#include "gate/write_all.h"
#include "sqlite/deadline.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/shown_sql.h"
#include "turnstile/error.h"

namespace turnstile::gate {
namespace {

// Slot n is the byte at this offset plus n. Past the end of the file, so that no reader of the page
// could ever be taken for an owner.
constexpr off_t kFirstSlotByte = kGateFileSize;

constexpr std::chrono::milliseconds kRetry{1};

template <typename Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR)
    result = call();
  return result;
}

[[noreturn]] void fail(const std::string& what, int system_code) {
  const bool is_full = system_code == ENOSPC || system_code == EDQUOT;
  sqlite::raise_system(is_full ? code("DB_DISK_FULL") : code("GATE_UNAVAILABLE"), what,
                       system_code);
}

[[noreturn]] void refuse(std::string message, std::string hint) {
  Error::Details details;
  details.code = code("GATE_UNAVAILABLE");
  details.message = std::move(message);
  details.hint = std::move(hint);
  throw StorageError(std::move(details));
}

// No symbolic link: in a directory that others can write, it could lead anywhere.
std::unique_ptr<UninheritedFile> open_file(const std::filesystem::path& path, int flags) {
  return std::make_unique<UninheritedFile>([&] {
    return retry_interrupted(
        [&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0644); });
  });
}

std::unique_ptr<UninheritedFile> open_or_make(const std::filesystem::path& path) {
  auto file = open_file(path, O_RDWR | O_CREAT);
  if (file->descriptor() == -1) fail("cannot open " + path.string(), errno);
  return file;
}

// Behind the slots' bytes: the lock for the name of the database.
constexpr int kNameByte = kGateSlots;

struct flock byte_of(int slot, short type = F_WRLCK) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = kFirstSlotByte + slot;
  lock.l_len = 1;
  return lock;
}

// As SQLite does for its side files: whoever may use the database may use the gate. Also on a gate
// that is there already, since the database may have been made, or opened to others, after it.
// What this user may not change stays as it is.
void follow(const struct stat& gate, const std::filesystem::path& database, int descriptor) {
  struct stat status {};
  if (::stat(database.c_str(), &status) != 0) return;
  // The owner can always write, or the gate could never be opened again after the database has been
  // read-only for a while.
  const mode_t mode = (status.st_mode & 0666) | 0600;
  if ((gate.st_mode & 0777) != mode) static_cast<void>(::fchmod(descriptor, mode));
  if (::geteuid() == 0 && (gate.st_uid != status.st_uid || gate.st_gid != status.st_gid)) {
    // Assigned because glibc insists that the result is looked at.
    [[maybe_unused]] const int ignored = ::fchown(descriptor, status.st_uid, status.st_gid);
  }
}

}  // namespace

std::uint64_t own_pid_namespace() noexcept {
  struct stat status {};
  return ::stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

GateFile::GateFile(std::filesystem::path path, std::unique_ptr<UninheritedFile> file) noexcept
    : path_(std::move(path)), file_(std::move(file)) {}

GateFile::GateFile(const std::filesystem::path& path, const std::filesystem::path& database,
                   std::chrono::milliseconds patience)
    : GateFile(path, open_or_make(path)) {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) fail("cannot look at " + path.string(), errno);
  if (!S_ISREG(status.st_mode)) {
    refuse(path.string() + " is not a regular file",
           "Move it away: the gate file between processes has this name.");
  }
  follow(status, database, descriptor());
  require_gate_or_make_one(patience);
  map(PROT_READ | PROT_WRITE);
}

GateFile::GateFile(GateFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      page_(std::exchange(other.page_, nullptr)),
      slot_(other.slot_.exchange(kNoSlot)) {}

std::optional<GateFile> GateFile::look_at(const std::filesystem::path& path) {
  GateFile file(path, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (file.descriptor() == -1 || ::fstat(file.descriptor(), &status) != 0 ||
      !S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) != kGateFileSize) {
    return std::nullopt;
  }
  file.map(PROT_READ);
  if (file.page_->magic.load(std::memory_order_acquire) != kGateMagic) return std::nullopt;
  return file;
}

// A gate is complete once its magic number is in place. Until then one process completes it under
// the lock; later nobody needs the lock to join, so that a long transaction keeps nobody out.
void GateFile::require_gate_or_make_one(std::chrono::milliseconds patience) {
  const Deadline deadline = Deadline::after(patience);
  while (!is_complete()) {
    if (try_lock()) {
      // Somebody else may have finished it before this process got the lock.
      if (!is_complete()) complete();
      unlock();
      return;
    }
    if (deadline.expired()) {
      refuse("another process has been setting up " + path_.string() + " for too long",
             "Look at process " + std::to_string(locked_by()) + ": it may be stopped.");
    }
    // sleep: the page to wait on is what the other process is still making.
    std::this_thread::sleep_for(kRetry);
  }
}

bool GateFile::is_complete() const {
  // One byte more than a gate has, to see whether it ends there.
  std::array<char, kGateFileSize + 1> content{};
  const ssize_t size =
      retry_interrupted([&] { return ::pread(descriptor(), content.data(), content.size(), 0); });
  if (size == -1) fail("cannot read " + path_.string(), errno);
  std::uint64_t magic = 0;
  std::memcpy(&magic, content.data(), sizeof magic);
  if (magic == kGateMagic && static_cast<std::size_t>(size) == kGateFileSize) return true;
  // Without a number: another process makes it at this moment, or died of it, or the power failed
  // when other parts of the page had reached the medium.
  if (magic != 0 || static_cast<std::size_t>(size) > kGateFileSize) {
    refuse(path_.string() + " is not a gate file of this version",
           "End the programs that use the database, then delete the file: it is made anew.");
  }
  return false;
}

void GateFile::complete() {
  // Allocated and not sparse: a full disk is noticed here and not as SIGBUS in the page.
  int result = 0;
  do {
    result = ::posix_fallocate(descriptor(), 0, kGateFileSize);
  } while (result == EINTR);
  if (result != 0) fail("cannot allocate " + path_.string(), result);
  const std::array<char, kGateFileSize - sizeof kGateMagic> blank{};
  write_at(sizeof kGateMagic, blank.data(), blank.size());
  write_at(0, &kGateMagic, sizeof kGateMagic);
}

void GateFile::write_at(off_t from, const void* data, std::size_t size) {
  const std::span bytes(static_cast<const std::byte*>(data), size);
  const int cause = write_all_at(descriptor(), bytes, from);
  if (cause != 0) fail("cannot write " + path_.string(), cause);
}

void GateFile::map(int protection) {
  void* const memory = file_->map(kGateFileSize, protection);
  if (memory == nullptr) fail("cannot map " + path_.string(), errno);
  page_ = static_cast<GatePage*>(memory);
}

bool GateFile::is_in_place() const noexcept {
  struct stat own {};
  struct stat there {};
  if (::fstat(descriptor(), &own) != 0) return true;
  if (::stat(path_.c_str(), &there) != 0) return errno != ENOENT;
  // While it is open here, no other file can get its number.
  return own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

bool GateFile::try_lock() {
  if (retry_interrupted([&] { return ::flock(descriptor(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno != EWOULDBLOCK) fail("cannot lock " + path_.string(), errno);
  return false;
}

void GateFile::unlock() noexcept {
  retry_interrupted([&] { return ::flock(descriptor(), LOCK_UN); });
}

bool GateFile::try_pin_shared() noexcept {
  struct flock lock = byte_of(kNameByte, F_RDLCK);
  return ::fcntl(descriptor(), F_OFD_SETLK, &lock) == 0;
}

bool GateFile::try_pin_alone() noexcept {
  struct flock lock = byte_of(kNameByte);
  // Where the system cannot lock, nobody has it shared.
  return ::fcntl(descriptor(), F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

void GateFile::unpin() noexcept {
  struct flock lock = byte_of(kNameByte, F_UNLCK);
  ::fcntl(descriptor(), F_OFD_SETLK, &lock);
}

int GateFile::claim_slot() noexcept {
  for (int slot = 0; slot < kGateSlots; ++slot) {
    struct flock lock = byte_of(slot);
    // An OFD lock belongs to this descriptor: no other one of the process can drop it.
    if (::fcntl(descriptor(), F_OFD_SETLK, &lock) != 0) continue;
    // What the former owner left may say that it stands in line.
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(slot);
    page_->waiting.fetch_and(~bit);
    page_->skip.fetch_and(~bit);
    GateSlot& own = page_->slots[static_cast<std::size_t>(slot)];
    own.generation.fetch_add(1);
    own.pid_namespace.store(own_pid_namespace());
    own.pid.store(::getpid());
    slot_.store(slot, std::memory_order_relaxed);
    return slot;
  }
  return kNoSlot;
}

bool GateFile::is_alive(int slot) const noexcept {
  if (slot < 0 || slot >= kGateSlots) return false;
  // One's own lock does not show.
  if (slot == this->slot()) return true;
  struct flock lock = byte_of(slot);
  return ::fcntl(descriptor(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::int64_t GateFile::locked_by() const {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) return 0;
  return find_flock_holder(path_, FileIdentity{.device_major = major(status.st_dev),
                                               .device_minor = minor(status.st_dev),
                                               .inode = status.st_ino});
}

void GateOwner::set_lane(std::string_view name) noexcept {
  lane.fill('\0');
  std::copy_n(name.begin(), sqlite::fitting(name, lane.size() - 1), lane.begin());
}

std::optional<GateOwner> GateRecord::read() const {
  std::optional<GateOwner> owner = owner_.read();
  if (!owner || owner->pid == 0) return std::nullopt;
  // The file may have been written by anything.
  owner->lane.back() = '\0';
  return owner;
}

}  // namespace turnstile::gate
