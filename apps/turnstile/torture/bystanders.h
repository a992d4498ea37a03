// Who else is at the database during a torture run: backups, which are checked, checkpoints, and
// sqlite3 shells, which know nothing of Turnstile.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "torture/ledger.h"
#include "torture/report.h"

namespace turnstile::cli::torture {

/// Threads: confined; one of its own works.
class Bystanders {
 public:
  Bystanders(std::filesystem::path directory, const Settings& settings, Ledger& ledger,
             Report& report);
  /// Lets what is going on end.
  ~Bystanders();
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;

 private:
  void work(const std::stop_token& stop);
  void back_up();
  void check_point();
  void write_as_stranger();

  const std::filesystem::path directory_;
  const std::string database_;
  const std::string timeout_;
  Ledger& ledger_;
  Report& report_;
  std::int64_t foreign_rows_ = 0;  // Asked for.
  bool has_shell_ = true;
  std::mutex mutex_;
  std::condition_variable_any resting_;
  std::jthread thread_;  // The last, so that it ends first.
};

}  // namespace turnstile::cli::torture
