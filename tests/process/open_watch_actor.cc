// open_watch_actor PATH [intrude]: uses a database in every way and watches who opens its files.
//
// SQLite may open NAME, NAME-wal and NAME-shm, and nobody else while a connection lives: closing a
// descriptor of such a file drops all locks that the process has on it. This program takes the
// place of the C library's functions that open files, for itself and all libraries it is linked
// with. SQLite's own calls come through its table of system calls, which says so beforehand; every
// other one on such a file is a finding. With `intrude` it makes some itself, to be found.
//
// Prints a line `finding FUNCTION PATH` for each, then a Reply.
#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/counted_migrations.h"
#include "support/reply.h"
#include "turnstile/diagnose.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace {

thread_local bool inside_engine = false;

// What the engine has open of the watched files.
struct Watch {
  std::mutex mutex;
  std::string path;  // Nothing is watched while it is empty.
  std::vector<int> engine_descriptors;
  std::size_t engine_opens = 0;
  std::vector<std::string> findings;
};

Watch& watch() {
  static Watch instance;
  return instance;
}

std::atomic<bool> watching{false};

// Looks at a successful open. Its descriptor, and not its name, tells which file it is: the name
// may lead through links.
void opened(const char* function, int descriptor) {
  if (descriptor < 0 || !watching.load(std::memory_order_acquire)) return;
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  const std::string_view file(target.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  const std::lock_guard lock(watch().mutex);
  const std::string& path = watch().path;
  if (file != path && file != path + "-wal" && file != path + "-shm") return;
  if (inside_engine) {
    ++watch().engine_opens;
    watch().engine_descriptors.push_back(descriptor);
  } else if (!watch().engine_descriptors.empty()) {
    watch().findings.push_back(std::string(function) + " " + std::string(file));
  }
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int mode_of(int flags, std::va_list list) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, int) : 0;
}

using Open = int (*)(const char*, int, ...);
using OpenAt = int (*)(int, const char*, int, ...);
using FileOpen = std::FILE* (*)(const char*, const char*);

std::FILE* opened(const char* function, std::FILE* file) {
  if (file != nullptr) opened(function, ::fileno(file));
  return file;
}

}  // namespace

// In place of the C library's, for the whole program.
extern "C" {
int open(const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const int mode = mode_of(flags, list);
  va_end(list);
  const int descriptor = next<Open>("open")(path, flags, mode);
  opened("open", descriptor);
  return descriptor;
}
int open64(const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const int mode = mode_of(flags, list);
  va_end(list);
  const int descriptor = next<Open>("open64")(path, flags, mode);
  opened("open64", descriptor);
  return descriptor;
}
int openat(int directory, const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const int mode = mode_of(flags, list);
  va_end(list);
  const int descriptor = next<OpenAt>("openat")(directory, path, flags, mode);
  opened("openat", descriptor);
  return descriptor;
}
int openat64(int directory, const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const int mode = mode_of(flags, list);
  va_end(list);
  const int descriptor = next<OpenAt>("openat64")(directory, path, flags, mode);
  opened("openat64", descriptor);
  return descriptor;
}
int creat(const char* path, mode_t mode) {
  const int descriptor = next<int (*)(const char*, mode_t)>("creat")(path, mode);
  opened("creat", descriptor);
  return descriptor;
}
std::FILE* fopen(const char* path, const char* mode) {
  return opened("fopen", next<FileOpen>("fopen")(path, mode));
}
std::FILE* fopen64(const char* path, const char* mode) {
  return opened("fopen64", next<FileOpen>("fopen64")(path, mode));
}
}

namespace turnstile::test {
namespace {

int engine_open(const char* path, int flags, int mode) {
  inside_engine = true;
  const int descriptor = ::open(path, flags, mode);
  inside_engine = false;
  return descriptor;
}

int engine_close(int descriptor) {
  {
    const std::lock_guard lock(watch().mutex);
    std::erase(watch().engine_descriptors, descriptor);
  }
  return ::close(descriptor);
}

template <class Function>
sqlite3_syscall_ptr as_system_call(Function function) {
  return reinterpret_cast<sqlite3_syscall_ptr>(function);
}

void watch_engine(const std::string& path) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  vfs->xSetSystemCall(vfs, "open", as_system_call(&engine_open));
  vfs->xSetSystemCall(vfs, "close", as_system_call(&engine_close));
  watch().path = path;
  watching = true;
}

void intrude(const std::string& path) {
  ::close(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::ifstream log(path + "-wal");
  ::close(::openat(AT_FDCWD, (path + "-shm").c_str(), O_RDONLY | O_CLOEXEC));
}

// Everything in the library that could be tempted to look into the files.
void use(const std::string& path, bool intrudes) {
  Options options;
  options.migrations = counted_migrations(3);
  options.checkpoint_frames = 50;
  Database db = Database::open(path, options);
  const std::string link = path + ".link";
  std::filesystem::create_symlink(path, link);
  Database again = Database::open(link, options);
  try {
    Database::open(path, Options{}).close();
  } catch (const MisuseError&) {
    static_cast<void>(again.info());
  }
  const Lane lane = db.lane("main");
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&lane] {
      for (int i = 0; i < 100; ++i) {
        lane.write([](WriteTx& tx) {
          tx.execute("INSERT INTO made_by_step_1(note) VALUES (zeroblob(2000))");
        });
        lane.read([](ReadTx& tx) {
          return tx.query<std::int64_t>("SELECT count(*) FROM made_by_step_1").one();
        });
      }
    });
  }
  threads.clear();
  lane.submit([](WriteTx& tx) { tx.execute("DELETE FROM made_by_step_1"); }).get();
  static_cast<void>(db.info());
  static_cast<void>(locks(path));
  // A stranger in the way: a wait, and the search for whom to blame.
  sqlite3* stranger = nullptr;
  sqlite3_open(path.c_str(), &stranger);
  sqlite3_exec(stranger, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  try {
    lane.write({.timeout = std::chrono::milliseconds(20)}, [](WriteTx&) {});
  } catch (const Timeout&) {
    static_cast<void>(locks(path));
  }
  sqlite3_close(stranger);
  if (intrudes) intrude(path);
  again.close();
  db.close();
  Database::open(path, options).close();
}

}  // namespace
}  // namespace turnstile::test

int main(int count, char** arguments) {
  using turnstile::test::Reply;
  const std::string path = arguments[1];
  turnstile::test::watch_engine(path);
  Reply reply(true);
  try {
    turnstile::test::use(path, count > 2 && std::string_view(arguments[2]) == "intrude");
  } catch (const std::exception& error) {
    reply = Reply::of(error);
  }
  watching = false;
  for (const std::string& finding : watch().findings)
    std::cout << "finding " << finding << '\n';
  reply.set("engine_opens", static_cast<std::int64_t>(watch().engine_opens));
  reply.set("still_open", static_cast<std::int64_t>(watch().engine_descriptors.size()));
  std::cout << reply.line() << std::endl;
  return 0;
}
