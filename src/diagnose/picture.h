// All that can be seen of a database from outside at one moment: the gate's page, the kernel's list
// of locks, and the boards of the processes that show one. Nothing is opened that belongs to
// SQLite.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/board.h"
#include "gate/file_locks.h"
#include "gate/process_gate.h"

namespace turnstile::diagnose {

/// The file itself: SQLite and the gate name their side files after it, not after a symbolic link.
/// Throws StorageError (DB_NOT_FOUND, DB_PERMISSION).
[[nodiscard]] std::filesystem::path find_database(std::string_view path);

/// Threads: immutable.
class Picture {
 public:
  /// `database` is from find_database().
  explicit Picture(const std::filesystem::path& database);

  [[nodiscard]] const std::optional<gate::GateView>& gate() const noexcept { return gate_; }
  [[nodiscard]] const std::vector<gate::FileLock>& locks() const noexcept { return locks_; }
  /// By process; those that show none, or none to this user, are not there.
  [[nodiscard]] const std::map<std::int64_t, database::ForeignBoard>& boards() const noexcept {
    return boards_;
  }
  /// Null when there is none.
  [[nodiscard]] const database::BoardPage* board_of(std::int64_t pid) const;
  /// Whether a write-ahead log is in use.
  [[nodiscard]] bool has_log() const noexcept { return has_log_; }

  /// How long ago that moment of CLOCK_MONOTONIC was, as seen now; not below zero.
  [[nodiscard]] std::chrono::milliseconds age(std::int64_t since_ns) const;

 private:
  std::optional<gate::GateView> gate_;
  std::vector<gate::FileLock> locks_;
  std::map<std::int64_t, database::ForeignBoard> boards_;
  bool has_log_ = false;
  std::chrono::steady_clock::time_point now_;
};

}  // namespace turnstile::diagnose
