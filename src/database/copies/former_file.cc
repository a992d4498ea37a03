#include "database/copies/former_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "database/copies/file_error.h"
#include "gate/file_locks.h"
#include "sqlite/error_code.h"
#include "sqlite/log_on_close.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

Holder find_user(const fs::path& path) {
  Holder holder;
  for (const gate::FileLock& lock : gate::file_locks(path)) {
    if (lock.pid == ::getpid()) continue;
    holder.kind = Holder::Kind::Process;
    holder.lock = lock.lock;
    holder.pid = lock.pid;
    holder.program = lock.program;
    break;
  }
  return holder;
}

bool is_damage(std::string_view code) {
  return code == "DB_CORRUPT" || code == "DB_NOT_A_DATABASE";
}

}  // namespace

FormerFile::FormerFile(fs::path path, const Call& call) : path_(std::move(path)), call_(call) {
  try {
    bring_to_rest();
  } catch (const Timeout&) {
    raise_in_use(path_, find_user(path_), call_);
  } catch (const StorageError& error) {
    if (!is_damage(error.code())) throw;
    connection_.reset();
    lock_damaged();
  }
}

FormerFile::~FormerFile() {
  if (descriptor_ != -1) ::close(descriptor_);
}

// The journal mode can only be changed by whoever is alone with the file, and in the exclusive
// locking mode stays alone from then on. The transaction makes sure of it.
void FormerFile::bring_to_rest() {
  sqlite::Connection::Config config;
  config.path = path_.string();
  connection_ = std::make_unique<sqlite::Connection>(std::move(config), call_);
  // Should the file turn out to be damaged, its log may be what saves it.
  sqlite::keep_log_on_close(*connection_);
  // The first statement takes in what a dead process has left, with the index in shared memory.
  static_cast<void>(connection_->query_integer("SELECT count(*) FROM sqlite_schema"));
  connection_->execute("PRAGMA locking_mode=EXCLUSIVE");
  if (connection_->query_text("PRAGMA journal_mode=DELETE") != "delete")
    raise_in_use(path_, find_user(path_), call_);
  connection_->execute("BEGIN EXCLUSIVE");
}

// SQLite does not lock what it cannot read. These are the bytes that it would lock
// (https://sqlite.org/c3ref/c_lock_exclusive.html); a lock that belongs to the open file meets its
// locks, which belong to processes, and does not go when another descriptor is closed.
void FormerFile::lock_damaged() {
  constexpr off_t kPendingByte = 0x40000000;
  constexpr off_t kLockBytes = 512;
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor_ == -1) raise_file_error(errno, "cannot open '" + path_.string() + "'", call_);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kPendingByte;
  lock.l_len = kLockBytes;
  if (::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return;
  const int cause = errno;
  ::close(std::exchange(descriptor_, -1));
  if (cause == EAGAIN || cause == EACCES) raise_in_use(path_, find_user(path_), call_);
  raise_file_error(cause, "cannot lock '" + path_.string() + "'", call_);
}

void raise_in_use(const fs::path& path, Holder holder, const Call& call) {
  const std::chrono::milliseconds waited = call.waited();
  Error::Details details;
  details.code = code("DB_IN_USE");
  details.message = "others keep '" + path.string() + "' open; " + holder.describe();
  details.lane = call.lane;
  details.where = call.where;
  details.retry_is_safe = true;
  throw Timeout(std::move(details), std::move(holder), waited);
}

}  // namespace turnstile::database
