#include "diagnose/picture.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::diagnose {

std::filesystem::path find_database(std::string_view path) {
  std::error_code error;
  std::filesystem::path resolved = std::filesystem::canonical(path, error);
  if (error) {
    const bool is_missing = error == std::errc::no_such_file_or_directory;
    sqlite::raise_system(is_missing ? code("DB_NOT_FOUND") : code("DB_PERMISSION"),
                         "cannot find " + std::string(path), error.value());
  }
  if (!std::filesystem::is_regular_file(resolved, error))
    throw StorageError({.code = code("DB_OPEN_FAILED"),
                        .message = std::string(path) + " is not a regular file",
                        .hint = "Name the database file itself."});
  // Without it there would seem to be no locks.
  if (::access("/proc/locks", R_OK) != 0)
    sqlite::raise_system(code("DB_IO"), "cannot read /proc/locks", errno);
  return resolved;
}

Picture::Picture(const std::filesystem::path& database)
    : gate_(gate::ProcessGate::inspect(database)), locks_(gate::file_locks(database)) {
  std::set<std::int64_t> pids;
  if (gate_) pids.insert(gate_->members.begin(), gate_->members.end());
  // Who only reads, or found no slot, has not come to the gate.
  for (const gate::FileLock& lock : locks_)
    pids.insert(lock.pid);
  pids.erase(0);
  struct stat status {};
  if (::stat(database.c_str(), &status) == 0) {
    for (const std::int64_t pid : pids) {
      auto board = database::ForeignBoard::find(pid, status.st_dev, status.st_ino);
      if (board) boards_.emplace(pid, std::move(*board));
    }
  }
  std::error_code error;
  has_log_ = std::filesystem::exists(database.native() + "-shm", error);
  now_ = std::chrono::steady_clock::now();
}

const database::BoardPage* Picture::board_of(std::int64_t pid) const {
  const auto found = boards_.find(pid);
  return found == boards_.end() ? nullptr : &found->second.page();
}

std::chrono::milliseconds Picture::age(std::int64_t since_ns) const {
  const auto age = now_.time_since_epoch() - std::chrono::nanoseconds(since_ns);
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(age),
                  std::chrono::milliseconds::zero());
}

}  // namespace turnstile::diagnose
