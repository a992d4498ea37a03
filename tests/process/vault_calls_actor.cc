// A process that shows what the vault asks the system for, or has it fail:
//
//   vault_calls_actor trace ROOT            makes the profile `work`, and says what happened
//   vault_calls_actor busy ROOT COUNT       makes it, sets its password and deletes it, while each
//                                           rename and each removal fails COUNT times with EBUSY
//   vault_calls_actor alone ROOT            has the workspace alone, says `ok`, waits for a line
//
// `trace` says, a line each: `mkdir PATH`, `rename PATH`, `connect N FILE`, `sql N TEXT`, `close
// N`. In the end it says `done`, or `failed` with the reason.
#include <dlfcn.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/workspace.h"

namespace turnstile::test {
namespace {

std::mutex calls_mutex;
std::vector<std::string> seen;
std::atomic<bool> tracing{false};
std::map<const void*, std::size_t> connections;

std::atomic<int> failures{0};
std::map<std::string, int> failed;  // By what was called, and for what.

void note(std::string line) {
  if (!tracing) return;
  const std::lock_guard lock(calls_mutex);
  std::ranges::replace(line, '\n', ' ');
  seen.push_back(std::move(line));
}

/// True when the call is to fail now.
bool is_busy(const std::string& call) {
  if (failures == 0) return false;
  const std::lock_guard lock(calls_mutex);
  if (++failed[call] > failures) return false;
  errno = EBUSY;
  return true;
}

/// SQLite does not repeat its own removals.
bool is_of_sqlite(std::string_view path) {
  return path.ends_with("-wal") || path.ends_with("-shm") || path.ends_with("-journal");
}

template <class F>
F* next_one(const char* name) noexcept {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

std::string number_of(const void* connection) {
  const std::lock_guard lock(calls_mutex);
  return std::to_string(connections.try_emplace(connection, connections.size() + 1).first->second);
}

int on_event(unsigned event, void* connection, void* statement, void* /*sql*/) {
  if (event == SQLITE_TRACE_CLOSE)
    note("close " + number_of(connection));
  else
    note("sql " + number_of(connection) + ' ' + sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
  return 0;
}

int on_connection(sqlite3* connection, const char** /*error*/, const void* /*routines*/) {
  const char* const file = sqlite3_db_filename(connection, "main");
  note("connect " + number_of(connection) + ' ' + (file != nullptr ? file : ""));
  return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT | SQLITE_TRACE_CLOSE, &on_event,
                          connection);
}

void trace(const std::string& root) {
  Workspace workspace = Workspace::open(root, cheap_options());
  sqlite3_auto_extension(reinterpret_cast<void (*)()>(&on_connection));
  tracing = true;
  workspace.create("work");
  tracing = false;
  for (const std::string& line : seen)
    std::cout << line << '\n';
}

void change_while_busy(const std::string& root, int count) {
  Workspace workspace = Workspace::open(root, cheap_options());
  failures = count;
  workspace.create("work");
  workspace.unlock("work").set_password("password");
  workspace.rename("work", "other");
  workspace.remove("other");
  const int each = failures.exchange(0);
  const auto calls_of = [&](std::string_view what) {
    return std::ranges::count_if(failed, [&](const auto& call) {
      return call.first.starts_with(what) && call.second > each;
    });
  };
  if (calls_of("rename ") == 0 || calls_of("unlink ") == 0 || calls_of("rmdir ") == 0)
    throw std::runtime_error("something was not called");
}

void act_on_calls(const std::vector<std::string>& words) {
  const std::string& verb = words.at(0);
  if (verb == "trace") trace(words.at(1));
  if (verb == "busy") change_while_busy(words.at(1), std::stoi(words.at(2)));
  if (verb != "alone") return;
  WorkspaceOptions options = cheap_options();
  options.exclusive = true;
  const Workspace workspace = Workspace::open(words.at(1), options);
  std::cout << "ok" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

}  // namespace
}  // namespace turnstile::test

// In the places of the C library's.
extern "C" int rename(const char* from, const char* to) noexcept {
  using namespace turnstile::test;
  if (is_busy(std::string("rename ") + from)) return -1;
  note(std::string("rename ") + to);
  return next_one<int(const char* from, const char* to)>("rename")(from, to);
}
extern "C" int unlink(const char* path) noexcept {
  using namespace turnstile::test;
  if (!is_of_sqlite(path) && is_busy(std::string("unlink ") + path)) return -1;
  return next_one<int(const char* path)>("unlink")(path);
}
extern "C" int rmdir(const char* path) noexcept {
  using namespace turnstile::test;
  if (is_busy(std::string("rmdir ") + path)) return -1;
  return next_one<int(const char* path)>("rmdir")(path);
}
extern "C" int mkdir(const char* path, mode_t mode) noexcept {
  using namespace turnstile::test;
  note(std::string("mkdir ") + path);
  return next_one<int(const char* path, mode_t mode)>("mkdir")(path, mode);
}

int main(int argc, char** argv) {
  using namespace turnstile::test;
  try {
    act_on_calls({argv + 1, argv + argc});
    std::cout << "done" << std::endl;
  } catch (const std::exception& error) {
    failures = 0;
    std::cout << "failed " << error.what() << std::endl;
  }
}
