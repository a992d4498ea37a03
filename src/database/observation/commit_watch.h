// What has been committed since the last look, by whomever, and what is known of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "database/observation/own_commits.h"
#include "gate/commit_ring.h"
#include "gate/gate_file.h"
#include "sqlite/commit_counter.h"
#include "sqlite/connection.h"

namespace turnstile::database {

/// One commit, or several of which the same is known. Threads: confined.
struct SeenCommit {
  std::uint64_t count = 1;
  std::uint64_t others = 0;                ///< Of these, commits by other processes.
  bool everything = false;                 ///< It may have touched any table.
  std::vector<sqlite::Touched::Set> sets;  ///< What this process touched,
  gate::CommittedTables tables;            ///< what other processes did.
};

/// Threads: confined.
class CommitWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// Of a database in memory, whose commits are all its own.
  explicit CommitWatch(OwnCommits& own) noexcept : own_(own) {}
  /// `connection` is the watch's own from now on; `database` is the path of the file.
  /// Throws Error (OBSERVATION_FAILED) when this engine does not tell the number of a commit.
  CommitWatch(OwnCommits& own, std::unique_ptr<sqlite::Connection> connection, bool has_log,
              const std::filesystem::path& database);

  /// All commits since the last look, or since the watch was made, in their order. Throws
  /// StorageError (DB_FILE_REPLACED), once, when there will be no more of them.
  [[nodiscard]] std::vector<SeenCommit> look(Clock::time_point now = Clock::now());

  /// The name of a table, by its hash; null when there is none.
  [[nodiscard]] const std::string* find_table(std::uint32_t hash);

 private:
  [[nodiscard]] std::vector<SeenCommit> look_at_own();
  [[nodiscard]] std::vector<SeenCommit> start_anew(const sqlite::CommitMark& mark);
  /// The commits that nobody has explained yet may still be; false while it is too early to tell.
  [[nodiscard]] bool is_overdue(std::uint32_t number, Clock::time_point now) noexcept;
  [[nodiscard]] std::optional<gate::CommittedTables> explanation_of(std::uint32_t number) noexcept;
  void find_gate();
  void require_in_place();

  OwnCommits& own_;
  std::unique_ptr<sqlite::Connection> connection_;
  std::optional<sqlite::CommitCounter> counter_;
  std::filesystem::path gate_path_;
  sqlite::CommitMark last_;

  std::optional<gate::GateFile> gate_;
  gate::CommitRing::Keys stale_{};
  Clock::time_point gate_checked_;
  bool is_replaced_ = false;

  std::optional<std::uint32_t> unexplained_;  // The first one, and when it was first seen.
  Clock::time_point unexplained_since_;

  std::map<std::uint32_t, std::string> names_;
};

}  // namespace turnstile::database
