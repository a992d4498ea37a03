// A process that does one thing to a workspace, and may be killed in the middle of it:
//
//   vault_actor POINT COUNT ROOT VERB ARGUMENTS...
//
// At the sync point POINT, the first time, it says `at POINT` and waits for a line. At call number
// COUNT, from 1, that would change a file after its VERB has begun, it kills itself; with 0 it does
// not, and says how many there were. Verbs, about the profile `work` whose password is `password`:
//
//   create KIND, set KIND, change, remove-password, convert KIND, rotate, rename, duplicate,
//   delete, restore FILE, attach, purge many COUNT      makes so many profiles race waits for a
//   byte on descriptor 3; then eight threads write to `work` and read hold            unlocks, says
//   `ok`, waits for a line save            unlocks, writes, saves, says `ok`, writes once more,
//   says `ok`, waits for a line
//
// In the end it says `done N` with the number of calls, or `failed` with the reason.
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gate/sync_point.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

std::string point;
std::atomic<bool> armed{false};
std::atomic<int> calls{0};
int fatal_call = 0;

void before_change() noexcept {
  if (armed && ++calls == fatal_call) ::kill(::getpid(), SIGKILL);
}

/// The C library's function of that name, which this program's own one stands in front of.
template <class F>
F* real(const char* name) noexcept {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

void say_and_wait(const std::string& line) {
  std::cout << line << std::endl;
  std::string answer;
  std::getline(std::cin, answer);
}

void on_sync_point(std::string_view name) {
  if (name != point) return;
  gate::sync_point_hook = nullptr;
  say_and_wait("at " + std::string(name));
}

WorkspaceOptions actor_options() {
  WorkspaceOptions options = cheap_options();
  options.save_within = std::chrono::milliseconds(0);
  options.database.connections = 2;
  return options;
}

VaultSession unlock(Workspace& workspace) {
  const bool plain = !workspace.profile("work").is_protected();
  return workspace.unlock("work", plain ? "" : "password");
}

void race(Workspace& workspace) {
  constexpr int kThreads = 8;
  char byte = 0;
  if (::read(3, &byte, 1) != 1) ::_exit(1);
  const VaultSession session = workspace.unlock("work");
  std::barrier together(kThreads);
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        together.arrive_and_wait();
        try {
          const Lane lane = session.lane("notes");
          add_note(lane, std::to_string(::getpid()) + " " + std::to_string(i));
          (void)count_notes(lane);
        } catch (const std::exception& error) {
          std::cerr << error.what() << std::endl;
          ++failures;
        }
      });
    }
  }
  if (failures > 0) throw std::runtime_error(std::to_string(failures) + " threads failed");
}

void save_and_wait(Workspace& workspace) {
  const VaultSession session = unlock(workspace);
  add_note(session.lane("notes"), "saved");
  session.save();
  std::cout << "ok" << std::endl;
  add_note(session.lane("notes"), "not saved");
  say_and_wait("ok");
}

void change_profile(Workspace& workspace, const std::vector<std::string>& words) {
  const std::string& verb = words.at(0);
  const auto kind = [&] { return profile_kind_of(words.at(1)).value(); };
  const VaultSession session = unlock(workspace);
  armed = true;
  if (verb == "set") session.set_password("password", kind());
  if (verb == "change") session.change_password("password", "changed");
  if (verb == "remove-password") session.remove_password("password");
  if (verb == "convert") session.convert(kind());
  if (verb == "rotate") session.rotate_key("password");
  if (verb == "attach") session.attach_bytes(as_bytes("new"), {.name = "new.txt"});
  if (verb == "purge") session.purge_attachment(session.attachments().at(0).id);
  if (verb == "hold") say_and_wait("ok");
}

void act(const std::string& root, const std::vector<std::string>& words) {
  const std::string& verb = words.at(0);
  Workspace workspace = Workspace::open(root, actor_options());
  if (verb == "race") return race(workspace);
  if (verb == "save") return save_and_wait(workspace);
  if (verb == "many") {
    for (int i = 0; i < std::stoi(words.at(1)); ++i)
      workspace.create(std::to_string(::getpid()) + " " + std::to_string(i));
    return;
  }
  const auto begins = [&](std::string_view name) {
    if (verb == name) armed = true;
    return verb == name;
  };
  if (begins("create")) {
    const auto kind = profile_kind_of(words.at(1)).value();
    workspace.create("new", {.kind = kind, .password = kind == ProfileKind::Plain ? "" : "new"});
  } else if (begins("rename")) {
    workspace.rename("work", "renamed");
  } else if (begins("duplicate")) {
    workspace.duplicate("work", "copy", workspace.profile("work").is_protected() ? "password" : "");
  } else if (begins("delete")) {
    workspace.remove("work");
  } else if (begins("restore")) {
    workspace.restore(words.at(1), {.profile = "work"});
  } else {
    change_profile(workspace, words);
  }
}

}  // namespace
}  // namespace turnstile::test

// In the places of the C library's: those with which this library and SQLite change files. A file
// that open() makes is empty until the next one of these.
extern "C" int rename(const char* from, const char* to) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(const char* from, const char* to)>("rename")(from, to);
}
extern "C" int unlink(const char* path) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(const char* path)>("unlink")(path);
}
extern "C" int unlinkat(int folder, const char* path, int flags) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(int folder, const char* path, int flags)>("unlinkat")(
      folder, path, flags);
}
extern "C" int rmdir(const char* path) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(const char* path)>("rmdir")(path);
}
extern "C" int mkdir(const char* path, mode_t mode) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(const char* path, mode_t mode)>("mkdir")(path, mode);
}
extern "C" int fsync(int file) {
  turnstile::test::before_change();
  return turnstile::test::real<int(int file)>("fsync")(file);
}
extern "C" int fdatasync(int file) {
  turnstile::test::before_change();
  return turnstile::test::real<int(int file)>("fdatasync")(file);
}
extern "C" int ftruncate(int file, off_t size) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(int file, off_t size)>("ftruncate")(file, size);
}
extern "C" int ftruncate64(int file, off64_t size) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(int file, off64_t size)>("ftruncate64")(file, size);
}
extern "C" ssize_t write(int file, const void* bytes, size_t size) {
  turnstile::test::before_change();
  return turnstile::test::real<ssize_t(int file, const void* bytes, size_t size)>("write")(
      file, bytes, size);
}
extern "C" ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  turnstile::test::before_change();
  return turnstile::test::real<ssize_t(int file, const void* bytes, size_t size, off_t at)>(
      "pwrite")(file, bytes, size, at);
}
extern "C" ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  turnstile::test::before_change();
  return turnstile::test::real<ssize_t(int file, const void* bytes, size_t size, off64_t at)>(
      "pwrite64")(file, bytes, size, at);
}
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned flags) noexcept {
  turnstile::test::before_change();
  return turnstile::test::real<int(int, const char*, int, const char*, unsigned)>("renameat2")(
      from_folder, from, to_folder, to, flags);
}

int main(int argc, char** argv) {
  using namespace turnstile;
  const std::vector<std::string> words(argv + 1, argv + argc);
  test::point = words.at(0);
  test::fatal_call = std::stoi(words.at(1));
  gate::sync_point_hook = &test::on_sync_point;
  try {
    test::act(words.at(2), {words.begin() + 3, words.end()});
    test::armed = false;
    std::cout << "done " << test::calls << std::endl;
  } catch (const std::exception& error) {
    test::armed = false;
    std::cout << "failed " << error.what() << std::endl;
  }
}
