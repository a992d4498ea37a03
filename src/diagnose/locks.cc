// The gate's view of a database and the kernel's, in one list.
#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "gate/file_locks.h"
#include "gate/process_gate.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/diagnose.h"

namespace turnstile {
namespace {

// The file itself: SQLite and the gate name their side files after it, not after a symbolic link.
std::filesystem::path resolve(std::string_view path) {
  std::error_code error;
  std::filesystem::path resolved = std::filesystem::canonical(path, error);
  if (error) {
    const bool is_missing = error == std::errc::no_such_file_or_directory;
    sqlite::raise_system(is_missing ? code("DB_NOT_FOUND") : code("DB_PERMISSION"),
                         "cannot find " + std::string(path), error.value());
  }
  return resolved;
}

LockInfo writer_turn(const gate::GateView& view) {
  LockInfo info;
  info.lock = "writer turn";
  info.kind = "write";
  info.pid = view.holder->pid;
  info.program = gate::program_of(info.pid);
  info.thread = view.holder->thread_id;
  info.lane = view.holder->lane;
  if (view.holder->since != std::chrono::system_clock::time_point()) {
    // Not below zero when the system's clock was set back.
    info.since = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::system_clock::now() - view.holder->since),
                          std::chrono::milliseconds::zero());
  }
  info.waiters = view.waiting;
  return info;
}

}  // namespace

std::vector<LockInfo> locks(std::string_view path) {
  const std::filesystem::path database = resolve(path);
  std::vector<LockInfo> result;
  const std::optional<gate::GateView> view = gate::ProcessGate::inspect(database);
  if (view && view->holder) result.push_back(writer_turn(*view));
  for (gate::FileLock& lock : gate::file_locks(database)) {
    LockInfo info;
    info.lock = std::move(lock.lock);
    info.kind = lock.exclusive ? "write" : "read";
    info.pid = lock.pid;
    info.program = std::move(lock.program);
    info.waiters = std::move(lock.waiters);
    result.push_back(std::move(info));
  }
  return result;
}

}  // namespace turnstile
