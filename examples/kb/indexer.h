// Brings the database in line with a directory, with several workers; other processes may do the
// same at the same time and share the work.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>

#include "lock_failures.h"
#include "store.h"

namespace kb {

/// Threads: confined; progress() is shared.
class Indexer {
 public:
  Indexer(Store& store, std::string root, std::string actor)
      : store_(store), root_(std::move(root)), actor_(std::move(actor)) {}

  /// Scans the directory and works until nothing is left to do, whoever found it; or until `stop`
  /// asks for an end, which leaves the rest for the next run. Throws what a worker threw.
  void run(int workers, const std::stop_token& stop);

  struct Progress {
    std::int64_t scanned = 0;    ///< Files in the directory.
    std::int64_t queued = 0;     ///< Of these, the ones that this process found changed.
    std::int64_t processed = 0;  ///< Done by this process.
    std::int64_t lock_failures = 0;
  };
  [[nodiscard]] Progress progress() const noexcept;

 private:
  void work(const std::string& worker, const std::stop_token& stop);
  bool work_once(const std::string& worker, const std::stop_token& stop);
  void process(const std::string& worker, const std::string& path);

  Store& store_;
  const std::string root_;
  const std::string actor_;
  LockFailures lock_failures_;
  std::atomic<std::int64_t> scanned_{0};
  std::atomic<std::int64_t> queued_{0};
  std::atomic<std::int64_t> processed_{0};
  std::mutex failure_mutex_;
  std::exception_ptr failure_;  // The first one of any worker; guarded by failure_mutex_.
};

}  // namespace kb
