// What a torture run did, and what it found.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"

namespace turnstile::cli::torture {

/// How a run is asked for.
struct Settings {
  int processes = 4;
  int threads = 4;
  std::chrono::milliseconds duration{10'000};
  std::chrono::milliseconds timeout{30'000};  ///< A wait that is longer is a finding.
  bool kill = false;
  bool full_disk = false;
  std::uint64_t seed = 0;
};

/// Something that must not be.
struct Finding {
  std::string id;
  std::string message;  ///< Of the first one.
  std::int64_t count = 1;
};

struct Numbers {
  std::int64_t acknowledged = 0;
  std::int64_t refused = 0;   ///< By a full disk.
  std::int64_t in_doubt = 0;  ///< Not acknowledged and in the file all the same: killed writes.
  std::int64_t reads = 0;
  std::int64_t tasks_done = 0;
  std::int64_t tasks_taken_over = 0;  ///< Ends that were refused: somebody else had the task.
  std::int64_t starts = 0;            ///< Of all processes at once on a fresh file.
  std::int64_t turns = 0;             ///< In the test of their order.
  std::int64_t repeated_turns = 0;    ///< Of these, by the process that had the one before.
  std::int64_t kills = 0;
  std::int64_t stops = 0;
  std::int64_t full_disks = 0;
  std::int64_t slow_disks = 0;
  std::int64_t backups = 0;
  std::int64_t checkpoints = 0;
  std::int64_t foreign_writes = 0;
  std::chrono::microseconds longest_write{0};
  std::chrono::microseconds longest_read{0};
};

/// Threads: shared.
class Report {
 public:
  /// Changes or reads the numbers.
  template <class F>
  auto with_numbers(F&& use) {
    const std::lock_guard lock(mutex_);
    return use(numbers_);
  }
  /// Findings of one id are counted, and the first is kept.
  void find(std::string_view id, std::string message);
  /// What could not be tried on this machine, a sentence.
  void skip(std::string what);

  [[nodiscard]] bool is_clean();
  [[nodiscard]] std::vector<Finding> findings();
  [[nodiscard]] Json to_json(const Settings& settings, std::string_view kept);
  /// For people.
  [[nodiscard]] std::string text(const Settings& settings, std::string_view kept);

 private:
  std::mutex mutex_;  // Guards what follows.
  Numbers numbers_;
  std::vector<Finding> findings_;
  std::vector<std::string> skipped_;
};

}  // namespace turnstile::cli::torture
