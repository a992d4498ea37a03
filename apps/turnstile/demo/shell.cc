// The process of another program: the helper `shell` of demonstrations.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

#include "demo/plain.h"

namespace turnstile::cli::demo {

namespace {

// How long the other program takes for what it does `later`: longer than a failure that comes at
// once, shorter than anybody's timeout.
constexpr std::chrono::milliseconds kLater{300};

// The one part of this process, for callbacks of SQLite's.
Part* the_part = nullptr;

// Callbacks of SQLite's must not throw; without its parent the process has nothing to do.
void pause_here() noexcept {
  try {
    the_part->say("paused");
    // sleep: to be slow is this program's part; it waits for nothing.
    if (the_part->hear() == "later") std::this_thread::sleep_for(kLater);
  } catch (const std::exception&) {
    ::_exit(1);
  }
}

int paused_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) noexcept {
  pause_here();
  return sqlite3_vfs_find("unix")->xDelete(vfs, path, sync_directory);
}

// The methods of files, with a reading of the log that stops at the first time. Who reads a log
// first has found no index of it, and is recovering it.
sqlite3_io_methods paused_methods{};
int (*read_log)(sqlite3_file*, void*, int, sqlite3_int64) = nullptr;

int paused_read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) noexcept {
  static bool has_paused = false;
  if (!std::exchange(has_paused, true)) pause_here();
  return read_log(file, bytes, count, offset);
}

int paused_open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* file, int flags,
                int* out_flags) noexcept {
  const int result = sqlite3_vfs_find("unix")->xOpen(vfs, path, file, flags, out_flags);
  if (result != SQLITE_OK || (flags & SQLITE_OPEN_WAL) == 0) return result;
  paused_methods = *file->pMethods;
  read_log = std::exchange(paused_methods.xRead, &paused_read);
  file->pMethods = &paused_methods;
  return result;
}

// As a process leaves it that stopped in the middle of a change of the index: its header is not
// whole, and the write lock is held.
int lock_index(const std::string& database) {
  const int file = ::open((database + "-shm").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  constexpr off_t kHeaderBytes = 136;
  constexpr off_t kWriteByte = 120;
  const std::string zeros(static_cast<std::size_t>(kHeaderBytes), '\0');
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kWriteByte;
  lock.l_len = 1;
  if (file < 0 || ::pwrite(file, zeros.data(), zeros.size(), 0) != kHeaderBytes ||
      ::fcntl(file, F_SETLK, &lock) != 0)
    throw std::runtime_error("the index of the log cannot be locked");
  return file;
}

void run_habit_of_index(Part& part) {
  const int file = lock_index(part.file("app.db"));
  part.say("ready");
  pause_here();
  ::close(file);
  part.say("SQLITE_OK");
  while (!part.hear().empty()) {
  }
}

void obey(Part& part, Plain& connection) {
  for (std::string line = part.hear(); !line.empty(); line = part.hear()) {
    if (line == "die") std::raise(SIGKILL);
    if (line.starts_with("later ")) {
      part.say("SQLITE_OK");
      // sleep: as above, while the other side waits for SQLite's lock.
      std::this_thread::sleep_for(kLater);
      static_cast<void>(connection.run(line.substr(6)));
    } else if (line == "close") {
      connection.close();
      part.say("SQLITE_OK");
    } else {
      part.say(name_of(connection.run(line)));
    }
  }
}

}  // namespace

void run_shell(Part& part) {
  the_part = &part;
  part.say("which habit?");
  const std::string habit = part.hear();
  if (habit == "lock-index") return run_habit_of_index(part);
  PlainOptions options;
  static sqlite3_vfs paused = *sqlite3_vfs_find("unix");
  paused.zName = "paused";
  if (habit == "pause-at-delete") paused.xDelete = paused_delete;
  if (habit == "pause-at-recovery") paused.xOpen = paused_open;
  if (habit != "none") {
    sqlite3_vfs_register(&paused, 0);
    options.vfs = paused.zName;
  }
  Plain connection(part, "app.db", options);
  part.say("ready");
  obey(part, connection);
}

Shell::Shell(Part& part, std::string_view habit) : helper_(part.start("shell")) {
  static_cast<void>(helper_.hear());
  helper_.send(habit);
  static_cast<void>(helper_.hear());
}

std::string Shell::run(std::string_view sql) {
  helper_.send(sql);
  return helper_.hear();
}

void Shell::must(std::string_view sql) {
  if (const std::string result = run(sql); result != "SQLITE_OK")
    throw std::runtime_error("the other program failed with " + result + ": " + std::string(sql));
}

void Shell::later(std::string_view sql) {
  must("later " + std::string(sql));
}

void Shell::run_into_pause(std::string_view sql) {
  if (!sql.empty()) helper_.send(sql);
  if (const std::string said = helper_.hear(); said != "paused")
    throw std::runtime_error("the other program did not pause: " + said);
}

void Shell::go_on(bool at_once) {
  helper_.send(at_once ? "now" : "later");
}

}  // namespace turnstile::cli::demo
